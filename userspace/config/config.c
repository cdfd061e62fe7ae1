/* SPDX-License-Identifier: Apache-2.0 */
/* A file to a struct config: reads it, walks its top level, and judges it as a whole. The blocks
 * are decoded by the files named after them. */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file_read.h"
#include "base/path.h"
#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_print.h"

#define DEFAULT_SCRAPE_INTERVAL_NS (60 * NS_PER_SECOND)
#define DEFAULT_SCRAPE_TIMEOUT_NS (10 * NS_PER_SECOND)
#define PRINTED_MAX_BYTES (16u << 20) /* anchors are resolved */
#define DEFAULT_QUEUE_BYTES (UINT64_C(1) << 30)

#define autoconfig __attribute__((cleanup(config_free)))

static void decode_http_metrics(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *target)
{
    struct config *config = target;
    config_decode_block(reader, node, place, &config_http_metrics_block, config->http_metrics);
}

/* global stands first: the others inherit from it. */
const struct config_block config_top_block = {(const struct config_field[]){
    {"global", CONFIG_CUSTOM, .block = &config_global_block, .decode = config_decode_global},
    {"http_metrics", CONFIG_CUSTOM, .block = &config_http_metrics_block,
     .decode = decode_http_metrics},
    {"scrape_configs", CONFIG_CUSTOM, .block = &config_scrape_block,
     .decode = config_decode_scrapes},
    {"scrape_config_files", CONFIG_CUSTOM, .decode = config_decode_scrape_files},
    {"remote_write", CONFIG_CUSTOM, .block = &config_remote_block, .decode = config_decode_remotes},
    {"queue", CONFIG_BLOCK, offsetof(struct config, queue), .block = &config_queue_block},
    {"otlp", CONFIG_NO_EFFECT, .advice = "edgemeter receives no OTLP"},
    {"runtime", CONFIG_NO_EFFECT, .advice = "it tunes the Go runtime, which edgemeter has not"},
    {"rule_files", CONFIG_FOREIGN, .neutral = "[]",
     .advice = "remove it, and evaluate the rules where the samples are sent to"},
    {"alerting", CONFIG_FOREIGN, .neutral = "{}",
     .advice = "remove it, and alert where the samples are sent to"},
    {"remote_read", CONFIG_FOREIGN, .neutral = "[]",
     .advice = "remove it, and query the Prometheus that the samples are sent to"},
    {"tracing", CONFIG_FOREIGN, .neutral = "{}", .advice = "remove it; edgemeter sends no traces"},
    {"storage", CONFIG_NO_EFFECT,
     .advice = "edgemeter keeps no database, and \"queue\" bounds what waits to be sent"},
    {NULL}}};

static int config_new(struct config **out)
{
    struct config *config = calloc(1, sizeof(*config));
    if (!config)
        return -ENOMEM;
    config->http_metrics = calloc(1, sizeof(*config->http_metrics));
    int err = config->http_metrics ? http_metrics_config_init(config->http_metrics) : -ENOMEM;
    if (err) {
        free(config->http_metrics);
        free(config);
        return err;
    }
    buffer_init(&config->printed, PRINTED_MAX_BYTES);
    config->queue.max_bytes = DEFAULT_QUEUE_BYTES;
    config->queue.sync_interval_ns = 5 * NS_PER_SECOND;
    *out = config;
    return 0;
}

int config_default(struct config **out)
{
    struct config *config;
    int err = config_new(&config);
    if (err)
        return err;
    config->http_metrics_given = true;
    *out = config;
    return 0;
}

void config_free(struct config **config)
{
    struct config *freed = *config;
    if (!freed)
        return;
    for (size_t i = 0; i < freed->external_label_count; i++) {
        free(freed->external_labels[i].name);
        free(freed->external_labels[i].value);
    }
    for (size_t i = 0; i < freed->scrape_count; i++) {
        scrape_config_release(&freed->scrapes[i]);
        discovery_config_free(&freed->discoveries[i]);
    }
    for (size_t i = 0; i < freed->remote_count; i++)
        remote_write_config_release(&freed->remotes[i]);
    free(freed->external_labels);
    for (size_t i = 0; i < freed->included_count; i++)
        free(freed->included[i]);
    free(freed->included);
    free(freed->scrapes);
    free(freed->discoveries);
    free(freed->remotes);
    buffer_free(&freed->printed);
    http_metrics_config_free(freed->http_metrics);
    free(freed->http_metrics);
    free(freed);
    *config = NULL;
}

static void decode_top(struct config_reader *reader, const struct yaml_tree_node *root,
                       struct config *config)
{
    if (root->kind != YAML_TREE_MAPPING) {
        config_report(reader, PROBLEM_ERROR, root,
                      "the top level must be a mapping of blocks such as global: and "
                      "scrape_configs:, not %s",
                      root->kind == YAML_TREE_SEQUENCE ? "a list" : "a single value");
        return;
    }
    const struct yaml_tree_pair *http_metrics = yaml_tree_find(root, "http_metrics");
    config->http_metrics_given = http_metrics != NULL;
    config->http_metrics->interval_ns = 0;
    config_decode_block(reader, root, NULL, &config_top_block, config);

    if (!config->http_metrics->interval_ns)
        config->http_metrics->interval_ns = reader->scrape_interval_ns;
    config->http_metrics_digest =
        config_digest(http_metrics ? http_metrics->value : NULL, reader->scrape_interval_ns);
    if (!config->http_metrics_given && !config->scrape_count &&
        !problems_have_error(reader->problems))
        config_report(reader, PROBLEM_WARNING, root,
                      "there is nothing to do: neither http_metrics nor scrape_configs is given");
}

static int decode_tree(struct config_reader *reader, const struct yaml_tree *tree,
                       struct config *config)
{
    const struct yaml_tree_node *root = yaml_tree_root(tree);
    int err = 0;
    if (root)
        decode_top(reader, root, config);
    else
        err = problems_add(reader->problems, PROBLEM_ERROR, 1, 1, "the file is empty");
    if (!err && root)
        err = config_print(root, &config->printed);
    if (err == -E2BIG) /* it is for people to look at */
        buffer_clear(&config->printed);
    if (err == -ENOMEM || reader->no_memory)
        return -ENOMEM;
    return problems_have_error(reader->problems) ? -EINVAL : 0;
}

int config_parse(const char *name, const char *bytes, size_t length, struct config **out,
                 struct problems *problems)
{
    *problems = (struct problems){.file = name};
    struct config_reader reader = {.problems = problems,
                                   .directory = path_folder(name),
                                   .scrape_interval_ns = DEFAULT_SCRAPE_INTERVAL_NS,
                                   .scrape_timeout_ns = DEFAULT_SCRAPE_TIMEOUT_NS};
    autoyaml struct yaml_tree *tree = NULL;
    autoconfig struct config *config = NULL;
    int err = yaml_tree_parse((struct text){bytes, length}, problems, &tree);
    if (!err)
        err = config_new(&config);
    if (!err) {
        config->checksum = config_checksum_add(0, name, (struct text){bytes, length});
        err = decode_tree(&reader, tree, config);
    }
    problems_sort(problems);
    free(reader.scrape_failure_log_file);
    if (!err)
        *out = TAKE_PTR(config);
    return err;
}

int config_load(const char *path, struct config **out, struct problems *problems)
{
    *problems = (struct problems){.file = path};
    autobuffer struct buffer bytes;
    buffer_init(&bytes, YAML_TREE_MAX_BYTES);
    int err = file_read(path, &bytes);
    if (!err)
        return config_parse(path, bytes.bytes, bytes.length, out, problems);
    if (err == -ENOMEM)
        return err;
    if (err == -E2BIG)
        err = problems_add(problems, PROBLEM_ERROR, 0, 0, YAML_TREE_TOO_LARGE,
                           YAML_TREE_MAX_BYTES >> 20);
    else
        err = problems_add(problems, PROBLEM_ERROR, 0, 0, "cannot read it: %s", strerror(-err));
    return err ? err : -EINVAL;
}
