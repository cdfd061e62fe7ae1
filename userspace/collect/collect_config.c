/* SPDX-License-Identifier: Apache-2.0 */
/* The life of struct http_metrics_config; config/ fills it from a file. */
#include "collect/collect_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http_abi.h"

/* OpenTelemetry's advice for http.server.request.duration, in seconds. */
static const double default_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                         0.5,   0.75, 1,     2.5,  5,     7.5, 10};
_Static_assert(sizeof(default_buckets) / sizeof(*default_buckets) <= HTTP_METRICS_MAX_BUCKETS,
               "the default buckets fit");
_Static_assert(HTTP_METRICS_MAX_BUCKETS == HTTP_MAX_BOUNDS, "the kernel has a bucket for each");
_Static_assert(HTTP_METRICS_ROUTE_BYTES == HTTP_ROUTE_BYTES, "a route fits its key");
_Static_assert(HTTP_METRICS_HOST_BYTES < HTTP_HOST_BYTES, "a host fits its key, NUL included");

/* As scrape jobs usually do, so that both kinds of series join. */
static const struct {
    const char *source, *target;
} default_relabels[] = {
    {"__meta_kubernetes_namespace", "namespace"},
    {"__meta_kubernetes_pod_name", "pod"},
    {"__meta_kubernetes_pod_container_name", "container"},
    {"__meta_kubernetes_pod_node_name", "node"},
};
#define DEFAULT_RELABELS (sizeof(default_relabels) / sizeof(*default_relabels))

static int relabel_fill(struct relabel_rule *rule, const char *source, const char *target)
{
    struct relabel_fault fault;

    int error = relabel_rule_init(rule);
    if (error)
        return error;
    free(rule->target_label);
    rule->target_label = strdup(target);
    rule->source_labels = calloc(1, sizeof(*rule->source_labels));
    if (!rule->target_label || !rule->source_labels)
        return -ENOMEM;
    rule->source_labels[0] = strdup(source);
    rule->source_label_count = 1;
    rule->source_labels_given = true;
    return rule->source_labels[0] ? relabel_rule_compile(rule, &fault) : -ENOMEM;
}

static int relabels_init(struct relabel_rules *rules)
{
    int error = 0;

    rules->list = calloc(DEFAULT_RELABELS, sizeof(*rules->list));
    if (!rules->list)
        return -ENOMEM;
    for (rules->count = 0; rules->count < DEFAULT_RELABELS && !error; rules->count++)
        error = relabel_fill(&rules->list[rules->count], default_relabels[rules->count].source,
                             default_relabels[rules->count].target);
    return error;
}

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
    return config->job_name ? relabels_init(&config->relabels) : -ENOMEM;
}

void http_metrics_names_free(struct http_metrics_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct http_metrics_names){0};
}

void http_metrics_config_free(struct http_metrics_config *config)
{
    http_metrics_names_free(&config->routes);
    http_metrics_names_free(&config->hosts);
    relabel_rules_free(&config->relabels);
    free(config->cgroup_root);
    free(config->job_name);
    *config = (struct http_metrics_config){0};
}

uint64_t http_metrics_bound_ns(const struct http_metrics_config *config, size_t bucket)
{
    double ns = bucket < config->bucket_count ? config->buckets[bucket] * 1e9 + 0.5 : 0x1p64;
    return ns < 0x1p64 ? (uint64_t)ns : UINT64_MAX;
}
