/* SPDX-License-Identifier: Apache-2.0 */
/* How the registry holds its families and their children, for metric.c and metric_write.c alone. */
#ifndef EDGEMETER_MODEL_METRIC_REGISTRY_H
#define EDGEMETER_MODEL_METRIC_REGISTRY_H

#include <stdint.h>
#include <sys/queue.h>

#include "model/metric.h"

struct metric {
    struct family *family;
    TAILQ_ENTRY(metric) siblings;
    uint32_t references; /* metric_new() gave it out so many times */
    char *labels; /* owned; a="x",b="y" as it is written, sorted by name; "" without labels */
    double value; /* histogram, summary: the sum of what was observed */
    struct metric_window *window; /* summary */
    uint64_t buckets[]; /* histogram: observations in each bucket alone; the last one is +Inf */
};

/* metric_summary.c. NULL without memory; free() frees it. */
struct metric_window *metric_window_new(void);
void metric_window_observe(struct metric_window *window, double value);
uint64_t metric_window_count(const struct metric_window *window);
/* NaN where nothing was observed. */
void metric_window_quantiles(struct metric_window *window, const double *quantiles, size_t count,
                             double *out);

struct family {
    const struct metric_family *about;
    TAILQ_HEAD(, metric) children; /* in order of registration */
    size_t child_count;
};

struct registry_hook {
    void (*fn)(void *);
    void *context;
};

struct metric_registry {
    struct family **families; /* sorted by name */
    size_t family_count;
    struct registry_hook hooks[METRIC_MAX_HOOKS];
    size_t hook_count;
};

#endif
