/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the tree together: characters and groups into the innermost group that is open. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/regex/regex_parser.h"

/* --- nodes --- */

static struct regex_node *make_node(struct regex_tree *tree, enum regex_kind kind)
{
    struct regex_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    node->kind = kind;
    node->made_before = tree->last_made;
    tree->last_made = node;
    return node;
}

static void add_child(struct regex_node *parent, struct regex_node *child)
{
    if (parent->height <= child->height)
        parent->height = child->height + 1;
    child->next = NULL;
    child->previous = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

static void remove_last_child(struct regex_node *parent)
{
    parent->last = parent->last->previous;
    if (parent->last)
        parent->last->next = NULL;
    else
        parent->first = NULL;
}

void regex_note_repeats(struct regex_parser *parser, unsigned repeats)
{
    parser->last_repeats = repeats;
    if (repeats > regex_innermost(parser)->repeats)
        regex_innermost(parser)->repeats = repeats;
}

static struct regex_node *add_node(struct regex_parser *parser, enum regex_kind kind)
{
    struct regex_node *node = make_node(parser->tree, kind);
    if (!node)
        return NULL;
    add_child(regex_innermost(parser)->concat, node);
    regex_note_repeats(parser, 1);
    return node;
}

int regex_add_assertion(struct regex_parser *parser, enum regex_assertion assertion)
{
    struct regex_node *node = add_node(parser, REGEX_ASSERTION);
    if (!node)
        return -ENOMEM;
    node->assertion = assertion;
    node->nullable = true;
    return 0;
}

int regex_add_class(struct regex_parser *parser, size_t start, bool fold)
{
    struct regex_node *node = add_node(parser, REGEX_CLASS);
    if (!node || parser->tree->classes.failed)
        return -ENOMEM;
    node->set.text = start;
    node->set.length = parser->tree->classes.length - start;
    node->set.fold = fold;
    return 0;
}

int regex_add_literal(struct regex_parser *parser, uint32_t rune)
{
    struct buffer *classes = &parser->tree->classes;
    size_t start = classes->length;

    if (regex_rune_is_surrogate(rune)) {
        buffer_append_string(classes, REGEX_NEVER);
        return regex_add_class(parser, start, false);
    }
    if (parser->flags & REGEX_FLAG_FOLD) {
        regex_write_rune(classes, rune);
        return regex_add_class(parser, start, true);
    }
    struct regex_node *node = add_node(parser, REGEX_LITERAL);
    if (!node)
        return -ENOMEM;
    node->rune = rune;
    return 0;
}

/* --- groups --- */

static int add_group_name(struct regex_parser *parser, struct text name)
{
    struct regex_tree *tree = parser->tree;
    if (tree->group_count == parser->name_capacity) {
        size_t capacity = parser->name_capacity ? parser->name_capacity * 2 : 8;
        void *names = realloc(tree->names, capacity * sizeof(*tree->names));
        if (!names)
            return -ENOMEM;
        tree->names = names;
        parser->name_capacity = capacity;
    }
    tree->names[tree->group_count++] = name;
    return 0;
}

int regex_open_group(struct regex_parser *parser, size_t offset, unsigned capture)
{
    if (parser->depth == ARRAY_SIZE(parser->open))
        return regex_source_fail(&parser->source, offset, "more than %d groups in one another",
                                 REGEX_MAX_DEPTH);
    struct regex_node *concat = make_node(parser->tree, REGEX_CONCAT);
    if (!concat)
        return -ENOMEM;
    parser->open[parser->depth++] = (struct regex_open_group){
        .offset = offset,
        .flags = parser->flags,
        .capture = capture,
        .concat = concat,
        .repeats = 1,
    };
    return 0;
}

int regex_open_capture(struct regex_parser *parser, size_t offset, struct text name)
{
    int error = add_group_name(parser, name);
    return error ? error
                 : regex_open_group(parser, offset, (unsigned)parser->tree->group_count - 1);
}

static void finish_concat(struct regex_node *concat)
{
    concat->nullable = true;
    for (const struct regex_node *child = concat->first; child; child = child->next)
        concat->nullable &= child->nullable;
}

/* At a | and at the end of the group. */
static int finish_alternative(struct regex_parser *parser)
{
    struct regex_open_group *group = regex_innermost(parser);

    finish_concat(group->concat);
    if (!group->alternate)
        group->alternate = make_node(parser->tree, REGEX_ALTERNATE);
    if (!group->alternate)
        return -ENOMEM;
    add_child(group->alternate, group->concat);
    group->alternate->nullable |= group->concat->nullable;
    return 0;
}

int regex_next_alternative(struct regex_parser *parser)
{
    int error = finish_alternative(parser);
    struct regex_node *concat = make_node(parser->tree, REGEX_CONCAT);
    regex_innermost(parser)->concat = concat;
    return error || concat ? error : -ENOMEM;
}

int regex_close_group(struct regex_parser *parser, struct regex_node **out)
{
    int error = finish_alternative(parser);
    if (error)
        return error;
    const struct regex_open_group *group = regex_innermost(parser);
    struct regex_node *body = group->alternate;
    if (group->capture) {
        struct regex_node *capture = make_node(parser->tree, REGEX_CAPTURE);
        if (!capture)
            return -ENOMEM;
        capture->group = group->capture;
        capture->nullable = body->nullable;
        add_child(capture, body);
        body = capture;
    }
    parser->flags = group->flags;
    parser->depth--;
    *out = body;
    return 0;
}

int regex_close_inner_group(struct regex_parser *parser)
{
    unsigned repeats = regex_innermost(parser)->repeats;
    struct regex_node *body;

    int error = regex_close_group(parser, &body);
    if (error)
        return error;
    add_child(regex_innermost(parser)->concat, body);
    regex_note_repeats(parser, repeats);
    return 0;
}

/* --- repetition --- */

int regex_repeat_last(struct regex_parser *parser, int least, int most, bool lazy)
{
    struct regex_node *concat = regex_innermost(parser)->concat, *body = concat->last;
    struct regex_node *node = make_node(parser->tree, REGEX_REPEAT);
    if (!node)
        return -ENOMEM;
    node->repeat.least = least;
    node->repeat.most = most;
    node->repeat.lazy = lazy;
    node->nullable = least == 0 || body->nullable;
    parser->tree->rounds_differ |= most < 0 && body->nullable;
    remove_last_child(concat);
    add_child(node, body);
    add_child(concat, node);
    return 0;
}
