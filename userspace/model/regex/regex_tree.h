/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern taken apart, for the regex_*.c files alone. Made of it are PCRE2's pattern
 * (regex_emit.c) and our own program (regex_program.c). */
#ifndef EDGEMETER_MODEL_REGEX_TREE_H
#define EDGEMETER_MODEL_REGEX_TREE_H

#include "model/regex/regex.h"

enum regex_kind {
    REGEX_LITERAL,   /* one character that is `rune`, and no surrogate */
    REGEX_CLASS,     /* one character: of `set`, or under `fold` of a literal's other cases too */
    REGEX_ASSERTION, /* no character */
    REGEX_CAPTURE,
    REGEX_REPEAT,
    REGEX_CONCAT,
    REGEX_ALTERNATE,
};

enum regex_assertion {
    REGEX_TEXT_BEGIN,
    REGEX_TEXT_END,
    REGEX_LINE_BEGIN,
    REGEX_LINE_END,
    REGEX_WORD_EDGE,
    REGEX_NO_WORD_EDGE,
};

struct regex_node {
    enum regex_kind kind;
    bool nullable; /* can match the empty text */
    unsigned height;
    struct regex_node *first, *last, *next, *previous; /* children, siblings */
    union {
        uint32_t rune;
        struct {
            size_t text, length; /* as PCRE2 has it, in the tree's `classes` */
            bool fold;
        } set;
        enum regex_assertion assertion;
        unsigned group;
        struct {
            int least, most; /* most -1: no bound */
            bool lazy;
        } repeat;
    };
    struct regex_node *made_before;
};

struct regex_tree {
    struct regex_node *root;
    struct regex_node *last_made; /* all are freed along made_before */
    struct buffer classes;
    struct text *names; /* of the groups, views of the pattern; empty for those without */
    size_t group_count; /* the whole pattern, group 0, among them */
    /* There is a repetition without bound of what can be empty. PCRE2 goes round there once more
     * than RE2, for the empty text, so that groups can differ; whether the text matches does not.
     */
    bool rounds_differ;
};

/* 0, -ENOMEM, or -EINVAL with the first fault. On failure too it is to be freed. The pattern
 * outlives the tree. */
int regex_parse(struct text pattern, struct regex_tree *tree, struct regex_error *error);
void regex_tree_free(struct regex_tree *tree);

/* Appends the whole pattern, anchored; failures are remembered in the buffer. */
void regex_emit(const struct regex_tree *tree, struct buffer *out);
/* A single LITERAL or CLASS. */
void regex_emit_character(const struct regex_tree *tree, const struct regex_node *node,
                          struct buffer *out);

#endif
