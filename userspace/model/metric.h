/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own metrics: every module registers what it counts; /metrics and /metrics/self write
 * the registry out. Values are plain doubles: one thread, no locks. */
#ifndef EDGEMETER_MODEL_METRIC_H
#define EDGEMETER_MODEL_METRIC_H

#include "base/buffer.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_family {
    const char *name;
    const char *help;
    enum metric_type type;
    const double *bounds; /* histogram: upper bounds, ascending, without +Inf */
    size_t bound_count;
};

struct metric_registry;
struct metric; /* one child of a family; lives until metric_free or the registry's end */

int metric_registry_new(struct metric_registry **out);
void metric_registry_free(struct metric_registry **registry);
/* Called before each write, to set gauges that cost something to know. */
int metric_registry_on_write(struct metric_registry *registry, void (*fn)(void *), void *context);
/* Text format 0.0.4, families sorted by name, children in order of registration. */
int metric_registry_write(struct metric_registry *registry, struct buffer *out);

/* `family` must live as long as the registry (a static const). `labels` are name, value pairs ended
 * by NULL, copied; NULL for none. 0 or -ENOMEM. A child with the same labels is given again. */
int metric_new(struct metric_registry *registry, const struct metric_family *family,
               const char *const *labels, struct metric **out);
void metric_free(struct metric **metric);

/* A NULL metric is ignored, so that code under unit test needs no registry. */
void metric_add(struct metric *metric, double amount);
void metric_set(struct metric *metric, double value);
double metric_get(const struct metric *metric);
void metric_observe(struct metric *metric, double value);

#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
