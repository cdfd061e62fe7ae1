/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the kernel can say here whose a socket is. Tried once, with a socket of our own. */
#ifndef EDGEMETER_COLLECT_CGROUP_ATTRIBUTION_H
#define EDGEMETER_COLLECT_CGROUP_ATTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

enum cgroup_attribution {
    ATTRIBUTION_WORKS,   /* or nothing speaks against it */
    ATTRIBUTION_PARTIAL, /* the mount begins at our own cgroup: others are not metered */
    ATTRIBUTION_NONE,    /* every socket is in the root: net_prio or net_cls on an old kernel */
};

struct cgroup_attribution_facts {
    uint64_t seen;    /* the cgroup of our socket, as the programs see it; 0: they did not */
    uint64_t root;    /* the inode of the hierarchy's root as it is mounted */
    bool own_is_root; /* we are in the root cgroup ourselves */
};

enum cgroup_attribution cgroup_attribution_judge(const struct cgroup_attribution_facts *facts);

/* `mount` is the hierarchy's. Where the try itself fails nothing speaks against it. */
enum cgroup_attribution cgroup_attribution_probe(const char *mount);

#endif
