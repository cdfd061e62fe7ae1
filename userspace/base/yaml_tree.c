/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events to a tree with places. Bounded in depth and in size after expansion of aliases,
 * so that a small file cannot stand for a huge one. Does not know what the values mean. */
#include "base/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/problems.h"
#include "base/yaml_error.h"

#define autoevent __attribute__((cleanup(yaml_event_delete)))

/* A node with what only the making of the tree needs. */
struct owned_node {
    struct yaml_tree_node node; /* first: the public pointer is this one */
    struct owned_node *next_allocated;
    size_t capacity;
    size_t weight; /* nodes that this one stands for, itself included */
    bool open;     /* its end has not been read: an alias to it would be endless */
};

struct yaml_tree {
    struct owned_node *allocated;
    const struct yaml_tree_node *root;
};

struct anchor {
    char *name;
    struct owned_node *node;
};

struct builder {
    yaml_parser_t parser;
    struct text bytes;
    struct problems *problems;
    struct yaml_tree *tree;
    struct anchor *anchors;
    size_t anchor_count;
    size_t weight; /* of all so far */
};

static int build_node(struct builder *builder, yaml_event_t *event, unsigned depth,
                      struct owned_node **out);

__attribute__((format(printf, 3, 4))) static int refuse(struct builder *builder, yaml_mark_t mark,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int err = problems_vadd(builder->problems, PROBLEM_ERROR, (unsigned)mark.line + 1,
                            (unsigned)mark.column + 1, format, arguments);
    va_end(arguments);
    return err ? err : -EINVAL;
}

static int next_event(struct builder *builder, yaml_event_t *event)
{
    if (yaml_parser_parse(&builder->parser, event))
        return 0;
    memset(event, 0, sizeof(*event));
    return yaml_error_report(&builder->parser, builder->bytes, builder->problems);
}

static int charge(struct builder *builder, size_t weight, yaml_mark_t mark)
{
    builder->weight += weight;
    if (builder->weight > YAML_TREE_MAX_NODES)
        return refuse(builder, mark,
                      "the file holds more than %d values, aliases counted as often as used",
                      YAML_TREE_MAX_NODES);
    return 0;
}

static int node_new(struct builder *builder, enum yaml_tree_kind kind, yaml_mark_t mark,
                    struct owned_node **out)
{
    int err = charge(builder, 1, mark);
    if (err)
        return err;
    struct owned_node *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->node.kind = kind;
    made->node.line = (unsigned)mark.line + 1;
    made->node.column = (unsigned)mark.column + 1;
    made->weight = 1;
    made->next_allocated = builder->tree->allocated;
    builder->tree->allocated = made;
    *out = made;
    return 0;
}

/* --- anchors and tags ---
 * Their names stand in no message: a password that begins with *, & or ! and has no quotes is one.
 */

static int anchor_add(struct builder *builder, const yaml_char_t *name, yaml_mark_t mark,
                      struct owned_node *node)
{
    if (!name)
        return 0;
    if (builder->anchor_count == YAML_TREE_MAX_ANCHORS)
        return refuse(builder, mark, "an anchor that is one more than the %d allowed",
                      YAML_TREE_MAX_ANCHORS);
    if (!builder->anchors) {
        builder->anchors = calloc(YAML_TREE_MAX_ANCHORS, sizeof(*builder->anchors));
        if (!builder->anchors)
            return -ENOMEM;
    }
    char *copy = strdup((const char *)name);
    if (!copy)
        return -ENOMEM;
    builder->anchors[builder->anchor_count++] = (struct anchor){copy, node};
    return 0;
}

static int anchor_use(struct builder *builder, const yaml_event_t *event, struct owned_node **out)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = builder->anchor_count; i-- > 0;) {
        struct anchor *anchor = &builder->anchors[i];
        if (strcmp(anchor->name, name) != 0)
            continue;
        if (anchor->node->open)
            return refuse(builder, event->start_mark, "an alias that refers to itself");
        *out = anchor->node;
        return charge(builder, anchor->node->weight, event->start_mark);
    }
    return refuse(
        builder, event->start_mark,
        "an alias without its anchor: nothing above it is marked with that name; a text that "
        "begins with * needs quotes");
}

/* `usual` is the tag that changes nothing. */
static int tag_check(struct builder *builder, const yaml_char_t *tag, const char *usual,
                     yaml_mark_t mark)
{
    const char *name = (const char *)tag;
    if (!name || strcmp(name, usual) == 0 || strcmp(name, "!") == 0)
        return 0;
    return refuse(builder, mark,
                  "a YAML tag, which is not supported; write the value without it, or in quotes if "
                  "it is a text that begins with !");
}

/* --- scalars --- */

static bool scalar_is_null(struct text text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
        if (text_equal(text, text_of(nulls[i])))
            return true;
    return false;
}

static int build_scalar(struct builder *builder, const yaml_event_t *event, struct owned_node **out)
{
    struct text text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    int err = tag_check(builder, event->data.scalar.tag, YAML_STR_TAG, event->start_mark);
    if (err)
        return err;
    if (memchr(text.bytes, '\0', text.length))
        return refuse(builder, event->start_mark, "a value must not hold a NUL character");

    err = node_new(builder, YAML_TREE_SCALAR, event->start_mark, out);
    if (err)
        return err;
    struct yaml_tree_node *node = &(*out)->node;
    node->quoted =
        event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag != NULL;
    node->text.bytes = strndup(text.bytes, text.length);
    node->text.length = text.length;
    if (!node->text.bytes)
        return -ENOMEM;
    if (!node->quoted && scalar_is_null(text))
        node->kind = YAML_TREE_NULL;
    return anchor_add(builder, event->data.scalar.anchor, event->start_mark, *out);
}

/* --- sequences --- */

/* Room for one more element of `size` bytes in `array`, which holds `count`. */
static int grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *bigger = realloc(*array, wanted * size);
    if (!bigger)
        return -ENOMEM;
    *array = bigger;
    *capacity = wanted;
    return 0;
}

static int fill_sequence(struct builder *builder, struct owned_node *sequence, unsigned depth)
{
    struct yaml_tree_node *node = &sequence->node;
    for (;;) {
        autoevent yaml_event_t event = {0};
        int err = next_event(builder, &event);
        if (err)
            return err;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        struct owned_node *item;
        err = build_node(builder, &event, depth, &item);
        if (!err)
            err =
                grow((void **)&node->items, node->count, &sequence->capacity, sizeof(*node->items));
        if (err)
            return err;
        node->items[node->count++] = &item->node;
        sequence->weight += item->weight;
    }
}

/* --- mappings --- */

const struct yaml_tree_pair *yaml_tree_find(const struct yaml_tree_node *mapping, const char *key)
{
    struct text wanted = text_of(key);
    for (size_t i = 0; mapping->kind == YAML_TREE_MAPPING && i < mapping->count; i++)
        if (text_equal(mapping->pairs[i].key->text, wanted))
            return &mapping->pairs[i];
    return NULL;
}

static int append_pair(struct builder *builder, struct owned_node *mapping,
                       struct yaml_tree_pair pair)
{
    struct yaml_tree_node *node = &mapping->node;
    if (node->count == YAML_TREE_MAX_KEYS) {
        yaml_mark_t mark = {.line = node->line - 1, .column = node->column - 1};
        return refuse(builder, mark, "a mapping with more than %d keys", YAML_TREE_MAX_KEYS);
    }
    int err = grow((void **)&node->pairs, node->count, &mapping->capacity, sizeof(*node->pairs));
    if (!err)
        node->pairs[node->count++] = pair;
    return err;
}

/* The last one wins, as YAML parsers that allow it have it. */
static int add_pair(struct builder *builder, struct owned_node *mapping, struct yaml_tree_pair pair)
{
    struct yaml_tree_node *node = &mapping->node;
    const struct yaml_tree_pair *earlier = yaml_tree_find(node, pair.key->text.bytes);
    if (earlier) {
        int err = problems_add(
            builder->problems, PROBLEM_WARNING, pair.key->line, pair.key->column,
            "\"%s\" is given twice, in line %u and in line %u; the one in line %u is used",
            pair.key->text.bytes, earlier->key->line, pair.key->line, pair.key->line);
        if (err)
            return err;
        size_t at = (size_t)(earlier - node->pairs);
        memmove(&node->pairs[at], &node->pairs[at + 1],
                (--node->count - at) * sizeof(*node->pairs));
    }
    return append_pair(builder, mapping, pair);
}

/* Keys of `source` that `mapping` does not have yet. Their weight was charged with the value of
 * `<<`. */
static int merge_mapping(struct builder *builder, struct owned_node *mapping,
                         const struct owned_node *source)
{
    for (size_t i = 0; i < source->node.count; i++) {
        struct yaml_tree_pair pair = source->node.pairs[i];
        if (yaml_tree_find(&mapping->node, pair.key->text.bytes))
            continue;
        int err = append_pair(builder, mapping, pair);
        if (err)
            return err;
    }
    return 0;
}

/* `merged`: the value of `<<`, a mapping or a list of them, where the earlier one wins. */
static int merge(struct builder *builder, struct owned_node *mapping,
                 const struct owned_node *merged, yaml_mark_t mark)
{
    if (merged->node.kind == YAML_TREE_MAPPING)
        return merge_mapping(builder, mapping, merged);

    bool wrong = merged->node.kind != YAML_TREE_SEQUENCE;
    for (size_t i = 0; !wrong && i < merged->node.count; i++)
        wrong = merged->node.items[i]->kind != YAML_TREE_MAPPING;
    if (wrong)
        return refuse(builder, mark, "the merge key << needs a mapping or a list of mappings");
    for (size_t i = 0; i < merged->node.count; i++) {
        int err = merge_mapping(builder, mapping, (const struct owned_node *)merged->node.items[i]);
        if (err)
            return err;
    }
    return 0;
}

static int build_key(struct builder *builder, yaml_event_t *event, unsigned depth,
                     struct owned_node **out)
{
    int err = build_node(builder, event, depth, out);
    if (err)
        return err;
    enum yaml_tree_kind kind = (*out)->node.kind;
    if (kind == YAML_TREE_SEQUENCE || kind == YAML_TREE_MAPPING)
        return refuse(builder, event->start_mark, "a key must be plain text, not a %s",
                      kind == YAML_TREE_SEQUENCE ? "list" : "mapping");
    return 0;
}

static int fill_mapping(struct builder *builder, struct owned_node *mapping, unsigned depth)
{
    struct owned_node *merged = NULL;
    yaml_mark_t merge_mark = {0};
    for (;;) {
        autoevent yaml_event_t key_event = {0};
        int err = next_event(builder, &key_event);
        if (err)
            return err;
        if (key_event.type == YAML_MAPPING_END_EVENT)
            break;

        struct owned_node *key, *value;
        autoevent yaml_event_t value_event = {0};
        err = build_key(builder, &key_event, depth, &key);
        if (!err)
            err = next_event(builder, &value_event);
        if (!err)
            err = build_node(builder, &value_event, depth, &value);
        if (err)
            return err;
        mapping->weight += key->weight + value->weight;

        if (!key->node.quoted && text_equal(key->node.text, TEXT("<<"))) {
            if (merged)
                return refuse(builder, key_event.start_mark,
                              "the merge key << is given twice; give it one list of mappings");
            merged = value;
            merge_mark = value_event.start_mark;
            continue;
        }
        err = add_pair(builder, mapping, (struct yaml_tree_pair){&key->node, &value->node});
        if (err)
            return err;
    }
    return merged ? merge(builder, mapping, merged, merge_mark) : 0;
}

/* --- the whole --- */

static int build_collection(struct builder *builder, const yaml_event_t *event, unsigned depth,
                            struct owned_node **out)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag =
        is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;

    if (depth == YAML_TREE_MAX_DEPTH)
        return refuse(builder, event->start_mark, "nested more than %d levels deep",
                      YAML_TREE_MAX_DEPTH);
    int err = tag_check(builder, tag, is_mapping ? YAML_MAP_TAG : YAML_SEQ_TAG, event->start_mark);
    if (!err)
        err = node_new(builder, is_mapping ? YAML_TREE_MAPPING : YAML_TREE_SEQUENCE,
                       event->start_mark, out);
    if (!err)
        err = anchor_add(builder, anchor, event->start_mark, *out);
    if (err)
        return err;

    (*out)->open = true;
    err = is_mapping ? fill_mapping(builder, *out, depth + 1)
                     : fill_sequence(builder, *out, depth + 1);
    (*out)->open = false;
    return err;
}

static int build_node(struct builder *builder, yaml_event_t *event, unsigned depth,
                      struct owned_node **out)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return anchor_use(builder, event, out);
    case YAML_SCALAR_EVENT:
        return build_scalar(builder, event, out);
    default:
        return build_collection(builder, event, depth, out);
    }
}

/* stream start, document start, one node, document end, stream end. */
static int build_document(struct builder *builder)
{
    for (bool seen = false;;) {
        autoevent yaml_event_t event = {0};
        int err = next_event(builder, &event);
        if (err || event.type == YAML_STREAM_END_EVENT)
            return err;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            if (seen)
                return refuse(builder, event.start_mark,
                              "a second YAML document begins here; a file is one");
            continue;
        }
        struct owned_node *root;
        err = build_node(builder, &event, 0, &root);
        if (err)
            return err;
        seen = true;
        if (root->node.kind != YAML_TREE_NULL)
            builder->tree->root = &root->node;
    }
}

int yaml_tree_parse(struct text bytes, struct problems *problems, struct yaml_tree **out)
{
    if (bytes.length > YAML_TREE_MAX_BYTES) {
        int err = problems_add(problems, PROBLEM_ERROR, 0, 0,
                               "the file is larger than %u MiB, the most edgemeter reads",
                               YAML_TREE_MAX_BYTES >> 20);
        return err ? err : -EINVAL;
    }
    autoyaml struct yaml_tree *tree = calloc(1, sizeof(*tree));
    struct builder builder = {.bytes = bytes, .problems = problems, .tree = tree};
    if (!tree || !yaml_parser_initialize(&builder.parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)bytes.bytes, bytes.length);

    int err = build_document(&builder);

    for (size_t i = 0; i < builder.anchor_count; i++)
        free(builder.anchors[i].name);
    free(builder.anchors);
    yaml_parser_delete(&builder.parser);
    if (!err)
        *out = TAKE_PTR(tree);
    return err;
}

void yaml_tree_free(struct yaml_tree **tree)
{
    if (!*tree)
        return;
    for (struct owned_node *node = (*tree)->allocated, *next; node; node = next) {
        next = node->next_allocated;
        free((void *)node->node.text.bytes);
        free(node->node.items);
        free(node->node.pairs);
        free(node);
    }
    free(TAKE_PTR(*tree));
}

const struct yaml_tree_node *yaml_tree_root(const struct yaml_tree *tree)
{
    return tree->root;
}
