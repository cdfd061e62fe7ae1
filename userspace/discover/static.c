/* SPDX-License-Identifier: Apache-2.0 */
/* static_configs: found once, at the start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "discover/discoverer.h"

#define autobuilder __attribute__((cleanup(labels_builder_free)))

/* The labels of all targets: the group's own, and `more`, which win. */
static int build_shared(struct labels_builder *builder, const struct static_targets *group,
                        const struct labels *more, struct labels **out)
{
    int error = 0;

    labels_builder_clear(builder);
    for (size_t i = 0; i < group->label_count && !error; i++)
        error = labels_builder_set(builder, text_of(group->labels[i].name),
                                   text_of(group->labels[i].value));
    if (!error && more)
        error = labels_builder_add_all(builder, more);
    return error ? error : labels_builder_build(builder, out);
}

static int build_address(struct labels_builder *builder, const char *address, struct labels **out)
{
    labels_builder_clear(builder);
    int error = labels_builder_set(builder, TEXT("__address__"), text_of(address));
    return error ? error : labels_builder_build(builder, out);
}

int static_targets_hand_over(const struct static_targets *group, struct text source,
                             const struct labels *more, struct target_sink *sink)
{
    autobuilder struct labels_builder *builder = NULL;
    autofree struct labels *shared = NULL;
    autofree struct labels **targets = calloc(group->target_count + 1, sizeof(*targets));
    size_t count = 0;

    int error = targets ? labels_builder_new(&builder) : -ENOMEM;
    if (!error)
        error = build_shared(builder, group, more, &shared);
    while (!error && count < group->target_count) {
        error = build_address(builder, group->targets[count], &targets[count]);
        count += !error;
    }
    if (!error)
        target_sink_update(sink, &(struct target_group){
                                     .source = source,
                                     .labels = shared,
                                     .targets = (const struct labels *const *)targets,
                                     .target_count = count,
                                 });
    for (size_t i = 0; i < count; i++)
        free(targets[i]);
    return error;
}

static void static_free(struct discoverer *discoverer)
{
    free(discoverer);
}

int static_discoverer_new(const struct discovery_environment *environment,
                          const struct discoverer_config *config, struct target_sink *sink,
                          struct discoverer **out)
{
    (void)environment;
    autofree struct discoverer *discoverer = calloc(1, sizeof(*discoverer));
    if (!discoverer)
        return -ENOMEM;
    for (size_t i = 0; i < config->statics.group_count; i++) {
        char source[32];
        snprintf(source, sizeof(source), "%zu", i);
        int error =
            static_targets_hand_over(&config->statics.groups[i], text_of(source), NULL, sink);
        if (error) {
            log_error("discover", "cannot take over static_configs",
                      LOG_STR("err", strerror(-error)));
            return error;
        }
    }
    target_sink_synced(sink);
    discoverer->free = static_free;
    *out = TAKE_PTR(discoverer);
    return 0;
}
