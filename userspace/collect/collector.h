/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP rows: loads and attaches the BPF programs, drains their rows every interval, names the
 * cgroups, and hands every drain to the sink as one record. */
#ifndef EDGEMETER_COLLECT_COLLECTOR_H
#define EDGEMETER_COLLECT_COLLECTOR_H

#include "base/buffer.h"
#include "base/loop.h"
#include "collect/collect_config.h"
#include "collect/http_shown.h"
#include "model/metric.h"
#include "model/pod_table.h"
#include "model/sample.h"

struct collector;

struct collector_environment {
    struct loop *loop;
    struct series_table *series;
    struct sample_sink *sink;
    struct metric_registry *metrics;
    const struct labels *external_labels; /* added to a series where it has no label of that name */
    const struct pod_table *pods;
    const char *instance;     /* NODE_NAME, else the host's name */
    const char *storage_path; /* NULL: what a kill leaves out is not known afterwards */
};

/* Loads, attaches, and drains every interval from then on. A negative errno where metering cannot
 * work here (not root, no cgroup v2, no BPF), with the reason and what to do in the log. */
int collector_new(const struct collector_environment *environment,
                  const struct http_metrics_config *config, struct collector **out);
/* Detaches the programs, then drains once more: nothing is counted after the last drain. */
void collector_stop(struct collector *collector);
/* After that, where the agent goes on: the series go stale. */
void collector_end_series(struct collector *collector);
void collector_free(struct collector **collector);

/* The rows as of now, as text 0.0.4 without timestamps. Draining for this changes nothing that is
 * sent. */
int collector_write(struct collector *collector, struct buffer *out);
/* The same one by one, for a page. */
int collector_show(struct collector *collector, http_show_fn fn, void *context);
int64_t collector_last_drain_ms(const struct collector *collector);

/* What became of all that the kernel programs saw, by enum http_head_outcome and its like. */
struct collector_account {
    uint64_t outcomes[HTTP_OUTCOMES];
    size_t rows, max_rows;
    uint64_t map_bytes;
};
int collector_read_account(struct collector *collector, struct collector_account *out);
/* "surplus", "tls", "resync", ...; NULL for what is the sum of others. */
const char *collector_outcome_name(size_t outcome);

#endif
