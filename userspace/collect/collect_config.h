/* SPDX-License-Identifier: Apache-2.0 */
/* The http_metrics block, as far as built. */
#ifndef EDGEMETER_COLLECT_COLLECT_CONFIG_H
#define EDGEMETER_COLLECT_COLLECT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_METRICS_MAX_BUCKETS 31 /* upper bounds, +Inf not counted */

struct http_metrics_config {
    char *cgroup_root;    /* NULL: the cgroup v2 mount, found in the mount table */
    uint64_t interval_ns; /* global.scrape_interval where the file does not say */
    char *job_name;       /* "http-metrics" */
    bool server, client;  /* roles */
    double buckets[HTTP_METRICS_MAX_BUCKETS]; /* seconds, ascending */
    size_t bucket_count;
    uint32_t max_rows; /* 4096 */
};

/* The defaults of design.md; interval 15s. 0 or -ENOMEM. */
int http_metrics_config_init(struct http_metrics_config *config);
void http_metrics_config_free(struct http_metrics_config *config);

#endif
