/* SPDX-License-Identifier: Apache-2.0 */
/* Owns nothing but the end of a scrape_config; config/ fills it. */
#include "scrape/scrape_config.h"

#include <stdlib.h>

struct scrape_config *scrape_config_hold(const struct scrape_config *config)
{
    struct scrape_config *held = (struct scrape_config *)config;
    held->references++;
    return held;
}

static void scrape_params_free(struct scrape_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        for (size_t k = 0; k < params->list[i].value_count; k++)
            free(params->list[i].values[k]);
        free(params->list[i].values);
        free(params->list[i].name);
    }
    free(params->list);
}

void scrape_config_release(struct scrape_config **config)
{
    struct scrape_config *released = *config;

    *config = NULL;
    if (!released || released->references-- > 0)
        return;
    free(released->job_name);
    free(released->metrics_path);
    free(released->scheme);
    free(released->failure_log_file);
    scrape_params_free(&released->params);
    relabel_rules_free(&released->relabels);
    relabel_rules_free(&released->metric_relabels);
    http_config_free(&released->http);
    free(released);
}
