/* SPDX-License-Identifier: Apache-2.0 */
/* The families, and one addition for each record. */
#include "ship/intake_metrics.h"

#include "base/cleanup.h"

enum {
    FLOATS_IN,
    HISTOGRAMS_IN,
    EXEMPLARS_IN,
    FLOATS_APPENDED,
    HISTOGRAMS_APPENDED,
    EXEMPLARS_APPENDED,
    HIGHEST_TIMESTAMP
};

static const struct metric_family families[INTAKE_METRICS] = {
    [FLOATS_IN] = {"prometheus_remote_storage_samples_in_total", "Samples given to remote storage.",
                   METRIC_COUNTER},
    [HISTOGRAMS_IN] = {"prometheus_remote_storage_histograms_in_total",
                       "Native histogram samples given to remote storage.", METRIC_COUNTER},
    [EXEMPLARS_IN] = {"prometheus_remote_storage_exemplars_in_total",
                      "Exemplars given to remote storage.", METRIC_COUNTER},
    [FLOATS_APPENDED] = {"prometheus_agent_samples_appended_total",
                         "Samples appended to the queue.", METRIC_COUNTER},
    [HISTOGRAMS_APPENDED] = {"prometheus_agent_samples_appended_total",
                             "Samples appended to the queue.", METRIC_COUNTER},
    [EXEMPLARS_APPENDED] = {"prometheus_agent_exemplars_appended_total",
                            "Exemplars appended to the queue.", METRIC_COUNTER},
    [HIGHEST_TIMESTAMP] = {"prometheus_remote_storage_highest_timestamp_in_seconds",
                           "Highest timestamp of a sample given to remote storage.", METRIC_GAUGE},
};
static const char *const types[INTAKE_METRICS] = {
    [FLOATS_APPENDED] = "float",
    [HISTOGRAMS_APPENDED] = "histogram",
};

int intake_metrics_init(struct intake_metrics *metrics, struct metric_registry *registry)
{
    int error = 0;

    *metrics = (struct intake_metrics){0};
    for (size_t i = 0; i < INTAKE_METRICS && registry && !error; i++)
        error = metric_new(registry, &families[i],
                           METRIC_LABELS(types[i] ? "type" : NULL, types[i]), &metrics->list[i]);
    return error;
}

void intake_metrics_free(struct intake_metrics *metrics)
{
    for (size_t i = 0; i < INTAKE_METRICS; i++)
        metric_free(&metrics->list[i]);
}

void intake_metrics_count(struct intake_metrics *metrics, struct sample_counts counts,
                          int64_t newest_ms)
{
    double newest = (double)(newest_ms / 1000);

    metric_add(metrics->list[FLOATS_IN], (double)counts.floats);
    metric_add(metrics->list[HISTOGRAMS_IN], (double)counts.histograms);
    metric_add(metrics->list[EXEMPLARS_IN], (double)counts.exemplars);
    metric_add(metrics->list[FLOATS_APPENDED], (double)counts.floats);
    metric_add(metrics->list[HISTOGRAMS_APPENDED], (double)counts.histograms);
    metric_add(metrics->list[EXEMPLARS_APPENDED], (double)counts.exemplars);
    if (newest > metric_get(metrics->list[HIGHEST_TIMESTAMP]))
        metric_set(metrics->list[HIGHEST_TIMESTAMP], newest);
}
