/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of a cgroup are called before relabelling: its pod's meta labels, or its path. */
#ifndef EDGEMETER_COLLECT_HTTP_NAMER_H
#define EDGEMETER_COLLECT_HTTP_NAMER_H

#include <stdint.h>

#include "model/pod_table.h"

/* What is known of a cgroup, the best first. */
enum http_certainty {
    HTTP_NAME_COMPLETE,
    HTTP_NAME_NO_CONTAINER, /* the pod is known, a container of that id is not (yet) */
    HTTP_NAME_NO_POD,       /* it is a pod's, and the pod is not known (yet) */
    HTTP_NAME_NO_PATH,      /* it was gone before it was ever seen */
};

struct http_name {
    struct labels *labels;
    enum http_certainty certainty;
    bool is_pod;
};

struct http_namer;

/* `pods` is borrowed, and may be NULL. */
int http_namer_new(const struct pod_table *pods, struct http_namer **out);
void http_namer_free(struct http_namer **namer);

/* `id` 0 is the surplus rows'. `path` NULL: not known. 0, -ENOMEM or -E2BIG; the caller frees the
 * labels. */
int http_namer_name(struct http_namer *namer, uint64_t id, const char *path, struct http_name *out);

#endif
