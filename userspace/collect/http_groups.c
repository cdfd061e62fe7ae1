/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of rows, cgroups and groups, and how a new row finds its place in them. Decides
 * nothing of when what is sent. */
#include "collect/http_groups.h"

#include <errno.h>

#include "base/cleanup.h"
#include "collect/http_labels.h"
#include "collect/native_histogram.h"

int http_groups_init(struct http_groups *groups, const struct http_rows_environment *environment,
                     struct cgroup_tree *tree)
{
    size_t most_rows = 2 * ((size_t)environment->config->max_rows + HTTP_ROLES);

    *groups = (struct http_groups){.environment = *environment, .tree = tree};
    TAILQ_INIT(&groups->cgroups);
    TAILQ_INIT(&groups->rows);
    TAILQ_INIT(&groups->groups);
    hash_table_init(&groups->cgroup_table, sizeof(uint64_t), most_rows);
    hash_table_init(&groups->row_table, sizeof(struct http_row_key), most_rows);
    /* and as many that ended at the last drain */
    hash_table_init(&groups->group_table, sizeof(series_id), 2 * HTTP_ROW_MAX_GROUPS * most_rows);
    int error = relabeler_new(&groups->relabeler);
    return error ? error : labels_builder_new(&groups->builder);
}

void http_groups_free(struct http_groups *groups)
{
    struct http_known_row *row, *next_row;
    struct http_group *group, *next_group;

    for (row = TAILQ_FIRST(&groups->rows); row; row = next_row) {
        next_row = TAILQ_NEXT(row, link);
        http_groups_forget_row(groups, row, false);
    }
    for (group = TAILQ_FIRST(&groups->groups); group; group = next_group) {
        next_group = TAILQ_NEXT(group, link);
        http_groups_forget_group(groups, group);
    }
    hash_table_free(&groups->cgroup_table);
    hash_table_free(&groups->row_table);
    hash_table_free(&groups->group_table);
    labels_builder_free(&groups->builder);
    relabeler_free(&groups->relabeler);
}

/* --- cgroups --- */

/* The cgroup's path. One that is not known is looked for by a walk, at most once in a pass. */
static const char *cgroup_path(struct http_groups *groups, uint64_t id)
{
    const char *path = cgroup_tree_path(groups->tree, id);

    if (path || groups->walked)
        return path;
    groups->walked = true;
    cgroup_tree_refresh(groups->tree);
    return cgroup_tree_path(groups->tree, id);
}

static void cgroup_release(struct http_groups *groups, struct http_cgroup *cgroup)
{
    if (--cgroup->rows)
        return;
    hash_table_remove(&groups->cgroup_table, &cgroup->id);
    TAILQ_REMOVE(&groups->cgroups, cgroup, link);
    free(cgroup->labels);
    free(cgroup);
}

/* The cgroup with one row more. */
static int cgroup_hold(struct http_groups *groups, uint64_t id, struct http_cgroup **out)
{
    struct http_cgroup *cgroup = hash_table_find(&groups->cgroup_table, &id);
    int error = 0;

    if (!cgroup) {
        cgroup = calloc(1, sizeof(*cgroup));
        if (!cgroup)
            return -ENOMEM;
        cgroup->id = id;
        error = http_cgroup_labels(groups->builder, id, id ? cgroup_path(groups, id) : NULL,
                                   &cgroup->labels);
        if (!error)
            error = hash_table_add(&groups->cgroup_table, cgroup);
        if (error) {
            free(cgroup->labels);
            free(cgroup);
            return error;
        }
        TAILQ_INSERT_TAIL(&groups->cgroups, cgroup, link);
    }
    cgroup->rows++;
    *out = cgroup;
    return 0;
}

void http_groups_check_cgroups(struct http_groups *groups)
{
    struct http_cgroup *cgroup;

    TAILQ_FOREACH(cgroup, &groups->cgroups, link)
    if (cgroup->id && !cgroup->gone)
        cgroup->gone = cgroup_tree_is_gone(groups->tree, cgroup->id);
}

/* --- groups --- */

void http_groups_forget_group(struct http_groups *groups, struct http_group *group)
{
    hash_table_remove(&groups->group_table, &group->first);
    TAILQ_REMOVE(&groups->groups, group, link);
    groups->series_count -= group->series_count;
    for (size_t i = 0; i < group->series_count; i++)
        series_table_release(groups->environment.series, group->series[i]);
    free(group->series);
    free(group->carried);
    free(group);
}

/* The builder holds the group's labels. */
static int series_intern(struct http_groups *groups, const struct http_series *series,
                         series_id *out)
{
    autofree struct labels *labels = NULL;
    int error = http_labels_build(groups->builder, series, &labels);

    return error ? error : series_table_intern(groups->environment.series, labels, out);
}

/* A group of these series; it takes the reference of `first`. */
static int group_new(struct http_groups *groups, enum http_group_kind kind, series_id first,
                     const struct http_series *series, size_t count, struct http_group **out)
{
    struct http_group *group = calloc(1, sizeof(*group));
    int error = -ENOMEM;

    if (group)
        group->series = calloc(count, sizeof(*group->series));
    if (group && group->series) {
        group->first = first;
        error = hash_table_add(&groups->group_table, group);
    }
    if (error) {
        series_table_release(groups->environment.series, first);
        if (group)
            free(group->series);
        free(group);
        return error;
    }
    group->kind = kind;
    TAILQ_INSERT_TAIL(&groups->groups, group, link);
    group->series[0] = first;
    while (!error && ++group->series_count < count)
        error = series_intern(groups, &series[group->series_count],
                              &group->series[group->series_count]);
    groups->series_count += group->series_count;
    if (error)
        http_groups_forget_group(groups, group);
    else
        *out = group;
    return error;
}

/* The row's group of that kind, made where it is not known; NULL where the rules drop it. */
static int group_find(struct http_groups *groups, const struct http_known_row *row,
                      enum http_group_kind kind, struct http_group **out)
{
    const struct http_rows_environment *environment = &groups->environment;
    struct http_series series[HTTP_GROUP_MAX_SERIES];
    static const struct http_row nothing;
    series_id first;

    size_t count = http_group_series(environment->config, kind, row->key.role, &nothing, series);
    int verdict = http_labels_begin(groups->builder, groups->relabeler, environment,
                                    row->cgroup->labels, &row->key, kind);
    *out = NULL;
    if (verdict != RELABEL_KEPT)
        return verdict == RELABEL_DROPPED ? 0 : verdict;
    int error = series_intern(groups, &series[0], &first);
    if (error)
        return error;
    *out = hash_table_find(&groups->group_table, &first);
    if (!*out)
        return group_new(groups, kind, first, series, count, out);
    series_table_release(environment->series, first);
    return 0;
}

static int group_join(struct http_groups *groups, struct http_known_row *row,
                      enum http_group_kind kind)
{
    struct http_membership *membership = &row->memberships[row->group_count];
    int error = group_find(groups, row, kind, &membership->group);

    if (error || !membership->group)
        return error;
    membership->row = row;
    LIST_INSERT_HEAD(&membership->group->members, membership, link);
    row->group_count++;
    return 0;
}

static void sums_add(struct http_sums *sums, const struct http_row_entry *entry,
                     const struct http_metrics_config *config)
{
    http_row_add(&sums->row, &entry->row);
    if (!config->native_histograms)
        return;
    if (entry->native)
        native_row_add(&sums->native, entry->native);
    else
        native_row_add_classic(&sums->native, &entry->row, config);
}

void http_group_sum(const struct http_group *group, const struct http_metrics_config *config,
                    struct http_sums *out)
{
    const struct http_membership *membership;

    if (group->carried)
        *out = *group->carried;
    else
        memset(out, 0, sizeof(*out));
    LIST_FOREACH(membership, &group->members, link)
    if (membership->row->entry)
        sums_add(out, membership->row->entry, config);
}

void http_group_sum_row(const struct http_group *group, struct http_row *out)
{
    const struct http_membership *membership;

    *out = group->carried ? group->carried->row : (struct http_row){0};
    LIST_FOREACH(membership, &group->members, link)
    if (membership->row->entry)
        http_row_add(out, &membership->row->entry->row);
}

const struct http_known_row *http_group_row(const struct http_group *group)
{
    const struct http_membership *any = LIST_FIRST(&group->members);

    return any ? any->row : NULL;
}

/* --- rows --- */

/* A group ends with its last row; there is nothing to carry on then. */
static bool is_last_of(const struct http_membership *membership)
{
    return LIST_FIRST(&membership->group->members) == membership && !LIST_NEXT(membership, link);
}

int http_groups_prepare_carry(struct http_known_row *row)
{
    for (size_t i = 0; i < row->group_count; i++) {
        struct http_group *group = row->memberships[i].group;
        if (group->carried || is_last_of(&row->memberships[i]))
            continue;
        group->carried = calloc(1, sizeof(*group->carried));
        if (!group->carried)
            return -ENOMEM;
    }
    return 0;
}

static void row_carry(struct http_known_row *row, const struct http_metrics_config *config)
{
    for (size_t i = 0; i < row->group_count; i++)
        if (!is_last_of(&row->memberships[i]))
            sums_add(row->memberships[i].group->carried, row->entry, config);
}

static void row_leave_groups(struct http_groups *groups, struct http_known_row *row)
{
    for (size_t i = 0; i < row->group_count; i++) {
        struct http_group *group = row->memberships[i].group;
        LIST_REMOVE(&row->memberships[i], link);
        if (LIST_EMPTY(&group->members) && group->state == HTTP_GROUP_UNSENT)
            http_groups_forget_group(groups, group);
    }
    row->group_count = 0;
}

void http_groups_forget_row(struct http_groups *groups, struct http_known_row *row, bool carry)
{
    if (carry)
        row_carry(row, groups->environment.config);
    row_leave_groups(groups, row);
    hash_table_remove(&groups->row_table, &row->key);
    TAILQ_REMOVE(&groups->rows, row, link);
    cgroup_release(groups, row->cgroup);
    free(row);
}

static int row_join_groups(struct http_groups *groups, struct http_known_row *row)
{
    if (row->key.cgroup && !row->key.status)
        return group_join(groups, row, HTTP_GROUP_UNANSWERED);
    int error = group_join(groups, row, HTTP_GROUP_DETAIL);
    if (!error && row->key.role == HTTP_ROLE_SERVER)
        error = group_join(groups, row, HTTP_GROUP_TOTAL);
    return error;
}

static int row_learn(struct http_groups *groups, const struct http_row_key *key,
                     struct http_known_row **out)
{
    struct http_known_row *row = calloc(1, sizeof(*row));
    if (!row)
        return -ENOMEM;
    row->key = *key;
    int error = cgroup_hold(groups, key->cgroup, &row->cgroup);
    if (error) {
        free(row);
        return error;
    }
    error = row_join_groups(groups, row);
    if (!error)
        error = hash_table_add(&groups->row_table, row);
    if (error) {
        row_leave_groups(groups, row);
        cgroup_release(groups, row->cgroup);
        free(row);
        return error;
    }
    TAILQ_INSERT_TAIL(&groups->rows, row, link);
    *out = row;
    return 0;
}

int http_groups_learn(struct http_groups *groups, const struct http_row_entry *entries,
                      size_t count)
{
    struct http_known_row *row;
    int error = 0;

    groups->walked = false;
    TAILQ_FOREACH(row, &groups->rows, link)
    row->entry = NULL;
    for (size_t i = 0; i < count; i++) {
        int row_error = 0;
        row = hash_table_find(&groups->row_table, &entries[i].key);
        if (!row)
            row_error = row_learn(groups, &entries[i].key, &row);
        if (row_error)
            error = row_error;
        else
            row->entry = &entries[i];
    }
    return error;
}
