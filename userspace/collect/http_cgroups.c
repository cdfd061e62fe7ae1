/* SPDX-License-Identifier: Apache-2.0 */
/* Decides when a cgroup has its name. A name that was found once is never lost again to a pod table
 * that has forgotten the pod. */
#include "collect/http_cgroups.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

int http_cgroups_init(struct http_cgroups *cgroups,
                      const struct http_cgroups_environment *environment, size_t maximum)
{
    *cgroups = (struct http_cgroups){.environment = *environment};
    TAILQ_INIT(&cgroups->list);
    hash_table_init(&cgroups->table, sizeof(uint64_t), maximum);
    return http_namer_new(environment->pods, &cgroups->namer);
}

void http_cgroups_free(struct http_cgroups *cgroups)
{
    hash_table_free(&cgroups->table);
    http_namer_free(&cgroups->namer);
}

/* --- names --- */

/* One whose path is not known is looked for by a walk, at most once in a pass. */
static const char *find_path(struct http_cgroups *cgroups, uint64_t id)
{
    struct cgroup_tree *tree = cgroups->environment.tree;
    const char *path = id ? cgroup_tree_path(tree, id) : NULL;

    if (!id || path || cgroups->walked)
        return path;
    cgroups->walked = true;
    cgroup_tree_refresh(tree);
    return cgroup_tree_path(tree, id);
}

static int find_name(struct http_cgroups *cgroups, uint64_t id, struct http_name *out)
{
    return http_namer_name(cgroups->namer, id, find_path(cgroups, id), out);
}

/* Takes the labels. */
static void take_name(struct http_cgroup *cgroup, struct http_name *name)
{
    free(cgroup->labels);
    cgroup->labels = TAKE_PTR(name->labels);
    cgroup->certainty = name->certainty;
    cgroup->is_pod = name->is_pod;
}

static bool is_worth_waiting(const struct http_cgroups *cgroups, const struct http_cgroup *cgroup,
                             enum http_certainty certainty)
{
    const struct pod_table *pods = cgroups->environment.pods;
    bool may_come = certainty == HTTP_NAME_NO_POD || certainty == HTTP_NAME_NO_CONTAINER;

    return may_come && pods && pod_table_is_fed(pods) &&
           clock_monotonic_ns() - cgroup->since_ns < cgroups->environment.wait_ns;
}

/* 0, also where it goes on waiting. */
static int name_first(struct http_cgroups *cgroups, struct http_cgroup *cgroup)
{
    struct http_name name;

    int error = find_name(cgroups, cgroup->id, &name);
    if (error)
        return error;
    if (is_worth_waiting(cgroups, cgroup, name.certainty))
        free(name.labels);
    else
        take_name(cgroup, &name);
    return 0;
}

static void count_row(struct http_cgroups *cgroups, const struct http_cgroup *cgroup, size_t rows)
{
    if (!cgroup->labels)
        return;
    if (!cgroup->is_pod)
        metric_add(cgroups->environment.rows_no_pod, (double)rows);
    else if (cgroup->certainty != HTTP_NAME_COMPLETE)
        metric_add(cgroups->environment.rows_unnamed, (double)rows);
}

void http_cgroups_name_waiting(struct http_cgroups *cgroups)
{
    struct http_cgroup *cgroup;

    TAILQ_FOREACH(cgroup, &cgroups->list, link)
    {
        if (cgroup->labels || name_first(cgroups, cgroup))
            continue;
        count_row(cgroups, cgroup, cgroup->rows);
    }
}

static void name_again(struct http_cgroups *cgroups, struct http_cgroup *cgroup)
{
    struct http_name name;

    if (find_name(cgroups, cgroup->id, &name))
        return;
    if (name.certainty > cgroup->certainty) {
        free(name.labels);
        return;
    }
    cgroup->renamed = !labels_equal(cgroup->labels, name.labels);
    take_name(cgroup, &name);
}

bool http_cgroups_rename(struct http_cgroups *cgroups)
{
    const struct pod_table *pods = cgroups->environment.pods;
    struct http_cgroup *cgroup;
    bool any = false;

    if (!pods || cgroups->pods_version == pod_table_version(pods))
        return false;
    cgroups->pods_version = pod_table_version(pods);
    TAILQ_FOREACH(cgroup, &cgroups->list, link)
    {
        if (cgroup->is_pod && cgroup->labels)
            name_again(cgroups, cgroup);
        any |= cgroup->renamed;
    }
    return any;
}

/* --- rows --- */

int http_cgroups_hold(struct http_cgroups *cgroups, uint64_t id, struct http_cgroup **out)
{
    struct http_cgroup *cgroup = hash_table_find(&cgroups->table, &id);

    if (!cgroup) {
        cgroup = calloc(1, sizeof(*cgroup));
        if (!cgroup)
            return -ENOMEM;
        cgroup->id = id;
        cgroup->since_ns = clock_monotonic_ns();
        int error = name_first(cgroups, cgroup);
        if (!error)
            error = hash_table_add(&cgroups->table, cgroup);
        if (error) {
            free(cgroup->labels);
            free(cgroup);
            return error;
        }
        TAILQ_INSERT_TAIL(&cgroups->list, cgroup, link);
    }
    cgroup->rows++;
    count_row(cgroups, cgroup, 1);
    *out = cgroup;
    return 0;
}

void http_cgroups_release(struct http_cgroups *cgroups, struct http_cgroup *cgroup)
{
    if (--cgroup->rows)
        return;
    hash_table_remove(&cgroups->table, &cgroup->id);
    TAILQ_REMOVE(&cgroups->list, cgroup, link);
    free(cgroup->labels);
    free(cgroup);
}

void http_cgroups_check(struct http_cgroups *cgroups)
{
    struct http_cgroup *cgroup;

    TAILQ_FOREACH(cgroup, &cgroups->list, link)
    {
        if (cgroup->id && !cgroup->gone)
            cgroup->gone = cgroup_tree_is_gone(cgroups->environment.tree, cgroup->id);
    }
}
