/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own metrics: every module registers what it counts; /metrics and /metrics/self write
 * the registry out. Values are plain doubles: one thread, no locks. */
#ifndef EDGEMETER_MODEL_METRIC_H
#define EDGEMETER_MODEL_METRIC_H

#include "base/buffer.h"

#define METRIC_MAX_FAMILIES 1024
#define METRIC_MAX_CHILDREN 4096 /* of one family */
#define METRIC_MAX_HOOKS 32

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_SUMMARY };

#define METRIC_MAX_QUANTILES 8

struct metric_family {
    const char *name;
    const char *help;
    enum metric_type type;
    const double *bounds; /* histogram: upper bounds, ascending, without +Inf; summary: the
                             quantiles, taken over ten minutes */
    size_t bound_count;
};

struct metric_registry;
struct metric; /* one child of a family; lives until metric_free or the registry's end */

int metric_registry_new(struct metric_registry **out);
void metric_registry_free(struct metric_registry **registry);
/* Called before each write, to set gauges that cost something to know. 0 or -E2BIG. */
int metric_registry_on_write(struct metric_registry *registry, void (*fn)(void *), void *context);
/* No more. Nothing where it was not registered. */
void metric_registry_off_write(struct metric_registry *registry, void (*fn)(void *),
                               const void *context);
/* Appends text format 0.0.4: families sorted by name, children in order of registration; a family
 * without children is left out. 0, -ENOMEM or -E2BIG (then `out` holds a part). */
int metric_registry_write(struct metric_registry *registry, struct buffer *out);

/* `family` must live as long as the registry (a static const). `labels` are name, value pairs ended
 * by NULL, copied; NULL for none. A child with the same labels, in any order, is given again, and
 * is gone when each who was given it has freed it. 0, -ENOMEM, -E2BIG (a maximum), or -EINVAL (a
 * family of the same name has another type or other bounds). */
int metric_new(struct metric_registry *registry, const struct metric_family *family,
               const char *const *labels, struct metric **out);
void metric_free(struct metric **metric);

/* A NULL registry gives NULL metrics and a NULL metric is ignored, so that code under unit test
 * needs no registry. */
void metric_add(struct metric *metric, double amount);
void metric_set(struct metric *metric, double value);
double
metric_get(const struct metric *metric); /* of a histogram or summary: how many were observed */
void metric_observe(struct metric *metric, double value);

#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
