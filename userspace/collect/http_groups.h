/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of rows: each with its cgroup, and with the groups that it is summed into. A group
 * is what has one set of labels, so that cgroups with the same labels share it. For http_rows.c and
 * http_text.c. */
#ifndef EDGEMETER_COLLECT_HTTP_GROUPS_H
#define EDGEMETER_COLLECT_HTTP_GROUPS_H

#include <sys/queue.h>

#include "base/hash_table.h"
#include "collect/http_cgroups.h"
#include "collect/http_families.h"
#include "collect/http_rows.h"
#include "model/relabel.h"

#define HTTP_ROW_MAX_GROUPS 2

struct http_sums {
    struct http_row row;
    struct http_native_row native; /* where native histograms are on */
};

enum http_group_state {
    HTTP_GROUP_UNSENT,
    HTTP_GROUP_SENT,
    HTTP_GROUP_ENDED, /* the last drain sent stale markers; kept for the next, which must know */
};

struct http_group {
    series_id first; /* the key: the first of its series */
    enum http_group_kind kind;
    enum http_group_state state;
    series_id *series;
    size_t series_count;
    struct http_sums *carried; /* of rows that were deleted; NULL: of none */
    LIST_HEAD(, http_membership) members;
    TAILQ_ENTRY(http_group) link;
};

struct http_membership {
    struct http_group *group;
    struct http_known_row *row;
    LIST_ENTRY(http_membership) link;
};

struct http_known_row {
    struct http_row_key key;
    struct http_cgroup *cgroup;
    struct http_membership memberships[HTTP_ROW_MAX_GROUPS];
    size_t group_count;
    bool placed;                        /* in its groups, as far as rules do not drop it */
    const struct http_row_entry *entry; /* of this pass; NULL: not among its rows */
    struct http_sums *base;             /* counted before it came into them; NULL: nothing */
    bool gone;                          /* so at a drain before, with this count: */
    uint64_t gone_count;
    TAILQ_ENTRY(http_known_row) link;
};

struct http_groups {
    struct http_rows_environment environment;
    struct http_cgroups cgroups;
    struct labels_builder *builder;
    struct relabeler *relabeler;
    struct hash_table row_table, group_table;
    TAILQ_HEAD(, http_known_row) rows;
    TAILQ_HEAD(http_group_list, http_group) groups; /* in the order of their first rows */
    size_t series_count;                            /* of all groups */
};

int http_groups_init(struct http_groups *groups, const struct http_rows_environment *environment,
                     struct cgroup_tree *tree);
void http_groups_free(struct http_groups *groups);

/* Begins a pass: every row's entry is set, new rows are made known. 0, or the errno of the last row
 * that could not be; the others are known all the same. */
int http_groups_learn(struct http_groups *groups, const struct http_row_entry *entries,
                      size_t count);
/* After a drain: rows whose pods have changed get other groups, which count from now on. 0, or the
 * errno of the last row that could not be moved. */
int http_groups_rename(struct http_groups *groups);
/* Forgets a row. With `carry` its groups keep what it has counted, for which there must be room:
 * http_groups_prepare_carry() makes it, and gives 0 or -ENOMEM. */
int http_groups_prepare_carry(struct http_known_row *row);
void http_groups_forget_row(struct http_groups *groups, struct http_known_row *row, bool carry);
/* Forgets a group without members, and releases its series. */
void http_groups_forget_group(struct http_groups *groups, struct http_group *group);

/* What the group has counted as of this pass: with its native histogram, or without. */
void http_group_sum(const struct http_group *group, const struct http_metrics_config *config,
                    struct http_sums *out);
void http_group_sum_row(const struct http_group *group, struct http_row *out);
/* Any of its rows; NULL where it has no members. */
const struct http_known_row *http_group_row(const struct http_group *group);

#endif
