/* SPDX-License-Identifier: Apache-2.0 */
/* From a tree to a PCRE2 pattern of the same meaning. Everything is written out: no flag but (?i),
 * and nothing about whose meaning the two dialects disagree. */
#include "base/cleanup.h"
#include "model/regex/regex_source.h"
#include "model/regex/regex_tree.h"

struct emitter {
    const struct regex_tree *tree;
    struct buffer *out;
    bool folds; /* the output is under (?i) */
};

static const char *const assertions[] = {
    [REGEX_TEXT_BEGIN] = "\\A",      [REGEX_TEXT_END] = "\\z",  [REGEX_LINE_BEGIN] = "(?<![^\\n])",
    [REGEX_LINE_END] = "(?![^\\n])", [REGEX_WORD_EDGE] = "\\b", [REGEX_NO_WORD_EDGE] = "\\B",
};

static void emit(struct emitter *emitter, const struct regex_node *node);

static void emit_group(struct emitter *emitter, const char *opening, const struct regex_node *node)
{
    bool folds = emitter->folds;

    buffer_append_string(emitter->out, opening);
    emit(emitter, node);
    buffer_append_char(emitter->out, ')');
    emitter->folds = folds; /* as PCRE2 ends it */
}

static void set_folding(struct emitter *emitter, bool fold)
{
    if (emitter->folds != fold)
        buffer_append_string(emitter->out, fold ? "(?i)" : "(?-i)");
    emitter->folds = fold;
}

static void emit_class(struct emitter *emitter, const struct regex_node *node)
{
    set_folding(emitter, node->set.fold);
    buffer_append(emitter->out, emitter->tree->classes.bytes + node->set.text, node->set.length);
}

static void emit_repeat(struct emitter *emitter, const struct regex_node *node)
{
    const struct regex_node *body = node->first;
    bool takes_quantifier = body->kind == REGEX_CAPTURE;

    if (body->kind == REGEX_LITERAL || body->kind == REGEX_CLASS) {
        set_folding(emitter, body->kind == REGEX_CLASS && body->set.fold);
        takes_quantifier = true;
    }
    if (takes_quantifier)
        emit(emitter, body);
    else
        emit_group(emitter, "(?:", body);
    if (node->repeat.most >= 0)
        buffer_printf(emitter->out, "{%d,%d}", node->repeat.least, node->repeat.most);
    else
        buffer_printf(emitter->out, "{%d,}", node->repeat.least);
    if (node->repeat.lazy)
        buffer_append_char(emitter->out, '?');
}

static void emit_children(struct emitter *emitter, const struct regex_node *node)
{
    for (const struct regex_node *child = node->first; child; child = child->next) {
        if (child->kind == REGEX_ALTERNATE && child->first->next)
            emit_group(emitter, "(?:", child);
        else
            emit(emitter, child);
    }
}

static void emit_alternatives(struct emitter *emitter, const struct regex_node *node)
{
    for (const struct regex_node *child = node->first; child; child = child->next) {
        if (child != node->first)
            buffer_append_char(emitter->out, '|');
        emit(emitter, child);
    }
}

static void emit(struct emitter *emitter, const struct regex_node *node)
{
    switch (node->kind) {
    case REGEX_LITERAL:
        set_folding(emitter, false);
        regex_write_rune(emitter->out, node->rune);
        break;
    case REGEX_CLASS:
        emit_class(emitter, node);
        break;
    case REGEX_ASSERTION:
        buffer_append_string(emitter->out, assertions[node->assertion]);
        break;
    case REGEX_CAPTURE:
        emit_group(emitter, "(", node->first);
        break;
    case REGEX_REPEAT:
        emit_repeat(emitter, node);
        break;
    case REGEX_CONCAT:
        emit_children(emitter, node);
        break;
    case REGEX_ALTERNATE:
        emit_alternatives(emitter, node);
        break;
    }
}

void regex_emit(const struct regex_tree *tree, struct buffer *out)
{
    struct emitter emitter = {.tree = tree, .out = out};

    emit_group(&emitter, "\\A(?:", tree->root);
    buffer_append_string(out, "\\z");
}

void regex_emit_character(const struct regex_tree *tree, const struct regex_node *node,
                          struct buffer *out)
{
    struct emitter emitter = {.tree = tree, .out = out};

    buffer_append_string(out, "\\A(?:");
    emit(&emitter, node);
    buffer_append_string(out, ")\\z");
}
