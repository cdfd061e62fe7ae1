/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups that rows come from, each with its name: found at once, waited for where a pod is not
 * known yet, and found anew when the pod changes. For http_groups.c. */
#ifndef EDGEMETER_COLLECT_HTTP_CGROUPS_H
#define EDGEMETER_COLLECT_HTTP_CGROUPS_H

#include <sys/queue.h>

#include "base/hash_table.h"
#include "collect/cgroup_tree.h"
#include "collect/http_namer.h"
#include "model/metric.h"

struct http_cgroup {
    uint64_t id;           /* the key */
    struct labels *labels; /* NULL: it waits for its pod, and its rows are kept back */
    enum http_certainty certainty;
    bool is_pod;
    bool gone;
    bool renamed; /* its rows are still in the groups of the name before */
    uint64_t since_ns;
    size_t rows;
    TAILQ_ENTRY(http_cgroup) link;
};

struct http_cgroups_environment {
    struct cgroup_tree *tree;
    const struct pod_table *pods; /* may be NULL */
    uint64_t wait_ns;             /* for a pod that is not known yet */
    struct metric *rows_no_pod;   /* counts rows of no pod; may be NULL */
    struct metric *rows_unnamed;  /* counts rows of a pod that was not known in time; may be NULL */
};

struct http_cgroups {
    struct http_cgroups_environment environment;
    struct http_namer *namer;
    struct hash_table table;
    TAILQ_HEAD(, http_cgroup) list;
    uint64_t pods_version; /* of the last look for changes */
    bool walked;           /* the tree, in this pass */
};

int http_cgroups_init(struct http_cgroups *cgroups,
                      const struct http_cgroups_environment *environment, size_t maximum);
void http_cgroups_free(struct http_cgroups *cgroups);

/* The cgroup with one row more, and one less; the last one forgets it. 0 or a negative errno. */
int http_cgroups_hold(struct http_cgroups *cgroups, uint64_t id, struct http_cgroup **out);
void http_cgroups_release(struct http_cgroups *cgroups, struct http_cgroup *cgroup);

/* Names those that waited, as far as their pods are known by now or the wait is over. */
void http_cgroups_name_waiting(struct http_cgroups *cgroups);
/* Finds the names of pods that changed anew, and marks those that are `renamed`. Whether there are
 * any. */
bool http_cgroups_rename(struct http_cgroups *cgroups);
/* Looks which folders are gone; once for each. */
void http_cgroups_check(struct http_cgroups *cgroups);

#endif
