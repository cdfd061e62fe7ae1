/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a block's table over a mapping: every key known or refused, every value decoded or
 * reported. */
#include "config/config_fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/config_values.h"

const struct yaml_tree_node *config_given(const struct yaml_tree_node *mapping, const char *key)
{
    const struct yaml_tree_pair *pair = yaml_tree_find(mapping, key);
    return pair && pair->value->kind != YAML_TREE_NULL ? pair->value : NULL;
}

/* --- single values --- */

static void decode_text(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, enum config_kind kind, char **out)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->text.length == 0 && !*out)
        return;
    free(*out);
    *out = kind == CONFIG_PATH ? config_copy_path(reader, node->text)
                               : config_copy_text(reader, node->text);
}

void config_decode_bool(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, bool *out)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->quoted)
        config_error(reader, node, place, "\"%s\" in quotes is text; write true or false without",
                     node->text.bytes);
    else if (config_bool_parse(node->text, out))
        config_error(reader, node, place, "\"%s\" is neither true nor false", node->text.bytes);
}

bool config_decode_duration(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, uint64_t *out_ns)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return false;
    int err = duration_parse(node->text, out_ns);
    if (err)
        config_error(reader, node, place, "\"%s\" is %s", node->text.bytes,
                     err == -ERANGE
                         ? "too long a duration"
                         : "not a duration; write whole numbers with units, such as 15s or 1h30m "
                           "(y w d h m s ms, in this order)");
    return !err;
}

static void decode_positive_duration(struct config_reader *reader,
                                     const struct yaml_tree_node *node,
                                     const struct config_place *place, bool zero_is_default,
                                     uint64_t *out)
{
    uint64_t ns;
    if (!config_decode_duration(reader, node, place, &ns))
        return;
    if (ns != 0)
        *out = ns;
    else if (!zero_is_default)
        config_error(reader, node, place, "must be more than 0");
}

static void decode_size(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, uint64_t least, uint64_t *out)
{
    uint64_t bytes;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    int err = config_size_parse(node->text, &bytes);
    if (err)
        config_error(reader, node, place, "\"%s\" is %s", node->text.bytes,
                     err == -ERANGE ? "too large a size"
                                    : "not a size; write a number with its unit, such as 512MB or "
                                      "1GiB (B KB MB GB TB PB EB)");
    else if (bytes < least)
        config_error(reader, node, place, "%s is too small; the least is %llu bytes",
                     node->text.bytes, (unsigned long long)least);
    else
        *out = bytes;
}

static void decode_uint32(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, const struct config_field *field,
                          uint32_t *out)
{
    uint64_t value;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->quoted || config_count_parse(node->text, &value) || value < field->least ||
        value > field->most)
        config_error(reader, node, place, "\"%s\" is not a whole number from %llu to %llu%s",
                     node->text.bytes, (unsigned long long)field->least,
                     (unsigned long long)field->most, node->quoted ? " (quotes make it text)" : "");
    else
        *out = (uint32_t)value;
}

/* --- keys without an effect --- */

/* Whether the value is the same as leaving the key out. */
static bool is_neutral(const struct yaml_tree_node *node, const char *neutral)
{
    bool value, wanted;
    uint64_t duration;
    if (node->kind == YAML_TREE_NULL)
        return true;
    if (!neutral)
        return false;
    if (strcmp(neutral, "[]") == 0)
        return node->kind == YAML_TREE_SEQUENCE && node->count == 0;
    if (strcmp(neutral, "{}") == 0)
        return node->kind == YAML_TREE_MAPPING && node->count == 0;
    if (node->kind != YAML_TREE_SCALAR)
        return false;
    if (text_equal(node->text, text_of(neutral)))
        return true;
    if (strcmp(neutral, "0s") == 0)
        return duration_parse(node->text, &duration) == 0 && duration == 0;
    return !node->quoted && config_bool_parse(text_of(neutral), &wanted) == 0 &&
           config_bool_parse(node->text, &value) == 0 && value == wanted;
}

static void refuse_unbuilt(struct config_reader *reader, const struct yaml_tree_pair *pair,
                           const struct config_place *parent, const struct config_field *field)
{
    char where[CONFIG_PLACE_TEXT_SIZE], advice[128] = "remove it";
    config_place_text(parent, where, sizeof(where));
    if (field->advice)
        snprintf(advice, sizeof(advice), "%s", field->advice);
    else if (field->neutral)
        snprintf(advice, sizeof(advice), "remove it, or leave it %s%s",
                 strchr("[{", *field->neutral) ? "empty" : "at ",
                 strchr("[{", *field->neutral) ? "" : field->neutral);
    config_report(reader, PROBLEM_ERROR, pair->key,
                  "\"%s\"%s%s is not supported by this version of edgemeter%s; %s", field->key,
                  *where ? " in " : "", where, field->ours ? "" : " (a Prometheus key)", advice);
}

static void warn_no_effect(struct config_reader *reader, const struct yaml_tree_pair *pair,
                           const struct config_place *place, const struct config_field *field)
{
    config_report(reader, PROBLEM_WARNING, pair->key, "\"%s\" has no effect: %s", field->key,
                  field->advice);
    if (field->decode && pair->value->kind != YAML_TREE_NULL)
        field->decode(reader, pair->value, place, NULL);
}

/* An empty list of rule files, say, is what many example files have. */
static void refuse_foreign(struct config_reader *reader, const struct yaml_tree_pair *pair,
                           const struct config_field *field)
{
    if (!is_neutral(pair->value, field->neutral))
        config_report(reader, PROBLEM_ERROR, pair->key,
                      "\"%s\" belongs to a Prometheus server, not to an agent; %s", field->key,
                      field->advice);
}

/* --- blocks --- */

static void decode_value(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, const struct config_field *field,
                         char *member)
{
    if (field->kind == CONFIG_BLOCK) {
        config_decode_block(reader, node, place, field->block, member);
        return;
    }
    if (node->kind == YAML_TREE_NULL) {
        if (field->kind != CONFIG_BOOL)
            return; /* as if the key were not there */
        config_warning(reader, node, place, "has no value, which is taken as false");
        *(bool *)member = false;
        return;
    }
    switch (field->kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
        decode_text(reader, node, place, field->kind, (char **)member);
        break;
    case CONFIG_BOOL:
        config_decode_bool(reader, node, place, (bool *)member);
        break;
    case CONFIG_DURATION:
        decode_positive_duration(reader, node, place, field->neutral != NULL, (uint64_t *)member);
        break;
    case CONFIG_SIZE:
        decode_size(reader, node, place, field->least, (uint64_t *)member);
        break;
    case CONFIG_UINT32:
        decode_uint32(reader, node, place, field, (uint32_t *)member);
        break;
    default:
        field->decode(reader, node, place, member);
    }
}

static void decode_field(struct config_reader *reader, const struct yaml_tree_pair *pair,
                         const struct config_place *parent, const struct config_field *field,
                         void *target)
{
    const struct config_place place = {.parent = parent, .key = field->key};
    switch (field->kind) {
    case CONFIG_NO_EFFECT:
        warn_no_effect(reader, pair, &place, field);
        break;
    case CONFIG_UNBUILT:
        if (!is_neutral(pair->value, field->neutral))
            refuse_unbuilt(reader, pair, parent, field);
        break;
    case CONFIG_FOREIGN:
        refuse_foreign(reader, pair, field);
        break;
    default:
        decode_value(reader, pair->value, &place, field, (char *)target + field->offset);
    }
}

/* In the table's order, so that what is inherited can stand before its heirs. */
static void decode_fields(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, const struct config_block *block,
                          void *target)
{
    for (const struct config_field *field = block->fields; field->key; field++) {
        if (field->kind == CONFIG_INLINE) {
            decode_fields(reader, node, place, field->block, (char *)target + field->offset);
            continue;
        }
        const struct yaml_tree_pair *pair = yaml_tree_find(node, field->key);
        if (pair)
            decode_field(reader, pair, place, field, target);
    }
    if (block->check)
        block->check(reader, node, place, target);
}

bool config_block_has_key(const struct config_block *block, const char *key)
{
    for (const struct config_field *field = block->fields; field->key; field++)
        if (field->kind == CONFIG_INLINE ? config_block_has_key(field->block, key)
                                         : strcmp(field->key, key) == 0)
            return true;
    return false;
}

/* The nearest key of the block. `best` comes in as the distance at which none is near enough. */
static const char *nearest_key(const struct config_block *block, const char *key, unsigned *best)
{
    const char *nearest = NULL;
    for (const struct config_field *field = block->fields; field->key; field++) {
        const char *found = NULL;
        if (field->kind == CONFIG_INLINE) {
            found = nearest_key(field->block, key, best);
        } else {
            unsigned distance = config_edit_distance(key, field->key, *best);
            if (distance < *best) {
                *best = distance;
                found = field->key;
            }
        }
        nearest = found ? found : nearest;
    }
    return nearest;
}

static void report_unknown_key(struct config_reader *reader, const struct yaml_tree_node *key,
                               const struct config_place *place, const struct config_block *block)
{
    char where[CONFIG_PLACE_TEXT_SIZE];
    unsigned near_enough = key->text.length < 5 ? 2 : (unsigned)(key->text.length / 3) + 1;
    const char *nearest = nearest_key(block, key->text.bytes, &near_enough);
    config_place_text(place, where, sizeof(where));
    config_report(reader, PROBLEM_ERROR, key, "unknown key \"%s\" %s%s%s%s%s", key->text.bytes,
                  *where ? "in " : "at the top level", where, nearest ? "; did you mean \"" : "",
                  nearest ? nearest : "", nearest ? "\"?" : "");
}

void config_decode_block(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, const struct config_block *block,
                         void *target)
{
    if (node->kind == YAML_TREE_NULL || !config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    for (size_t i = 0; i < node->count; i++)
        if (!config_block_has_key(block, node->pairs[i].key->text.bytes))
            report_unknown_key(reader, node->pairs[i].key, place, block);
    decode_fields(reader, node, place, block, target);
}

void config_decode_list(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, size_t element_size, void **list,
                        size_t *count, config_decode_fn decode)
{
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE) || node->count == 0)
        return;
    *list = calloc(node->count, element_size);
    if (!*list) {
        reader->no_memory = true;
        return;
    }
    *count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .index = i};
        char *element = (char *)*list + i * element_size;
        if (node->items[i]->kind == YAML_TREE_NULL)
            config_error(reader, node->items[i], &item, "an empty list item; remove it");
        else
            decode(reader, node->items[i], &item, element);
    }
}
