/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_protocols and what goes with them, of global and of jobs. */
#include "config/config_blocks.h"
#include "config/config_values.h"

#include "base/cleanup.h"

static const char *const protocol_names[SCRAPE_PROTOCOL_COUNT] = {
    [PROMETHEUS_PROTO] = "PrometheusProto",
    [OPENMETRICS_TEXT_1_0_0] = "OpenMetricsText1.0.0",
    [OPENMETRICS_TEXT_0_0_1] = "OpenMetricsText0.0.1",
    [PROMETHEUS_TEXT_1_0_0] = "PrometheusText1.0.0",
    [PROMETHEUS_TEXT_0_0_4] = "PrometheusText0.0.4",
};

static const char *const escaping_names[] = {
    [ESCAPING_ALLOW_UTF_8] = "allow-utf-8",
    [ESCAPING_UNDERSCORES] = "underscores",
    [ESCAPING_DOTS] = "dots",
    [ESCAPING_VALUES] = "values",
};

/* The index of the scalar among the names, from 1; 0 where it is none of them, which is reported.
 */
static size_t decode_word(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, const char *const *names, size_t count,
                          const char *expected)
{
    for (size_t i = 1; node->kind == YAML_TREE_SCALAR && i < count; i++)
        if (text_equal(node->text, text_of(names[i])))
            return i;
    if (config_expect(reader, node, place, YAML_TREE_SCALAR))
        config_error(reader, node, place, "\"%s\" is not %s", node->text.bytes, expected);
    return 0;
}

/* "" is as good as nothing. */
static bool is_empty_text(const struct yaml_tree_node *node)
{
    return node->kind == YAML_TREE_SCALAR && !node->text.length;
}

static enum scrape_protocol decode_protocol(struct config_reader *reader,
                                            const struct yaml_tree_node *node,
                                            const struct config_place *place)
{
    return (enum scrape_protocol)decode_word(
        reader, node, place, protocol_names, SCRAPE_PROTOCOL_COUNT,
        "PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0 or "
        "PrometheusText0.0.4");
}

static bool is_accepted(const struct scrape_protocol_config *config, enum scrape_protocol protocol)
{
    for (size_t i = 0; i < config->accepted_count; i++)
        if (config->accepted[i] == protocol)
            return true;
    return false;
}

static void decode_protocols(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place, void *target)
{
    struct scrape_protocol_config *config = target;

    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    config->accepted_count = 0;
    if (!node->count)
        config_error(reader, node, place, "is empty: name a protocol, or leave the key out");
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .index = i};
        const struct yaml_tree_node *word = node->items[i];
        enum scrape_protocol protocol = decode_protocol(reader, word, &item);
        if (!protocol)
            continue;
        if (is_accepted(config, protocol))
            config_error(reader, word, &item, "\"%s\" is there twice", protocol_names[protocol]);
        else
            config->accepted[config->accepted_count++] = protocol;
    }
}

static void decode_fallback(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    if (!is_empty_text(node))
        *(enum scrape_protocol *)target = decode_protocol(reader, node, place);
}

static void decode_validation(struct config_reader *reader, const struct yaml_tree_node *node,
                              const struct config_place *place, void *target)
{
    static const char *const names[] = {[1] = "utf8", [2] = "legacy"};
    if (!is_empty_text(node))
        *(bool *)target =
            decode_word(reader, node, place, names, ARRAY_SIZE(names), "utf8 or legacy") == 2;
}

static void decode_escaping(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    if (is_empty_text(node))
        return;
    *(enum scrape_escaping *)target = (enum scrape_escaping)decode_word(
        reader, node, place, escaping_names, ARRAY_SIZE(escaping_names),
        "allow-utf-8, underscores, dots or values");
}

/* Whether the mapping says which. */
static bool names_scheme(const struct yaml_tree_node *node, const char *key)
{
    const struct yaml_tree_node *given = config_given(node, key);
    return given && !is_empty_text(given);
}

/* A job with a validation of its own has the escaping that goes with it, not global's. */
static void check_names(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    struct scrape_protocol_config *config = target;
    const struct yaml_tree_node *escaping = config_given(node, "metric_name_escaping_scheme");

    if (names_scheme(node, "metric_name_validation_scheme") &&
        !names_scheme(node, "metric_name_escaping_scheme"))
        config->escaping = ESCAPING_UNSET;
    if (config->legacy_names && config->escaping == ESCAPING_ALLOW_UTF_8)
        config_error(reader, escaping ? escaping : node,
                     &(struct config_place){place, "metric_name_escaping_scheme"},
                     "allow-utf-8 goes with the validation scheme utf8, not with legacy");
}

#define PROTOCOL(member) offsetof(struct scrape_protocol_config, member)

const struct config_block config_protocol_block = {
    (const struct config_field[]){
        {"scrape_protocols", CONFIG_CUSTOM, 0, .decode = decode_protocols},
        {"scrape_native_histograms", CONFIG_BOOL, PROTOCOL(native_histograms)},
        {"always_scrape_classic_histograms", CONFIG_BOOL, PROTOCOL(classic_histograms)},
        {"convert_classic_histograms_to_nhcb", CONFIG_BOOL, PROTOCOL(convert_histograms)},
        {"metric_name_validation_scheme", CONFIG_CUSTOM, PROTOCOL(legacy_names),
         .decode = decode_validation},
        {"metric_name_escaping_scheme", CONFIG_CUSTOM, PROTOCOL(escaping),
         .decode = decode_escaping},
        {NULL}},
    check_names};

const struct config_block config_job_protocol_block = {
    (const struct config_field[]){
        {"", CONFIG_INLINE, 0, .block = &config_protocol_block},
        {"fallback_scrape_protocol", CONFIG_CUSTOM, PROTOCOL(fallback), .decode = decode_fallback},
        {"scrape_classic_histograms", CONFIG_BOOL, PROTOCOL(classic_histograms)}, /* up to 2.55 */
        {NULL}},
    NULL};
