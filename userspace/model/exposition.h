/* SPDX-License-Identifier: Apache-2.0 */
/* Exposition text, the classic format (0.0.4 and 1.0.0) and OpenMetrics 1.0: a pure pull parser
 * over whole lines. No I/O, no allocation, in place. Accepts what Prometheus' own parsers accept
 * and refuses what they refuse: of classic text blank lines, any spaces and tabs between tokens, a
 * trailing comma, unknown comments, quoted UTF-8 names and a missing final newline are fine, \r
 * before \n, hex floats, 1_000 and 1e400 are not; OpenMetrics allows one space where there must be
 * one, and nothing behind `# EOF`. The protobuf format is proto_exposition.h. */
#ifndef EDGEMETER_MODEL_EXPOSITION_H
#define EDGEMETER_MODEL_EXPOSITION_H

#include "model/sample.h"

#define EXPOSITION_MAX_LABELS \
    128 /* of one line, and of one exemplar; more is an error of that line */

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum exposition_kind {
    EXPOSITION_SAMPLE,
    EXPOSITION_EXEMPLAR, /* one more exemplar of the sample before (the protobuf format) */
    EXPOSITION_TYPE,
    EXPOSITION_HELP,
    EXPOSITION_UNIT,
};

struct exposition_exemplar {
    bool verbatim; /* no escapes in names and values */
    size_t label_count;
    struct label
        labels[EXPOSITION_MAX_LABELS]; /* without quotes; escapes not resolved, unless verbatim */
    double value;
    bool has_timestamp;
    int64_t timestamp_ms;
};

struct exposition_entry {
    enum exposition_kind kind;
    bool is_expected;        /* see exposition_expect */
    bool verbatim;           /* no escapes in names and values (the protobuf format) */
    struct text series;      /* the raw text that names the series, `{...}` included */
    struct text name;        /* metric name; raw, escapes not resolved */
    struct text value_text;  /* HELP and UNIT: the text, escapes not resolved */
    enum metadata_type type; /* TYPE */
    size_t label_count;
    struct label labels[EXPOSITION_MAX_LABELS]; /* without quotes; escapes not resolved */
    double value;
    bool has_timestamp;
    int64_t timestamp_ms;
    bool has_exemplar;
    struct exposition_exemplar exemplar;
    struct histogram *histogram; /* in place of the value; NULL in text */
    int64_t created_ms;          /* when the count began; 0: not known, and always in text */
};

struct exposition_parser {
    enum exposition_format format;
    const char *next;
    const char *end;
    struct text expected; /* see exposition_expect */
    const char *start;    /* of the line last read: where an error lies */
    unsigned line;        /* of the entry last given, from 1 */
    bool ended;           /* OpenMetrics: `# EOF` was read; nothing may follow */
    bool unfinished;      /* the error is a quote still open at the end: more bytes may close it */
    char error[160];      /* what was wrong, after -EINVAL */
};

void exposition_begin(struct exposition_parser *parser, enum exposition_format format,
                      struct text page);
/* 1: an entry; 0: the end; -EINVAL: `error` and `line` say what and where. That an OpenMetrics page
 * has its `# EOF` is for whoever knows that no further lines come to check: `ended`. */
int exposition_next(struct exposition_parser *parser, struct exposition_entry *entry);

/* The series text of an entry of an earlier page, which the caller expects next. Where the line
 * starts with it, its labels are not read again: the entry `is_expected`, and has no name and no
 * labels. Holds for one call of exposition_next; the bytes must last until then, and hold no
 * newline. */
static inline void exposition_expect(struct exposition_parser *parser, struct text series)
{
    parser->expected = series;
}

/* What follows the series of a sample line, where that is a space, a number and a newline, as in
 * either format nearly always: gives where the next line begins. NULL: exposition_next must read it.
 */
const char *exposition_plain_value(const char *at, const char *end, double *out);

/* A label value with \\, \" and \n resolved, appended to `out`. 0, -ENOMEM or -E2BIG. */
int exposition_unescape(struct text raw, struct buffer *out);
/* A help text; in classic text \" is no escape there. */
int exposition_unescape_help(enum exposition_format format, struct text raw, struct buffer *out);

/* Go's ParseFloat as Prometheus uses it: the same bits as strtod, no hex, no underscore, out of
 * range refused (-ERANGE), every NaN as 0x7ff8000000000001. The whole text must be the number:
 * -EINVAL. */
int exposition_parse_float(struct text text, double *out);
/* The bound of a bucket or a quantile: hex and underscores too, as Go itself has them. */
int exposition_parse_bound(struct text text, double *out);

#endif
