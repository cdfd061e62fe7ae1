/* SPDX-License-Identifier: Apache-2.0 */
/* relabel_configs, by whichever name: the rules of targets, samples, remotes and HTTP rows. As in
 * Prometheus, a key without a value is not a key left out: `regex:` is the empty regex. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/config_blocks.h"
#include "config/config_values.h"
#include "model/relabel.h"

static void replace_text(struct config_reader *reader, struct text text, char **out)
{
    free(*out);
    *out = config_copy_text(reader, text);
}

static void decode_text(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    if (config_expect(reader, node, place, YAML_TREE_SCALAR))
        replace_text(reader, node->text, target);
}

static void decode_action(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    if (config_expect(reader, node, place, YAML_TREE_SCALAR) &&
        relabel_action_parse(node->text, target))
        config_error(reader, node, place,
                     "unknown relabel action \"%s\"; there are replace, keep, drop, keepequal, "
                     "dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase and uppercase",
                     node->text.bytes);
}

static void decode_modulus(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->quoted || config_count_parse(node->text, target))
        config_error(reader, node, place, "\"%s\" is not a whole number%s", node->text.bytes,
                     node->quoted ? " (quotes make it text)" : "");
}

static void decode_source_label(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *element)
{
    char **label = element;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!node->text.length)
        config_error(reader, node, place, "\"\" is not a valid label name");
    *label = config_copy_text(reader, node->text);
}

static void decode_source_labels(struct config_reader *reader, const struct yaml_tree_node *node,
                                 const struct config_place *place, void *target)
{
    struct relabel_rule *rule = target;
    config_decode_list(reader, node, place, sizeof(*rule->source_labels),
                       (void **)&rule->source_labels, &rule->source_label_count,
                       decode_source_label);
}

/* Whether an earlier message is about this rule: then what follows from it goes without saying. */
static bool rule_is_broken(const struct relabel_rule *rule, const struct yaml_tree_node *node)
{
    static const char *const texts[] = {"separator", "regex", "target_label", "replacement"};
    const struct yaml_tree_pair *action = yaml_tree_find(node, "action");
    const struct yaml_tree_node *labels = config_given(node, "source_labels");
    enum relabel_action parsed;
    if (action && relabel_action_parse(action->value->text, &parsed))
        return true;
    if (labels && labels->kind != YAML_TREE_SEQUENCE)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const struct yaml_tree_node *value = config_given(node, texts[i]);
        if (value && value->kind != YAML_TREE_SCALAR)
            return true;
    }
    for (size_t i = 0; i < rule->source_label_count; i++)
        if (!rule->source_labels[i] || !*rule->source_labels[i])
            return true;
    return false;
}

static void take_empty_values(struct config_reader *reader, const struct yaml_tree_node *node,
                              struct relabel_rule *rule)
{
    const struct {
        const char *key;
        char **text;
    } texts[] = {
        {"separator", &rule->separator},
        {"regex", &rule->pattern},
        {"target_label", &rule->target_label},
        {"replacement", &rule->replacement},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (yaml_tree_find(node, texts[i].key) && !config_given(node, texts[i].key))
            replace_text(reader, (struct text){"", 0}, texts[i].text);
    rule->pattern_given = config_given(node, "regex") != NULL;
    rule->source_labels_given = config_given(node, "source_labels") != NULL;
}

/* At the key's value, or at the rule where the key is missing. */
static void report_fault(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, const struct relabel_fault *fault)
{
    const struct yaml_tree_pair *at = yaml_tree_find(node, fault->key);
    const struct config_place where = {.parent = place, .key = fault->key};

    config_error(reader, at ? at->value : node, at ? &where : place, "%s", fault->reason);
}

static void check_rule(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    struct relabel_rule *rule = target;
    const struct yaml_tree_pair *action = yaml_tree_find(node, "action");
    struct relabel_fault fault = {0};

    take_empty_values(reader, node, rule);
    if (action && action->value->kind == YAML_TREE_NULL)
        config_error(reader, action->value, place, "relabel action cannot be empty");
    if (reader->no_memory || rule_is_broken(rule, node))
        return;
    if (relabel_rule_check(rule, &fault))
        report_fault(reader, node, place, &fault);
    int error = relabel_rule_compile(rule, &fault);
    if (error == -EINVAL)
        report_fault(reader, node, place, &fault);
    else if (error)
        reader->no_memory = true;
}

#define RULE(member) offsetof(struct relabel_rule, member)

const struct config_block config_rule_block = {
    (const struct config_field[]){
        {"source_labels", CONFIG_CUSTOM, .decode = decode_source_labels},
        {"separator", CONFIG_CUSTOM, RULE(separator), .decode = decode_text},
        {"regex", CONFIG_CUSTOM, RULE(pattern), .decode = decode_text},
        {"modulus", CONFIG_CUSTOM, RULE(modulus), .decode = decode_modulus},
        {"target_label", CONFIG_CUSTOM, RULE(target_label), .decode = decode_text},
        {"replacement", CONFIG_CUSTOM, RULE(replacement), .decode = decode_text},
        {"action", CONFIG_CUSTOM, RULE(action), .decode = decode_action},
        {NULL}},
    check_rule};

static void decode_rule(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *element)
{
    if (relabel_rule_init(element))
        reader->no_memory = true;
    else
        config_decode_block(reader, node, place, &config_rule_block, element);
}

void config_decode_relabels(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    struct relabel_rules *rules = target;
    config_decode_list(reader, node, place, sizeof(*rules->list), (void **)&rules->list,
                       &rules->count, decode_rule);
}
