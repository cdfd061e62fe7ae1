/* SPDX-License-Identifier: Apache-2.0 */
/* The life of struct http_metrics_config; config/ fills it from a file. */
#include "collect/collect_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* OpenTelemetry's advice for http.server.request.duration, in seconds. */
static const double default_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                         0.5,   0.75, 1,     2.5,  5,     7.5, 10};
_Static_assert(sizeof(default_buckets) / sizeof(*default_buckets) <= HTTP_METRICS_MAX_BUCKETS,
               "the default buckets fit");

int http_metrics_config_init(struct http_metrics_config *config)
{
    *config = (struct http_metrics_config){
        .interval_ns = 15 * NS_PER_SECOND,
        .job_name = strdup("http-metrics"),
        .server = true,
        .client = true,
        .bucket_count = sizeof(default_buckets) / sizeof(*default_buckets),
        .max_rows = 4096,
    };
    memcpy(config->buckets, default_buckets, sizeof(default_buckets));
    return config->job_name ? 0 : -ENOMEM;
}

void http_metrics_config_free(struct http_metrics_config *config)
{
    free(config->cgroup_root);
    free(config->job_name);
    *config = (struct http_metrics_config){0};
}
