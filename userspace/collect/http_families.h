/* SPDX-License-Identifier: Apache-2.0 */
/* Which series a row is shown as: the metric families, their names, and the value of each of a row's
 * series. The one table that the remote-write samples and /metrics are both made from. */
#ifndef EDGEMETER_COLLECT_HTTP_FAMILIES_H
#define EDGEMETER_COLLECT_HTTP_FAMILIES_H

#include "collect/collect_config.h"
#include "http_abi.h"
#include "model/labels.h"

/* Bucket series, +Inf included, and the others. */
#define HTTP_ROW_MAX_SERIES (HTTP_BUCKETS + 16)

/* One series of a row. */
struct http_series {
    const char *name; /* static */
    double le;        /* a bucket's upper bound; negative: no `le` label */
    bool classic;     /* labels `method` and `code` and no others of HTTP's */
    double value;
};

struct http_family {
    const char *name;
    const char *type; /* "histogram", "summary", "counter" */
    const char *help;
    uint8_t role;
    /* Appends this family's series of the row; gives how many. */
    size_t (*series)(const struct http_family *family, const struct http_metrics_config *config,
                     const struct http_row *row, struct http_series *out);
    const char *sum, *count; /* names of a summary's two series */
    size_t sum_offset;       /* in struct http_row; nanoseconds where `seconds` */
    bool seconds;
};

extern const struct http_family http_families[];
extern const size_t http_family_count;

/* All series of a row of `role`, in the families' order. At most HTTP_ROW_MAX_SERIES. */
size_t http_row_series(const struct http_metrics_config *config, uint8_t role,
                       const struct http_row *row, struct http_series out[HTTP_ROW_MAX_SERIES]);

/* Sets the labels that HTTP gives a series: method, status, scheme, `le`, and its name. */
int http_series_label(struct labels_builder *builder, const struct http_row_key *key,
                      const struct http_series *series);

#endif
