/* SPDX-License-Identifier: Apache-2.0 */
/* What several blocks have in common: unique names, URLs, and mappings of texts to texts. */
#include "base/duration.h"
#include "config/config_blocks.h"
#include "config/config_values.h"
#include "model/utf8.h"

bool config_check_label_name(struct config_reader *reader, const struct yaml_tree_node *name,
                             const struct config_place *place)
{
    bool is_legal = name->text.length && utf8_is_valid(name->text);
    if (!is_legal)
        config_error(reader, name, place, "a label's name must be UTF-8 and not empty");
    return is_legal;
}

bool config_duration_is_bad(const struct yaml_tree_node *given)
{
    uint64_t ns;
    return given && (given->kind != YAML_TREE_SCALAR || duration_parse(given->text, &ns) != 0);
}

/* The name that item `index` gives, or NULL. */
static const struct yaml_tree_node *item_name(const struct yaml_tree_node *list, size_t index,
                                              const char *key)
{
    const struct yaml_tree_node *name = config_given(list->items[index], key);
    return name && name->kind == YAML_TREE_SCALAR && name->text.length ? name : NULL;
}

void config_check_names(struct config_reader *reader, const struct yaml_tree_node *list,
                        const struct config_place *place, const char *key)
{
    for (size_t i = 0; list->kind == YAML_TREE_SEQUENCE && i < list->count; i++) {
        const struct yaml_tree_node *name = item_name(list, i, key);
        for (size_t j = 0; name && j < i; j++) {
            const struct yaml_tree_node *earlier = item_name(list, j, key);
            if (!earlier || !text_equal(earlier->text, name->text))
                continue;
            const struct config_place item = {.parent = place, .index = i};
            const struct config_place where = {.parent = &item, .key = key};
            config_error(reader, name, &where,
                         "\"%s\" is already the %s of %s[%zu] in line %u; give each its own",
                         name->text.bytes, key, place->key, j, earlier->line);
            break;
        }
    }
}

void config_check_url(struct config_reader *reader, const struct yaml_tree_node *node,
                      const struct config_place *place, const char *url, const char *owner)
{
    const struct yaml_tree_node *given = config_given(node, "url");
    const struct config_place where = {.parent = place, .key = "url"};

    if (!given) {
        config_error(reader, node, place, "url is missing; every %s needs one", owner);
    } else if (given->kind == YAML_TREE_SCALAR) {
        const char *fault = config_url_fault(text_of(url ? url : ""));
        if (fault)
            config_error(reader, given, &where, "%s", fault);
    }
}

void config_decode_pairs(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, config_pair_fn add, void *context)
{
    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        const struct config_place item = {.parent = place, .key = pair->key->text.bytes};
        static const struct text nothing = {"", 0};
        struct yaml_tree_node value = *pair->value;
        if (value.kind == YAML_TREE_NULL)
            value.text = nothing;
        else if (!config_expect(reader, pair->value, &item, YAML_TREE_SCALAR))
            continue;
        add(reader, &(struct yaml_tree_pair){pair->key, &value}, &item, context);
    }
}
