/* SPDX-License-Identifier: Apache-2.0 */
/* Owns nothing but the end of the configs; config/ fills them. */
#include "discover/discovery_config.h"

#include <stdlib.h>

void static_targets_free(struct static_targets *group)
{
    for (size_t i = 0; i < group->target_count; i++)
        free(group->targets[i]);
    for (size_t i = 0; i < group->label_count; i++) {
        free(group->labels[i].name);
        free(group->labels[i].value);
    }
    free(group->targets);
    free(group->labels);
}

static void static_config_free(struct discoverer_config *config)
{
    for (size_t i = 0; i < config->statics.group_count; i++)
        static_targets_free(&config->statics.groups[i]);
    free(config->statics.groups);
}

static void file_config_free(struct discoverer_config *config)
{
    for (size_t i = 0; i < config->file.pattern_count; i++)
        free(config->file.patterns[i]);
    free(config->file.patterns);
}

static void http_discovery_free(struct discoverer_config *config)
{
    free(config->http.url);
    http_config_free(&config->http.http);
}

static void kubernetes_free(struct discoverer_config *config)
{
    kubernetes_config_free(&config->kubernetes);
}

static void (*const free_kind[DISCOVERER_KINDS])(struct discoverer_config *config) = {
    [DISCOVERER_STATIC] = static_config_free,
    [DISCOVERER_FILE] = file_config_free,
    [DISCOVERER_HTTP] = http_discovery_free,
    [DISCOVERER_KUBERNETES] = kubernetes_free,
};

struct discoverer_config *discoverer_config_hold(struct discoverer_config *config)
{
    config->references++;
    return config;
}

void discoverer_config_release(struct discoverer_config **config)
{
    struct discoverer_config *released = *config;

    *config = NULL;
    if (!released || released->references-- > 0)
        return;
    free_kind[released->kind](released);
    free(released);
}

void discovery_config_free(struct discovery_config *config)
{
    for (size_t i = 0; i < config->count; i++)
        discoverer_config_release(&config->list[i]);
    free(config->list);
    *config = (struct discovery_config){0};
}

bool discovery_config_has_pods(const struct discovery_config *config)
{
    for (size_t i = 0; i < config->count; i++)
        if (config->list[i]->kind == DISCOVERER_KUBERNETES &&
            config->list[i]->kubernetes.role == KUBERNETES_POD)
            return true;
    return false;
}
