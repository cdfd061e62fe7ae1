/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_configs: the jobs' own keys. How they find their targets is config_discovery.c's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_values.h"

/* --- checks of one job --- */

static void check_job_name(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, struct scrape_config *scrape)
{
    const struct yaml_tree_pair *name = yaml_tree_find(node, "job_name");
    bool reported =
        name && (name->value->kind == YAML_TREE_SEQUENCE || name->value->kind == YAML_TREE_MAPPING);
    if (!scrape->job_name && !reported)
        config_error(reader, name ? name->value : node, place,
                     name ? "job_name is empty" : "job_name is missing; every job needs one");
}

static void check_intervals(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, struct scrape_config *scrape)
{
    const struct yaml_tree_node *timeout = config_given(node, "scrape_timeout");
    bool bad_interval = config_duration_is_bad(config_given(node, "scrape_interval"));
    if (!scrape->scrape_interval_ns)
        scrape->scrape_interval_ns = reader->scrape_interval_ns;
    if (!scrape->scrape_timeout_ns) {
        scrape->scrape_timeout_ns = reader->scrape_timeout_ns < scrape->scrape_interval_ns
                                        ? reader->scrape_timeout_ns
                                        : scrape->scrape_interval_ns;
    } else if (!bad_interval && scrape->scrape_timeout_ns > scrape->scrape_interval_ns) {
        char interval[DURATION_TEXT_SIZE];
        duration_text(scrape->scrape_interval_ns, interval, sizeof(interval));
        config_error(reader, timeout, &(struct config_place){place, "scrape_timeout"},
                     "%s is longer than the scrape_interval of %s", timeout->text.bytes, interval);
    }
}

/* As in Prometheus, which a key without a value does not leave at its default. */
static void check_metrics_path(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, struct scrape_config *scrape)
{
    const struct yaml_tree_pair *path = yaml_tree_find(node, "metrics_path");

    if (!path || path->value->kind != YAML_TREE_NULL || !scrape->metrics_path)
        return;
    scrape->metrics_path[0] = '\0';
    config_warning(reader, path->value, &(struct config_place){place, "metrics_path"},
                   "has no value, which is taken as an empty path");
}

static void check_scheme(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, struct scrape_config *scrape)
{
    const struct yaml_tree_node *scheme = config_given(node, "scheme");
    if (scheme && scheme->kind == YAML_TREE_SCALAR && scrape->scheme &&
        strcasecmp(scrape->scheme, "http") != 0 && strcasecmp(scrape->scheme, "https") != 0)
        config_error(reader, scheme, &(struct config_place){place, "scheme"},
                     "\"%s\" is neither http nor https", scrape->scheme);
}

static void check_scrape(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    check_job_name(reader, node, place, target);
    check_intervals(reader, node, place, target);
    check_metrics_path(reader, node, place, target);
    check_scheme(reader, node, place, target);
}

/* --- the block --- */

/* What one entry of the list gives. `scrape` stands first: decoders of its keys may take it. */
struct job {
    struct scrape_config scrape;
    struct discovery_config discovery;
};

#define SCRAPE(member) offsetof(struct job, scrape.member)

const struct config_block config_scrape_block = {
    (const struct config_field[]){
        {"job_name", CONFIG_TEXT, SCRAPE(job_name)},
        {"scrape_interval", CONFIG_DURATION, SCRAPE(scrape_interval_ns), .neutral = "0s"},
        {"scrape_timeout", CONFIG_DURATION, SCRAPE(scrape_timeout_ns), .neutral = "0s"},
        {"metrics_path", CONFIG_TEXT, SCRAPE(metrics_path)},
        {"scheme", CONFIG_TEXT, SCRAPE(scheme)},
        {"honor_labels", CONFIG_BOOL, SCRAPE(honor_labels)},
        {"honor_timestamps", CONFIG_BOOL, SCRAPE(honor_timestamps)},
        {"track_timestamps_staleness", CONFIG_BOOL, SCRAPE(track_timestamps_staleness)},
        {"enable_compression", CONFIG_BOOL, SCRAPE(enable_compression)},
        {"params", CONFIG_CUSTOM, SCRAPE(params), .decode = config_decode_params},
        {"relabel_configs", CONFIG_CUSTOM, SCRAPE(relabels), .block = &config_rule_block,
         .decode = config_decode_relabels},
        {"metric_relabel_configs", CONFIG_CUSTOM, SCRAPE(metric_relabels),
         .block = &config_rule_block, .decode = config_decode_relabels},
        {"", CONFIG_INLINE, SCRAPE(http), .block = &config_http_block},
        {"", CONFIG_INLINE, SCRAPE(limits), .block = &config_scrape_limits_block},
        {"", CONFIG_INLINE, SCRAPE(protocols), .block = &config_job_protocol_block},

        {"scrape_failure_log_file", CONFIG_PATH, SCRAPE(failure_log_file)},
        {"extra_scrape_metrics", CONFIG_BOOL, SCRAPE(extra_metrics)},
        {"native_histogram_bucket_limit", CONFIG_UINT32,
         SCRAPE(limits.native_histogram_bucket_limit), 0, UINT32_MAX},
        {"native_histogram_min_bucket_factor", CONFIG_CUSTOM,
         SCRAPE(limits.native_histogram_min_bucket_factor), .decode = config_decode_factor},

        {"", CONFIG_INLINE, offsetof(struct job, discovery), .block = &config_discovery_block},
        {NULL}},
    check_scrape};

/* Not of how targets are found. */
static bool is_of_scraping(struct text key)
{
    return !config_block_has_key(&config_discovery_block, key.bytes);
}

/* Not of when, where and with what right a target is asked. */
static bool labels_samples(struct text key)
{
    static const char *const others[] = {
        "job_name",        "scrape_interval", "scrape_timeout",  "metrics_path",
        "scheme",          "params",          "relabel_configs", "enable_compression",
        "body_size_limit", "sample_limit",    "target_limit",    "keep_dropped_targets",
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (text_equal(key, text_of(others[i])))
            return false;
    return is_of_scraping(key) && !config_block_has_key(&config_http_block, key.bytes);
}

static void decode_scrape(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    struct job *job = element;
    http_config_init(&job->scrape.http);
    job->scrape.metrics_path = config_copy_text(reader, TEXT("/metrics"));
    job->scrape.scheme = config_copy_text(reader, TEXT("http"));
    job->scrape.honor_timestamps = true;
    job->scrape.enable_compression = true;
    job->scrape.protocols = reader->scrape_protocols;
    job->scrape.extra_metrics = reader->extra_scrape_metrics;
    uint64_t inherited = config_digest_text(reader->directory, reader->global_digest);
    job->scrape.digest = config_digest_pairs(node, inherited, is_of_scraping);
    job->scrape.series_digest = config_digest_pairs(node, reader->global_digest, labels_samples);
    config_decode_block(reader, node, place, &config_scrape_block, job);
    config_inherit_limits(&job->scrape.limits, &reader->scrape_limits);
    if (!job->scrape.failure_log_file && reader->scrape_failure_log_file)
        job->scrape.failure_log_file =
            config_copy_text(reader, text_of(reader->scrape_failure_log_file));
}

/* Behind the jobs that are there. Each job's config gets an allocation of its own: it is held where
 * it is used. */
static int take_jobs(struct config *config, const struct job *jobs, size_t count)
{
    size_t total = config->scrape_count + count;
    void *scrapes = realloc(config->scrapes, (total + 1) * sizeof(struct scrape_config *));
    if (scrapes)
        config->scrapes = scrapes;
    void *discoveries = realloc(config->discoveries, (total + 1) * sizeof(*config->discoveries));
    if (discoveries)
        config->discoveries = discoveries;
    if (!scrapes || !discoveries)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct scrape_config *scrape = malloc(sizeof(*scrape));
        if (!scrape)
            return -ENOMEM;
        *scrape = jobs[i].scrape;
        config->scrapes[config->scrape_count] = scrape;
        config->discoveries[config->scrape_count] = jobs[i].discovery;
        config->scrape_count++;
    }
    return 0;
}

void config_decode_scrapes(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct config *config = target;
    autofree struct job *jobs = NULL;
    size_t count = 0;
    if (node->kind == YAML_TREE_SEQUENCE && config->scrape_count + node->count > CONFIG_MAX_JOBS) {
        config_error(reader, node, place, "more than %d jobs", CONFIG_MAX_JOBS);
        return;
    }
    config_decode_list(reader, node, place, sizeof(*jobs), (void **)&jobs, &count, decode_scrape);
    config_check_names(reader, node, place, "job_name");
    if (take_jobs(target, jobs, count))
        reader->no_memory = true;
}
