/* SPDX-License-Identifier: Apache-2.0 */
/* What a way to find targets is, for those who build one: a function that starts it, and one that
 * ends it. From its start on it hands groups to its sink, at once or from the loop, and says
 * target_sink_synced() when the first look is complete. */
#ifndef EDGEMETER_DISCOVER_DISCOVERER_H
#define EDGEMETER_DISCOVER_DISCOVERER_H

#include "base/http/http_client.h"
#include "base/loop.h"
#include "discover/discovery_config.h"
#include "model/metric.h"
#include "model/target_group.h"

/* What discoverers borrow from the agent; all of it outlives them. */
struct discovery_environment {
    struct loop *loop;
    struct http_client *http;
    struct metric_registry *metrics;
    struct kubernetes *kubernetes; /* the watches that its discoverers share */
};

/* The first member of each discoverer's own struct. `free` takes no group back from the sink. */
struct discoverer {
    void (*free)(struct discoverer *discoverer);
};

/* The sink is this discoverer's alone, so that sources need to be unique only here. Config and sink
 * outlive the discoverer. 0, or a negative errno with the reason in the log. */
typedef int (*discoverer_new_fn)(const struct discovery_environment *environment,
                                 const struct discoverer_config *config, struct target_sink *sink,
                                 struct discoverer **out);

int static_discoverer_new(const struct discovery_environment *environment,
                          const struct discoverer_config *config, struct target_sink *sink,
                          struct discoverer **out);
int file_discoverer_new(const struct discovery_environment *environment,
                        const struct discoverer_config *config, struct target_sink *sink,
                        struct discoverer **out);
int http_discoverer_new(const struct discovery_environment *environment,
                        const struct discoverer_config *config, struct target_sink *sink,
                        struct discoverer **out);
int kubernetes_discoverer_new(const struct discovery_environment *environment,
                              const struct discoverer_config *config, struct target_sink *sink,
                              struct discoverer **out);

/* Hands over one static_configs entry, or one of a file, with `more` labels for each target (NULL:
 * none). 0, -ENOMEM, or -E2BIG (too many labels). */
int static_targets_hand_over(const struct static_targets *group, struct text source,
                             const struct labels *more, struct target_sink *sink);

#endif
