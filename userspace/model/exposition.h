/* SPDX-License-Identifier: Apache-2.0 */
/* Exposition text, format 0.0.4: a pure pull parser over whole lines. No I/O, no allocation, in
 * place. Accepts what Prometheus' own parser accepts: blank lines, any spaces and tabs between
 * tokens, a trailing comma, unknown comments, quoted UTF-8 names, a missing final newline; refuses
 * what it refuses (\r before \n, hex floats, 1_000, 1e400). */
#ifndef EDGEMETER_MODEL_EXPOSITION_H
#define EDGEMETER_MODEL_EXPOSITION_H

#include "model/labels.h"

#define EXPOSITION_MAX_LABELS 128 /* of one line; more is an error of that line */

enum exposition_kind { EXPOSITION_SAMPLE, EXPOSITION_TYPE, EXPOSITION_HELP };

struct exposition_entry {
    enum exposition_kind kind;
    struct text series;     /* the raw text that names the series, `{...}` included */
    struct text name;       /* metric name; raw, escapes not resolved */
    struct text value_text; /* TYPE: the type word; HELP: the text, escapes not resolved */
    size_t label_count;
    struct label labels[EXPOSITION_MAX_LABELS]; /* without quotes; escapes not resolved */
    double value;
    bool has_timestamp;
    int64_t timestamp_ms;
};

struct exposition_parser {
    const char *next;
    const char *end;
    struct text expected; /* see exposition_expect */
    const char *start;    /* of the line last read: where an error lies */
    unsigned line;        /* of the entry last given, from 1 */
    bool unfinished;      /* the error is a quote still open at the end: more bytes may close it */
    char error[160];      /* what was wrong, after -EINVAL */
};

void exposition_begin(struct exposition_parser *parser, struct text page);
/* 1: an entry; 0: the end; -EINVAL: `error` and `line` say what and where. */
int exposition_next(struct exposition_parser *parser, struct exposition_entry *entry);

/* The series text of an entry of an earlier page, which the caller expects next. Where the line
 * starts with it, its labels are not read again: the entry has this `series`, no name and no
 * labels. Holds for one call of exposition_next; the bytes must last until then, and hold no
 * newline. */
static inline void exposition_expect(struct exposition_parser *parser, struct text series)
{
    parser->expected = series;
}

/* A label value or help text with \\, \" and \n resolved, appended to `out`. 0, -ENOMEM or
 * -E2BIG. */
int exposition_unescape(struct text raw, struct buffer *out);

/* Go's ParseFloat as Prometheus uses it: the same bits as strtod, no hex, no underscore, out of
 * range refused (-ERANGE), every NaN as 0x7ff8000000000001. The whole text must be the number:
 * -EINVAL. */
int exposition_parse_float(struct text text, double *out);

#endif
