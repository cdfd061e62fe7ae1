/* SPDX-License-Identifier: Apache-2.0 */
/* What the two text parsers share. Private to model/exposition*.c and model/openmetrics.c. */
#ifndef EDGEMETER_MODEL_EXPOSITION_LEX_H
#define EDGEMETER_MODEL_EXPOSITION_LEX_H

#include "model/exposition.h"

enum {
    LEX_BLANK = 1,
    LEX_LABEL_START = 2,  /* [a-zA-Z_] */
    LEX_LABEL_PART = 4,   /* [a-zA-Z0-9_] */
    LEX_METRIC_START = 8, /* [a-zA-Z_:] */
    LEX_METRIC_PART = 16, /* [a-zA-Z0-9_:] */
    LEX_VALUE_END = 32,   /* [{ \t\n] */
    LEX_DIGIT = 64,
};

extern const uint8_t lex_classes[256];

static inline bool lex_is(const char *at, const char *end, uint8_t class)
{
    return at < end && (lex_classes[(uint8_t)*at] & class);
}

/* Four bytes a turn: names are most of a page. */
static inline const char *lex_skip(const char *at, const char *end, uint8_t class)
{
    for (; end - at >= 4; at += 4) {
        if (!(lex_classes[(uint8_t)at[0]] & class))
            return at;
        if (!(lex_classes[(uint8_t)at[1]] & class))
            return at + 1;
        if (!(lex_classes[(uint8_t)at[2]] & class))
            return at + 2;
        if (!(lex_classes[(uint8_t)at[3]] & class))
            return at + 3;
    }
    while (lex_is(at, end, class))
        at++;
    return at;
}

static inline struct text lex_between(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

/* A sample of which nothing is known yet. */
static inline void lex_begin_sample(struct exposition_entry *entry, bool is_expected)
{
    entry->kind = EXPOSITION_SAMPLE;
    entry->is_expected = is_expected;
    entry->verbatim = false;
    entry->label_count = 0;
    entry->has_timestamp = false;
    entry->has_exemplar = false;
    entry->histogram = NULL;
    entry->created_ms = 0;
}

/* Errors give -EINVAL. `at` is behind what was read. */
__attribute__((format(printf, 3, 4))) int lex_fail(struct exposition_parser *parser, const char *at,
                                                   const char *format, ...);
int lex_fail_expected(struct exposition_parser *parser, const char *at, const char *expected);
int lex_fail_number(struct exposition_parser *parser, struct text number, int error);
/* `what` with the text behind it, quoted, its end where it is long. */
int lex_fail_text(struct exposition_parser *parser, const char *at, const char *what,
                  struct text text);

/* `at` is behind an opening quote; gives the closing one, or NULL. An escaped quote follows an odd
 * number of backslashes. */
const char *lex_closing_quote(const char *at, const char *end);
/* A quoted string, its opening quote at *cursor; *cursor goes behind the closing one. It may span
 * lines. In a value there may be a NUL, but behind no backslash; in a name there may be none. */
int lex_quoted(struct exposition_parser *parser, const char **cursor, const char *what,
               bool is_value, struct text *out);
int lex_quoted_utf8(struct exposition_parser *parser, const char **cursor, const char *what,
                    bool is_value, struct text *out);
/* What lex_quoted() says of a NUL. */
int lex_refuse_nul(struct exposition_parser *parser, struct text raw, const char *what,
                   bool is_value);
/* Behind `# TYPE ` and the like: a name or a quoted one, whose UTF-8 is not checked. */
int lex_family_name(struct exposition_parser *parser, const char **cursor, const char *what,
                    struct text *out);

/* A number at `at`, as far as it goes: where it ends, with its value, or NULL where
 * exposition_parse_float must look at the whole token (inf, nan, no number at all, out of range).
 */
const char *lex_number(const char *at, const char *end, double *out);

/* openmetrics.c: the entry at parser->next, whose line has not been counted yet. As
 * exposition_next. */
int openmetrics_next(struct exposition_parser *parser, struct exposition_entry *entry);

/* The names of the series of a line that starts with what is expected, or NULL. */
static inline const char *lex_match_expected(const struct exposition_parser *parser, const char *at)
{
    struct text expected = parser->expected;

    if (!expected.length || (size_t)(parser->end - at) <= expected.length ||
        memcmp(at, expected.bytes, expected.length))
        return NULL;
    return at + expected.length;
}

#endif
