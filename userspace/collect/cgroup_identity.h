/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup's path says of who lives in it. Pure. */
#ifndef EDGEMETER_COLLECT_CGROUP_IDENTITY_H
#define EDGEMETER_COLLECT_CGROUP_IDENTITY_H

#include "base/text.h"

struct cgroup_identity {
    char pod_uid[40];      /* with dashes, as the API server has it; "" where no pod */
    struct text container; /* id, a view into the path; empty where none */
    struct text service;   /* "nginx.service", a view into the path; empty where none */
};

/* Knows the kubelet's two drivers, wherever in the path they stand (kind and k3s nest them):
 *   cgroupfs: /kubepods[/burstable|/besteffort]/podUID/CONTAINER
 *   systemd:  /kubepods.slice/.../kubepods[-burstable|-besteffort]-podUID_WITH_UNDERSCORES.slice/
 *             {cri-containerd-,crio-,docker-}CONTAINER.scope
 *   both mixed: .../kubepods...-podUID.slice:cri-containerd:CONTAINER
 * and systemd units; the innermost pod counts, and in it the outermost container, the one that the
 * kubelet knows. */
void cgroup_identity_parse(const char *path, struct cgroup_identity *out);

#endif
