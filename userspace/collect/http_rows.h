/* SPDX-License-Identifier: Apache-2.0 */
/* From the kernel's rows to samples and to text. Remembers the rows that were seen so far, each
 * with its cgroup's labels and the series that it counts for. */
#ifndef EDGEMETER_COLLECT_HTTP_ROWS_H
#define EDGEMETER_COLLECT_HTTP_ROWS_H

#include "base/buffer.h"
#include "collect/cgroup_tree.h"
#include "collect/collect_config.h"
#include "collect/http_row_entry.h"
#include "collect/http_shown.h"
#include "model/metric.h"
#include "model/pod_table.h"
#include "model/sample.h"

struct http_rows;

struct http_rows_environment {
    const struct http_metrics_config *config;
    struct series_table *series;
    const struct labels *external_labels;
    const char *instance;
    const struct pod_table *pods; /* may be NULL */
    uint64_t pod_wait_ns;         /* how long a row is kept back for a pod that is not known yet */
    struct metric *rows_no_pod, *rows_unnamed; /* http_cgroups.h */
    /* Deletes the row where it still is as it was read: 0; -EAGAIN: it has counted since; or
     * another negative errno. */
    int (*row_delete)(void *context, const struct http_row_entry *entry);
    void *context;
};

int http_rows_new(const struct http_rows_environment *environment, struct cgroup_tree *tree,
                  struct http_rows **out);
void http_rows_free(struct http_rows **rows);

/* One drain's samples, appended to `sink` as one record: every series at `now_ms`, and for a series
 * not sent before a 0 at `before_ms`, so that increase() counts from nothing. `entries` are all
 * rows there are. now_ms is at least before_ms + 2.
 *
 * A row whose cgroup is gone is sent until it has not counted for a whole interval. Then it is
 * deleted, and a series that counts no other row gets a stale marker; where there is another (a
 * restarted service has a new cgroup and the same labels), what the row has counted stays in the
 * series.
 *
 * 0, or a negative errno: rows that could not be learned are left out, and tried again next time.
 */
int http_rows_drain(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    int64_t before_ms, int64_t now_ms, struct sample_sink *sink);

/* Stale markers for all that was sent: the rows are metered no more. 0 or a negative errno. */
int http_rows_end(struct http_rows *rows, int64_t now_ms, struct sample_sink *sink);

/* The next drain keeps no row back: it is the last one. */
void http_rows_end_waiting(struct http_rows *rows);

/* The rows as text 0.0.4: without job, instance and external labels, which whoever scrapes adds,
 * and with classic histograms. Changes nothing that is sent. */
int http_rows_write(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    struct buffer *out);
/* The rows' sums one by one, but not the totals; changes nothing that is sent either. */
int http_rows_show(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                   http_show_fn fn, void *context);

#endif
