/* SPDX-License-Identifier: Apache-2.0 */
/* Owns nothing but the end of a scrape_config; config/ fills it. */
#include "scrape/scrape_config.h"

#include <stdlib.h>

static void static_targets_free(struct static_targets *group)
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

void scrape_config_free(struct scrape_config *config)
{
    free(config->job_name);
    free(config->metrics_path);
    free(config->scheme);
    http_config_free(&config->http);
    for (size_t i = 0; i < config->static_count; i++)
        static_targets_free(&config->statics[i]);
    free(config->statics);
    *config = (struct scrape_config){0};
}
