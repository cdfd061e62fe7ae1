/* SPDX-License-Identifier: Apache-2.0 */
/* process_* as every Prometheus client exports them, build_info, and what the whole process counts
 * in one place. */
#ifndef EDGEMETER_PROCESS_METRICS_H
#define EDGEMETER_PROCESS_METRICS_H

#include "model/metric.h"
#include "model/series_table.h"

struct process_metrics;

/* Registers them; the gauges are set at each write of the registry. Free after the registry. */
int process_metrics_new(struct metric_registry *registry, const struct series_table *series,
                        struct process_metrics **out);
void process_metrics_free(struct process_metrics **metrics);

#endif
