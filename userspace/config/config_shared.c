/* SPDX-License-Identifier: Apache-2.0 */
/* What several blocks have in common: unique names, and mappings of texts to texts. */
#include "config/config_blocks.h"

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
