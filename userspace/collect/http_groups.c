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

    const struct http_cgroups_environment cgroups = {
        .tree = tree,
        .pods = environment->pods,
        .wait_ns = environment->pod_wait_ns,
        .rows_no_pod = environment->rows_no_pod,
        .rows_unnamed = environment->rows_unnamed,
    };
    *groups = (struct http_groups){.environment = *environment};
    TAILQ_INIT(&groups->rows);
    TAILQ_INIT(&groups->groups);
    hash_table_init(&groups->row_table, sizeof(struct http_row_key), most_rows);
    /* and as many that ended at the last drain */
    hash_table_init(&groups->group_table, sizeof(series_id), 2 * HTTP_ROW_MAX_GROUPS * most_rows);
    int error = http_cgroups_init(&groups->cgroups, &cgroups, most_rows);
    if (!error)
        error = relabeler_new(&groups->relabeler);
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
    http_cgroups_free(&groups->cgroups);
    hash_table_free(&groups->row_table);
    hash_table_free(&groups->group_table);
    labels_builder_free(&groups->builder);
    relabeler_free(&groups->relabeler);
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

static void sums_add_entry(struct http_sums *sums, const struct http_row_entry *entry,
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

/* What the row has counted since it is in its groups. */
static void sums_add(struct http_sums *sums, const struct http_known_row *row,
                     const struct http_metrics_config *config)
{
    struct http_sums since;

    if (!row->base) {
        sums_add_entry(sums, row->entry, config);
        return;
    }
    memset(&since, 0, sizeof(since));
    sums_add_entry(&since, row->entry, config);
    http_row_subtract(&since.row, &row->base->row);
    http_row_add(&sums->row, &since.row);
    if (!config->native_histograms)
        return;
    native_row_subtract(&since.native, &row->base->native);
    native_row_add(&sums->native, &since.native);
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
        sums_add(out, membership->row, config);
}

void http_group_sum_row(const struct http_group *group, struct http_row *out)
{
    const struct http_membership *membership;

    *out = group->carried ? group->carried->row : (struct http_row){0};
    LIST_FOREACH(membership, &group->members, link)
    {
        if (!membership->row->entry)
            continue;
        http_row_add(out, &membership->row->entry->row);
        if (membership->row->base)
            http_row_subtract(out, &membership->row->base->row);
    }
}

const struct http_known_row *http_group_row(const struct http_group *group)
{
    const struct http_membership *any = LIST_FIRST(&group->members);

    return any ? any->row : NULL;
}

/* --- rows --- */

/* Those that the row belongs into by its cgroup's name; fewer where rules drop it. */
static int row_find_groups(struct http_groups *groups, const struct http_known_row *row,
                           struct http_group *out[HTTP_ROW_MAX_GROUPS], size_t *count)
{
    bool answered = !row->key.cgroup || row->key.status;
    const enum http_group_kind kinds[] = {answered ? HTTP_GROUP_DETAIL : HTTP_GROUP_UNANSWERED,
                                          HTTP_GROUP_TOTAL};
    size_t kind_count = answered && row->key.role == HTTP_ROLE_SERVER ? 2 : 1;
    int error = 0;

    *count = 0;
    for (size_t i = 0; i < kind_count && !error; i++) {
        error = group_find(groups, row, kinds[i], &out[*count]);
        *count += !error && out[*count];
    }
    return error;
}

static void group_forget_empty(struct http_groups *groups, struct http_group *group)
{
    if (LIST_EMPTY(&group->members) && group->state == HTTP_GROUP_UNSENT)
        http_groups_forget_group(groups, group);
}

static void row_join(struct http_known_row *row, struct http_group *const *list, size_t count)
{
    for (row->group_count = 0; row->group_count < count; row->group_count++) {
        struct http_membership *membership = &row->memberships[row->group_count];
        *membership = (struct http_membership){.group = list[row->group_count], .row = row};
        LIST_INSERT_HEAD(&membership->group->members, membership, link);
    }
    row->placed = true;
}

/* Nowhere while its cgroup has no name. */
static int row_place(struct http_groups *groups, struct http_known_row *row)
{
    struct http_group *list[HTTP_ROW_MAX_GROUPS];
    size_t count;

    if (row->placed || !row->cgroup->labels)
        return 0;
    int error = row_find_groups(groups, row, list, &count);
    if (!error)
        row_join(row, list, count);
    for (size_t i = 0; i < count && error; i++)
        group_forget_empty(groups, list[i]);
    return error;
}

/* A group ends with its last row; there is nothing to carry on then. */
static bool is_last_of(const struct http_membership *membership)
{
    return LIST_FIRST(&membership->group->members) == membership && !LIST_NEXT(membership, link);
}

static int group_prepare_carry(struct http_group *group)
{
    if (!group->carried)
        group->carried = calloc(1, sizeof(*group->carried));
    return group->carried ? 0 : -ENOMEM;
}

int http_groups_prepare_carry(struct http_known_row *row)
{
    for (size_t i = 0; i < row->group_count; i++) {
        if (is_last_of(&row->memberships[i]))
            continue;
        int error = group_prepare_carry(row->memberships[i].group);
        if (error)
            return error;
    }
    return 0;
}

static void row_carry(struct http_known_row *row, const struct http_metrics_config *config)
{
    for (size_t i = 0; i < row->group_count; i++)
        if (!is_last_of(&row->memberships[i]))
            sums_add(row->memberships[i].group->carried, row, config);
}

static void row_leave_groups(struct http_groups *groups, struct http_known_row *row)
{
    for (size_t i = 0; i < row->group_count; i++) {
        struct http_group *group = row->memberships[i].group;
        LIST_REMOVE(&row->memberships[i], link);
        group_forget_empty(groups, group);
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
    http_cgroups_release(&groups->cgroups, row->cgroup);
    free(row->base);
    free(row);
}

static int row_learn(struct http_groups *groups, const struct http_row_key *key,
                     struct http_known_row **out)
{
    struct http_known_row *row = calloc(1, sizeof(*row));
    if (!row)
        return -ENOMEM;
    row->key = *key;
    int error = http_cgroups_hold(&groups->cgroups, key->cgroup, &row->cgroup);
    if (error) {
        free(row);
        return error;
    }
    error = row_place(groups, row);
    if (!error)
        error = hash_table_add(&groups->row_table, row);
    if (error) {
        row_leave_groups(groups, row);
        http_cgroups_release(&groups->cgroups, row->cgroup);
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

    groups->cgroups.walked = false;
    http_cgroups_name_waiting(&groups->cgroups);
    TAILQ_FOREACH(row, &groups->rows, link)
    row->entry = NULL;
    for (size_t i = 0; i < count; i++) {
        int row_error = 0;
        row = hash_table_find(&groups->row_table, &entries[i].key);
        if (row)
            row_error = row_place(groups, row); /* it may have waited */
        else
            row_error = row_learn(groups, &entries[i].key, &row);
        if (row_error)
            error = row_error;
        else
            row->entry = &entries[i];
    }
    return error;
}

/* --- other names --- */

static bool row_is_in(const struct http_known_row *row, struct http_group *const *list,
                      size_t count)
{
    if (row->group_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (row->memberships[i].group != list[i])
            return false;
    return true;
}

/* What was counted so far stays where it was counted; from now on the row counts in the groups of
 * the list. */
static int row_move(struct http_groups *groups, struct http_known_row *row,
                    struct http_group *const *list, size_t count)
{
    const struct http_metrics_config *config = groups->environment.config;
    struct http_sums *base = calloc(1, sizeof(*base));
    struct http_group *left[HTTP_ROW_MAX_GROUPS];
    size_t left_count = row->group_count;

    for (size_t i = 0; i < left_count && base; i++) {
        left[i] = row->memberships[i].group;
        if (group_prepare_carry(left[i])) {
            free(base);
            base = NULL;
        }
    }
    if (!base)
        return -ENOMEM;
    for (size_t i = 0; i < left_count; i++) {
        sums_add(left[i]->carried, row, config);
        LIST_REMOVE(&row->memberships[i], link);
    }
    free(row->base);
    row->base = base;
    sums_add_entry(base, row->entry, config);
    row_join(row, list, count);
    for (size_t i = 0; i < left_count; i++)
        group_forget_empty(groups, left[i]);
    return 0;
}

static int row_rename(struct http_groups *groups, struct http_known_row *row)
{
    struct http_group *list[HTTP_ROW_MAX_GROUPS];
    size_t count;

    int error = row_find_groups(groups, row, list, &count);
    if (!error && !row_is_in(row, list, count))
        error = row_move(groups, row, list, count);
    for (size_t i = 0; i < count && error; i++)
        group_forget_empty(groups, list[i]);
    return error;
}

int http_groups_rename(struct http_groups *groups)
{
    struct http_known_row *row;
    struct http_cgroup *cgroup;
    int error = 0;

    if (!http_cgroups_rename(&groups->cgroups))
        return 0;
    TAILQ_FOREACH(row, &groups->rows, link)
    {
        if (!row->cgroup->renamed || !row->entry || !row->placed)
            continue;
        int row_error = row_rename(groups, row);
        if (row_error)
            error = row_error;
    }
    TAILQ_FOREACH(cgroup, &groups->cgroups.list, link)
    cgroup->renamed = false;
    return error;
}
