/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_configs and their static_configs. Every other way to find targets is refused by name. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/config_blocks.h"
#include "config/config_values.h"
#include "model/labels.h"

/* --- static_configs --- */

static void decode_target(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    char **target = element;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->text.length == 0)
        config_error(reader, node, place, "an empty target; write host:port, or remove it");
    else if (memchr(node->text.bytes, '/', node->text.length))
        config_error(reader, node, place,
                     "\"%s\" is not a valid hostname; write host:port here, and put http or https "
                     "into scheme and the path into metrics_path",
                     node->text.bytes);
    *target = config_copy_text(reader, node->text);
}

static void decode_targets(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct static_targets *statics = target;
    config_decode_list(reader, node, place, sizeof(*statics->targets), (void **)&statics->targets,
                       &statics->target_count, decode_target);
}

static void add_label(struct config_reader *reader, const struct yaml_tree_pair *pair,
                      const struct config_place *place, void *context)
{
    struct static_targets *statics = context;
    struct text name = pair->key->text;
    if (!label_name_is_legal(name)) {
        config_error(reader, pair->key, place,
                     "\"%s\" is not a valid label name; letters, digits and _ are allowed, and no "
                     "digit first",
                     name.bytes);
        return;
    }
    if (pair->value->text.length == 0)
        return; /* a label without a value is no label */
    statics->labels[statics->label_count++] = (struct static_label){
        config_copy_text(reader, name), config_copy_text(reader, pair->value->text)};
}

static void decode_labels(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct static_targets *statics = target;
    statics->labels = calloc(node->count + 1, sizeof(*statics->labels));
    if (!statics->labels)
        reader->no_memory = true;
    else
        config_decode_pairs(reader, node, place, add_label, statics);
}

static const struct config_block static_block = {
    (const struct config_field[]){{"targets", CONFIG_CUSTOM, .decode = decode_targets},
                                  {"labels", CONFIG_CUSTOM, .decode = decode_labels},
                                  {NULL}}};

static void decode_static(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    config_decode_block(reader, node, place, &static_block, element);
}

static void decode_statics(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct scrape_config *scrape = target;
    config_decode_list(reader, node, place, sizeof(*scrape->statics), (void **)&scrape->statics,
                       &scrape->static_count, decode_static);
}

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
    bool bad_interval = !scrape->scrape_interval_ns && config_given(node, "scrape_interval");
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

static void check_address_parts(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, struct scrape_config *scrape)
{
    const struct yaml_tree_node *scheme = config_given(node, "scheme");
    if (scheme && scheme->kind == YAML_TREE_SCALAR && scrape->scheme &&
        strcmp(scrape->scheme, "http") != 0 && strcmp(scrape->scheme, "https") != 0)
        config_error(reader, scheme, &(struct config_place){place, "scheme"},
                     "\"%s\" is neither http nor https", scrape->scheme);

    char *path = scrape->metrics_path;
    if (!path || *path == '/')
        return;
    if (asprintf(&scrape->metrics_path, "/%s", path) < 0) {
        scrape->metrics_path = NULL;
        reader->no_memory = true;
    }
    free(path);
}

static void check_scrape(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    check_job_name(reader, node, place, target);
    check_intervals(reader, node, place, target);
    check_address_parts(reader, node, place, target);
}

/* --- the block --- */

#define SCRAPE(member) offsetof(struct scrape_config, member)
#define NO_DISCOVERY "list the targets in static_configs"

static const struct config_block scrape_block = {
    (const struct config_field[]){
        {"job_name", CONFIG_TEXT, SCRAPE(job_name)},
        {"scrape_interval", CONFIG_DURATION, SCRAPE(scrape_interval_ns)},
        {"scrape_timeout", CONFIG_DURATION, SCRAPE(scrape_timeout_ns)},
        {"metrics_path", CONFIG_TEXT, SCRAPE(metrics_path)},
        {"scheme", CONFIG_TEXT, SCRAPE(scheme)},
        {"honor_labels", CONFIG_BOOL, SCRAPE(honor_labels)},
        {"honor_timestamps", CONFIG_BOOL, SCRAPE(honor_timestamps)},
        {"static_configs", CONFIG_CUSTOM, .decode = decode_statics},
        {"", CONFIG_INLINE, SCRAPE(http), .block = &config_http_block},

        /* true only asks for gzip, which is up to the target. */
        {"enable_compression", CONFIG_UNBUILT, .neutral = "true"},
        {"track_timestamps_staleness", CONFIG_UNBUILT, .neutral = "false"},
        {"params", CONFIG_UNBUILT, .neutral = "{}"},
        {"relabel_configs", CONFIG_UNBUILT, .neutral = "[]"},
        {"metric_relabel_configs", CONFIG_UNBUILT, .neutral = "[]"},
        {"scrape_protocols", CONFIG_UNBUILT},
        {"fallback_scrape_protocol", CONFIG_UNBUILT},
        {"scrape_failure_log_file", CONFIG_UNBUILT},
        {"scrape_native_histograms", CONFIG_UNBUILT, .neutral = "false"},
        {"scrape_classic_histograms", CONFIG_UNBUILT, .neutral = "false"},
        {"always_scrape_classic_histograms", CONFIG_UNBUILT, .neutral = "false"},
        {"convert_classic_histograms_to_nhcb", CONFIG_UNBUILT, .neutral = "false"},
        {"extra_scrape_metrics", CONFIG_UNBUILT, .neutral = "false"},
        {"body_size_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"sample_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"target_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"label_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"label_name_length_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"label_value_length_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"native_histogram_bucket_limit", CONFIG_UNBUILT, .neutral = "0"},
        {"native_histogram_min_bucket_factor", CONFIG_UNBUILT, .neutral = "0"},
        {"keep_dropped_targets", CONFIG_UNBUILT, .neutral = "0"},
        {"metric_name_validation_scheme", CONFIG_UNBUILT, .neutral = "utf8"},
        {"metric_name_escaping_scheme", CONFIG_UNBUILT, .neutral = "allow-utf-8"},

        {"aws_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"azure_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"consul_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"digitalocean_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"dns_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"docker_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"dockerswarm_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"ec2_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"eureka_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"file_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"gce_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"hetzner_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"http_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"ionos_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"kubernetes_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"kuma_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"lightsail_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"linode_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"marathon_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"nerve_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"nomad_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"openstack_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"outscale_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"ovhcloud_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"puppetdb_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"scaleway_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"serverset_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"stackit_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"triton_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"uyuni_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {"vultr_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
        {NULL}},
    check_scrape};

static void decode_scrape(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    struct scrape_config *scrape = element;
    http_config_init(&scrape->http);
    scrape->metrics_path = config_copy_text(reader, TEXT("/metrics"));
    scrape->scheme = config_copy_text(reader, TEXT("http"));
    scrape->honor_timestamps = true;
    config_decode_block(reader, node, place, &scrape_block, scrape);
}

void config_decode_scrapes(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct config *config = target;
    if (node->kind == YAML_TREE_SEQUENCE && node->count > CONFIG_MAX_JOBS) {
        config_error(reader, node, place, "more than %d jobs", CONFIG_MAX_JOBS);
        return;
    }
    config_decode_list(reader, node, place, sizeof(*config->scrapes), (void **)&config->scrapes,
                       &config->scrape_count, decode_scrape);
    config_check_names(reader, node, place, "job_name");
}
