/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern half read, between regex_parse.c, which reads it, and regex_nodes.c, which builds its
 * tree. */
#ifndef EDGEMETER_MODEL_REGEX_PARSER_H
#define EDGEMETER_MODEL_REGEX_PARSER_H

#include "model/regex/regex_source.h"
#include "model/regex/regex_tree.h"

enum regex_flag {
    REGEX_FLAG_FOLD = 1,        /* i */
    REGEX_FLAG_LINES = 2,       /* m: ^ and $ at lines */
    REGEX_FLAG_DOT_NEWLINE = 4, /* s */
    REGEX_FLAG_LAZY = 8,        /* U */
};

/* A group that is not closed yet. */
struct regex_open_group {
    size_t offset;                /* in the pattern */
    unsigned flags;               /* before it */
    unsigned capture;             /* 0: it captures nothing */
    struct regex_node *alternate; /* the alternatives before the present one; NULL: none */
    struct regex_node *concat;    /* the present one */
    unsigned repeats;             /* the largest product of the repetitions within */
};

struct regex_parser {
    struct regex_source source;
    struct regex_tree *tree;
    size_t name_capacity;
    struct regex_open_group open[REGEX_MAX_DEPTH + 1]; /* the first is the whole pattern */
    size_t depth;
    unsigned flags;
    unsigned last_repeats; /* product of the repetitions in the last thing of the concat */
    bool after_repeat;     /* a repetition came right before */
};

static inline struct regex_open_group *regex_innermost(struct regex_parser *parser)
{
    return &parser->open[parser->depth - 1];
}

/* All of these: 0, -ENOMEM or -EINVAL. */
int regex_add_assertion(struct regex_parser *parser, enum regex_assertion assertion);
int regex_add_literal(struct regex_parser *parser, uint32_t rune);
/* What was written to the tree's `classes` behind `start`. */
int regex_add_class(struct regex_parser *parser, size_t start, bool fold);

/* `capture` 0: it captures nothing. */
int regex_open_group(struct regex_parser *parser, size_t offset, unsigned capture);
int regex_open_capture(struct regex_parser *parser, size_t offset, struct text name);
int regex_next_alternative(struct regex_parser *parser);
/* Gives what is in it. */
int regex_close_group(struct regex_parser *parser, struct regex_node **out);
/* The same, and adds it to the group around it. */
int regex_close_inner_group(struct regex_parser *parser);
/* Puts the last thing of the innermost group, of which there is one, under a repetition. */
int regex_repeat_last(struct regex_parser *parser, int least, int most, bool lazy);
void regex_note_repeats(struct regex_parser *parser, unsigned repeats);

#endif
