/* SPDX-License-Identifier: Apache-2.0 */
/* What a scrape asks for and how much it takes: params and the limits of a job, which global may
 * give for all. */
#include <stdlib.h>

#include "config/config_blocks.h"
#include "config/config_values.h"

/* --- params --- */

static void decode_param_value(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *element)
{
    static const struct text empty = {"", 0};
    char **value = element;

    if (node->kind == YAML_TREE_NULL || config_expect(reader, node, place, YAML_TREE_SCALAR))
        *value = config_copy_text(reader, node->kind == YAML_TREE_NULL ? empty : node->text);
}

static int compare_params(const void *a, const void *b)
{
    return strcmp(((const struct scrape_param *)a)->name, ((const struct scrape_param *)b)->name);
}

void config_decode_params(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct scrape_params *params = target;

    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    params->list = calloc(node->count + 1, sizeof(*params->list));
    if (!params->list) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        const struct config_place item = {.parent = place, .key = pair->key->text.bytes};
        struct scrape_param *param = &params->list[params->count];
        if (pair->value->kind == YAML_TREE_NULL)
            continue;
        param->name = config_copy_text(reader, pair->key->text);
        params->count += param->name != NULL;
        config_decode_list(reader, pair->value, &item, sizeof(*param->values),
                           (void **)&param->values, &param->value_count, decode_param_value);
    }
    qsort(params->list, params->count, sizeof(*params->list), compare_params);
}

/* --- limits --- */

#define LIMIT(member) offsetof(struct scrape_limits, member)
#define COUNT(name)                                      \
    {                                                    \
#name, CONFIG_UINT32, LIMIT(name), 0, UINT32_MAX \
    }

const struct config_block config_scrape_limits_block = {(const struct config_field[]){
    {"body_size_limit", CONFIG_SIZE, LIMIT(body_size_limit)},
    COUNT(sample_limit),
    COUNT(label_limit),
    COUNT(label_name_length_limit),
    COUNT(label_value_length_limit),
    /* of the jobs' sync */
    {"target_limit", CONFIG_UINT32, LIMIT(target_limit), 0, UINT32_MAX},
    {"keep_dropped_targets", CONFIG_UINT32, LIMIT(keep_dropped_targets), 0, UINT32_MAX},
    {NULL}}};

void config_decode_factor(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *factor)
{
    uint64_t whole;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!node->quoted && !config_count_parse(node->text, &whole))
        *(double *)factor = (double)whole;
    else if (node->quoted || config_float_parse(node->text, factor))
        config_error(reader, node, place, "\"%s\" is not a number%s", node->text.bytes,
                     node->quoted ? " (quotes make it text)" : "");
}

void config_inherit_limits(struct scrape_limits *limits, const struct scrape_limits *global)
{
#define INHERIT(member)  \
    if (!limits->member) \
    limits->member = global->member
    INHERIT(body_size_limit);
    INHERIT(sample_limit);
    INHERIT(target_limit);
    INHERIT(label_limit);
    INHERIT(label_name_length_limit);
    INHERIT(label_value_length_limit);
    INHERIT(keep_dropped_targets);
#undef INHERIT
}
