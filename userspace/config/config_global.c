/* SPDX-License-Identifier: Apache-2.0 */
/* global: what jobs inherit, and external_labels with variables from the environment. */
#include <stdlib.h>

#include "base/duration.h"
#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_values.h"
#include "model/labels.h"

struct global_settings {
    uint64_t scrape_interval_ns;
    uint64_t scrape_timeout_ns;
    struct scrape_limits limits;
    struct scrape_protocol_config protocols;
    bool extra_scrape_metrics;
    char *scrape_failure_log_file;
    struct config *config;
};

/* --- external_labels --- */

struct expansion {
    struct config_reader *reader;
    const struct yaml_tree_node *node;
    const struct config_place *place;
};

static void warn_empty_variable(void *context, struct text name)
{
    const struct expansion *expansion = context;
    config_warning(expansion->reader, expansion->node, expansion->place,
                   "the environment variable \"%.*s\" is not set or empty; nothing is put in its "
                   "place",
                   TEXT_FORMAT(name));
}

static void add_external_label(struct config_reader *reader, const struct yaml_tree_pair *pair,
                               const struct config_place *place, void *context)
{
    struct config *config = context;
    if (!config_check_label_name(reader, pair->key, place))
        return;
    if (text_equal(pair->key->text, TEXT(LABEL_METRIC_NAME))) {
        config_warning(reader, pair->key, place,
                       "has no effect: every series has a name of its own");
        return;
    }
    struct expansion expansion = {reader, pair->value, place};
    char *value = config_expand_variables(pair->value->text.bytes, warn_empty_variable, &expansion);
    char *name = config_copy_text(reader, pair->key->text);
    if (!value || !name || !*value) { /* a label without a value is no label */
        reader->no_memory |= !value;
        free(value);
        free(name);
        return;
    }
    config->external_labels[config->external_label_count++] = (struct external_label){name, value};
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct external_label *)a)->name,
                  ((const struct external_label *)b)->name);
}

static void decode_external_labels(struct config_reader *reader, const struct yaml_tree_node *node,
                                   const struct config_place *place, void *target)
{
    struct config *config = ((struct global_settings *)target)->config;
    config->external_labels = calloc(node->count + 1, sizeof(*config->external_labels));
    if (!config->external_labels) {
        reader->no_memory = true;
        return;
    }
    config_decode_pairs(reader, node, place, add_external_label, config);
    qsort(config->external_labels, config->external_label_count, sizeof(*config->external_labels),
          compare_labels);
}

/* --- the block --- */

static void check_text(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *unused)
{
    (void)unused;
    config_expect(reader, node, place, YAML_TREE_SCALAR);
}

static void check_duration(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *unused)
{
    uint64_t ns;
    (void)unused;
    config_decode_duration(reader, node, place, &ns);
}

#define NO_RULES "an agent evaluates no rules"
#define GLOBAL(member) offsetof(struct global_settings, member)

const struct config_block config_global_block = {(const struct config_field[]){
    {"scrape_interval", CONFIG_DURATION, GLOBAL(scrape_interval_ns), .neutral = "0s"},
    {"scrape_timeout", CONFIG_DURATION, GLOBAL(scrape_timeout_ns), .neutral = "0s"},
    {"external_labels", CONFIG_CUSTOM, .decode = decode_external_labels},
    {"evaluation_interval", CONFIG_NO_EFFECT, .decode = check_duration, .advice = NO_RULES},
    {"rule_query_offset", CONFIG_NO_EFFECT, .decode = check_duration, .advice = NO_RULES},
    {"query_log_file", CONFIG_NO_EFFECT, .decode = check_text,
     .advice = "an agent answers no queries"},
    {"scrape_failure_log_file", CONFIG_PATH, GLOBAL(scrape_failure_log_file)},
    {"", CONFIG_INLINE, GLOBAL(limits), .block = &config_scrape_limits_block},
    {"", CONFIG_INLINE, GLOBAL(protocols), .block = &config_protocol_block},
    {"extra_scrape_metrics", CONFIG_BOOL, GLOBAL(extra_scrape_metrics)},
    {NULL}}};

/* What of global may change a job. */
static bool jobs_inherit(struct text key)
{
    return !text_equal(key, TEXT("external_labels")) &&
           !text_equal(key, TEXT("evaluation_interval"));
}

/* An interval that was given and was refused has been reported: no second complaint about it. */
void config_decode_global(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *config)
{
    struct global_settings global = {.config = config};
    config_decode_block(reader, node, place, &config_global_block, &global);

    reader->global_digest = config_digest_pairs(node, 0, jobs_inherit);
    const struct yaml_tree_node *timeout = config_given(node, "scrape_timeout");
    bool bad_interval = config_duration_is_bad(config_given(node, "scrape_interval"));
    if (global.scrape_interval_ns)
        reader->scrape_interval_ns = global.scrape_interval_ns;
    if (timeout && !bad_interval && global.scrape_timeout_ns > reader->scrape_interval_ns) {
        char interval_text[DURATION_TEXT_SIZE];
        duration_text(reader->scrape_interval_ns, interval_text, sizeof(interval_text));
        config_error(reader, timeout, &(struct config_place){place, "scrape_timeout"},
                     "%s is longer than the scrape_interval of %s", timeout->text.bytes,
                     interval_text);
    }
    reader->scrape_limits = global.limits;
    reader->scrape_protocols = global.protocols;
    reader->extra_scrape_metrics = global.extra_scrape_metrics;
    reader->scrape_failure_log_file = global.scrape_failure_log_file;
    if (global.scrape_timeout_ns)
        reader->scrape_timeout_ns = global.scrape_timeout_ns;
}
