/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that were seen so far, each with its cgroup's labels and the series it is sent as. */
#ifndef EDGEMETER_COLLECT_HTTP_ROWS_H
#define EDGEMETER_COLLECT_HTTP_ROWS_H

#include "collect/cgroup_tree.h"
#include "collect/http_families.h"
#include "collect/http_meter.h"
#include "model/sample.h"

struct http_rows;

struct http_rows_environment {
    const struct http_metrics_config *config;
    struct series_table *series;
    const struct labels *external_labels;
    const char *instance;
};

int http_rows_new(const struct http_rows_environment *environment, struct cgroup_tree *tree,
                  struct http_rows **out);
void http_rows_free(struct http_rows **rows);

/* One drain's samples, appended to `sink` as one record: every series of every row at `now_ms`, and
 * for a row not seen before a 0 at `before_ms`, so that increase() counts from nothing. */
int http_rows_drain(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    int64_t before_ms, int64_t now_ms, struct sample_sink *sink);

/* The rows as text 0.0.4: without job, instance and external labels, which whoever scrapes adds. */
int http_rows_write(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    struct buffer *out);

#endif
