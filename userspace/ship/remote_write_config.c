/* SPDX-License-Identifier: Apache-2.0 */
/* Begin and end of struct remote_write_config; config/ fills it from a file. */
#include "ship/remote_write_config.h"

#include <stdlib.h>

#include "base/clock.h"

void remote_write_config_init(struct remote_write_config *config)
{
    *config = (struct remote_write_config){
        .remote_timeout_ns = 30 * NS_PER_SECOND,
        .queue = {.capacity = 10000,
                  .max_shards = 50,
                  .min_shards = 1,
                  .max_samples_per_send = 2000,
                  .batch_send_deadline_ns = 5 * NS_PER_SECOND,
                  .min_backoff_ns = 30 * NS_PER_MS,
                  .max_backoff_ns = 5 * NS_PER_SECOND,
                  .retry_on_http_429 = true},
        .metadata = {.send = true,
                     .send_interval_ns = 60 * NS_PER_SECOND,
                     .max_samples_per_send = 2000},
    };
    http_config_init(&config->http);
    config->http.enable_http2 = false; /* as in Prometheus 3 */
}

struct remote_write_config *remote_write_config_hold(struct remote_write_config *config)
{
    config->references++;
    return config;
}

void remote_write_config_release(struct remote_write_config **config)
{
    struct remote_write_config *released = *config;

    *config = NULL;
    if (!released || released->references-- > 0)
        return;
    free(released->url);
    free(released->name);
    relabel_rules_free(&released->relabels);
    http_config_free(&released->http);
    free(released);
}
