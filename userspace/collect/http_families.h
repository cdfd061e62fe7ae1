/* SPDX-License-Identifier: Apache-2.0 */
/* Which series a group of rows is shown as: the metric families, their names, and the value of each
 * series. The one table that the remote-write samples and /metrics are both made from. Knows no
 * labels but `le`. */
#ifndef EDGEMETER_COLLECT_HTTP_FAMILIES_H
#define EDGEMETER_COLLECT_HTTP_FAMILIES_H

#include "collect/collect_config.h"
#include "http_abi.h"

/* Bucket series, +Inf included, and the others. */
#define HTTP_GROUP_MAX_SERIES (HTTP_BUCKETS + 16)

/* Rows are summed into groups, a group for each set of labels. */
enum http_group_kind {
    HTTP_GROUP_DETAIL,     /* answered requests by cgroup, role, method, status, route and host */
    HTTP_GROUP_TOTAL,      /* those of servers by cgroup, method and status: http_requests_total */
    HTTP_GROUP_UNANSWERED, /* requests without an answer by cgroup and role */
    HTTP_GROUP_KINDS
};

/* One series of a group. */
struct http_series {
    const char *name; /* static */
    double le;        /* a bucket's upper bound; negative: no `le` label */
    bool native;      /* a native histogram; `value` is its sum */
    double value;
};

struct http_family {
    const char *name;
    const char *type; /* "histogram", "summary", "counter" */
    const char *help;
    enum http_group_kind kind;
    uint8_t role; /* HTTP_ROLES: both */
    /* Appends this family's series of the row; gives how many. */
    size_t (*series)(const struct http_family *family, const struct http_metrics_config *config,
                     const struct http_row *row, struct http_series *out);
    const char *bucket, *sum, *count; /* names of a histogram's or a summary's series */
    size_t sum_offset;                /* in struct http_row; nanoseconds where `seconds` */
    bool seconds;
};

extern const struct http_family http_families[];
extern const size_t http_family_count;

/* The sum of the buckets. */
uint64_t http_row_count(const struct http_row *row);
void http_row_add(struct http_row *total, const struct http_row *row);
/* Of an earlier state of the same row. */
void http_row_subtract(struct http_row *total, const struct http_row *row);

bool http_family_shows(const struct http_family *family, enum http_group_kind kind, uint8_t role);
/* All series of a group with these sums, in the families' order, as they are sent: the duration as
 * a native histogram where the configuration wants it. At most HTTP_GROUP_MAX_SERIES. */
size_t http_group_series(const struct http_metrics_config *config, enum http_group_kind kind,
                         uint8_t role, const struct http_row *row,
                         struct http_series out[HTTP_GROUP_MAX_SERIES]);

#endif
