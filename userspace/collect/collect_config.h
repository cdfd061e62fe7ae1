/* SPDX-License-Identifier: Apache-2.0 */
/* The http_metrics block, as far as built. */
#ifndef EDGEMETER_COLLECT_COLLECT_CONFIG_H
#define EDGEMETER_COLLECT_COLLECT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/relabel.h"

#define HTTP_METRICS_MAX_BUCKETS 31 /* upper bounds, +Inf not counted */
#define HTTP_METRICS_MAX_NAMES 4096 /* routes, and as many hosts */
#define HTTP_METRICS_ROUTE_BYTES 128
#define HTTP_METRICS_HOST_BYTES 63

struct http_metrics_names {
    char **list; /* each once; a name's number in the kernel is its index + 1 */
    size_t count;
};

struct http_metrics_config {
    char *cgroup_root;    /* NULL: the cgroup v2 mount, found in the mount table */
    uint64_t interval_ns; /* global.scrape_interval where the file does not say */
    char *job_name;       /* "http-metrics" */
    bool server, client;  /* roles */
    bool native_histograms;
    double buckets[HTTP_METRICS_MAX_BUCKETS]; /* seconds, ascending */
    size_t bucket_count;
    uint32_t max_rows;                /* 4096 */
    struct http_metrics_names routes; /* path prefixes, each begins with a slash */
    struct http_metrics_names hosts;  /* lower case, without port */
    struct relabel_rules relabels;    /* namespace, pod, container and node out of __meta_... */
};

/* The defaults of design.md; interval 15s. 0 or -ENOMEM. */
int http_metrics_config_init(struct http_metrics_config *config);
void http_metrics_config_free(struct http_metrics_config *config);
void http_metrics_names_free(struct http_metrics_names *names);

/* The upper bound of a latency bucket in nanoseconds; UINT64_MAX from the last one (+Inf) on. */
uint64_t http_metrics_bound_ns(const struct http_metrics_config *config, size_t bucket);

#endif
