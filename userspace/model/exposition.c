/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of classic text: one line is one entry. Tokens and their order are those of
 * Prometheus' own text parser, leniencies included. OpenMetrics is openmetrics.c. */
#include "model/exposition.h"

#include <errno.h>

#include "base/cleanup.h"
#include "model/exposition_lex.h"
#include "model/utf8.h"

/* A label's name, or a quoted metric name (then *is_metric). */
static int parse_label_name(struct exposition_parser *parser, const char **cursor,
                            struct text *name, bool *is_metric)
{
    const char *at = *cursor, *end = parser->end;

    *is_metric = false;
    if (lex_is(at, end, LEX_LABEL_START)) {
        const char *start = at;
        at = lex_skip(at, end, LEX_LABEL_PART);
        *name = lex_between(start, at);
        *cursor = lex_skip(at, end, LEX_BLANK);
        return 0;
    }
    if (at == end || *at != '"')
        return lex_fail_expected(parser, at, "label name");
    int error = lex_quoted_utf8(parser, &at, "name", false, name);
    if (error)
        return error;
    at = lex_skip(at, end, LEX_BLANK);
    *is_metric = at < end && (*at == ',' || *at == '}');
    if (!name->length)
        return lex_fail(parser, at, "empty %s name", *is_metric ? "metric" : "label");
    *cursor = at;
    return 0;
}

static int parse_label_value(struct exposition_parser *parser, const char **cursor,
                             struct text *value)
{
    const char *at = *cursor, *end = parser->end;

    if (at == end || *at != '=')
        return lex_fail_expected(parser, at, "equal");
    at = lex_skip(at + 1, end, LEX_BLANK);
    if (at == end || *at != '"')
        return lex_fail_expected(parser, at, "label value");
    *cursor = at;
    return lex_quoted_utf8(parser, cursor, "label value", true, value);
}

/* What is between the braces; *cursor is behind the opening one and goes behind the closing one.
 * Commas between labels may be missing and one may trail; a comma alone may not. */
static int parse_labels(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *at = lex_skip(*cursor, parser->end, LEX_BLANK), *end = parser->end;

    while (at == end || *at != '}') {
        struct label label;
        bool is_metric;
        int error = parse_label_name(parser, &at, &label.name, &is_metric);
        if (error)
            return error;
        if (is_metric) {
            if (entry->name.bytes)
                return lex_fail(parser, at, "metric name already set");
            entry->name = label.name;
        } else {
            error = parse_label_value(parser, &at, &label.value);
            if (error)
                return error;
            if (entry->label_count == EXPOSITION_MAX_LABELS)
                return lex_fail(parser, at, "more than %d labels", EXPOSITION_MAX_LABELS);
            entry->labels[entry->label_count++] = label;
            at = lex_skip(at, end, LEX_BLANK);
        }
        if (at < end && *at == ',')
            at = lex_skip(at + 1, end, LEX_BLANK);
    }
    *cursor = at + 1;
    return 0;
}

static int parse_timestamp(struct exposition_parser *parser, const char **cursor,
                           struct exposition_entry *entry)
{
    const char *start = *cursor, *at = lex_skip(start, parser->end, LEX_DIGIT);
    int64_t timestamp = 0;

    for (const char *digit = start; digit < at; digit++)
        if (__builtin_mul_overflow(timestamp, 10, &timestamp) ||
            __builtin_add_overflow(timestamp, *digit - '0', &timestamp))
            return lex_fail(parser, at, "timestamp out of range");
    entry->has_timestamp = true;
    entry->timestamp_ms = timestamp;
    *cursor = at;
    return 0;
}

/* A value that lex_number does not know, or none. */
static int parse_value_token(struct exposition_parser *parser, const char **cursor, double *out)
{
    const char *start = *cursor, *at = start;

    while (at < parser->end && !(lex_classes[(uint8_t)*at] & LEX_VALUE_END))
        at++;
    if (at == start)
        return lex_fail_expected(parser, at, "value after metric");
    *cursor = at;
    int error = exposition_parse_float(lex_between(start, at), out);
    return error ? lex_fail_number(parser, lex_between(start, at), error) : 0;
}

/* The value, a timestamp or none, and the end of the line, which stays at *cursor. */
static int parse_value(struct exposition_parser *parser, const char **cursor,
                       struct exposition_entry *entry)
{
    const char *end = parser->end, *at = lex_skip(*cursor, end, LEX_BLANK);
    const char *behind = lex_number(at, end, &entry->value);

    if (behind && (behind == end || lex_classes[(uint8_t)*behind] & LEX_VALUE_END)) {
        at = behind;
    } else {
        int error = parse_value_token(parser, &at, &entry->value);
        if (error)
            return error;
    }
    at = lex_skip(at, end, LEX_BLANK);
    if (at < end && *at != '\n') {
        if (!lex_is(at, end, LEX_DIGIT))
            return lex_fail_expected(parser, at, "timestamp or new record");
        int error = parse_timestamp(parser, &at, entry);
        if (error)
            return error;
        at = lex_skip(at, end, LEX_BLANK);
        if (at < end && *at != '\n')
            return lex_fail_expected(parser, at, "next entry after timestamp");
    }
    *cursor = at;
    return 0;
}

/* Where the line starts with the expected series, where that ends. A name alone may not go on, nor
 * have its braces behind blanks; a text that ends with its brace cannot be read in another way. */
static const char *match_expected(const struct exposition_parser *parser, const char *at)
{
    at = lex_match_expected(parser, at);
    if (!at || at[-1] == '}')
        return at;
    const char *behind = lex_skip(at, parser->end, LEX_BLANK);
    return behind > at && behind < parser->end && *behind != '{' ? at : NULL;
}

static int parse_series(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *start = *cursor, *end = parser->end;
    const char *at = lex_skip(start, end, LEX_METRIC_PART);

    entry->name = at > start ? lex_between(start, at) : (struct text){NULL, 0};
    entry->series = entry->name;
    const char *brace = lex_skip(at, end, LEX_BLANK);
    if (brace < end && *brace == '{') {
        at = brace + 1;
        int error = parse_labels(parser, &at, entry);
        if (error)
            return error;
        entry->series = lex_between(start, at);
    }
    if (!entry->name.bytes)
        return lex_fail(parser, at, "metric name not set");
    *cursor = at;
    return 0;
}

static int parse_sample(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *behind = match_expected(parser, *cursor);
    int error = 0;

    lex_begin_sample(entry, behind != NULL);
    if (behind) {
        entry->name = (struct text){NULL, 0};
        entry->series = lex_between(*cursor, behind);
        *cursor = behind;
    } else {
        error = parse_series(parser, cursor, entry);
    }
    return error ? error : parse_value(parser, cursor, entry);
}

static const char *find_line_end(const struct exposition_parser *parser, const char *at)
{
    const char *newline = memchr(at, '\n', (size_t)(parser->end - at));
    return newline ? newline : parser->end;
}

static int parse_type(struct exposition_parser *parser, const char *line_end,
                      struct exposition_entry *entry)
{
    static const struct {
        struct text word;
        enum metadata_type type;
    } types[] = {
        {{"counter", 7}, METADATA_COUNTER},     {{"gauge", 5}, METADATA_GAUGE},
        {{"histogram", 9}, METADATA_HISTOGRAM}, {{"summary", 7}, METADATA_SUMMARY},
        {{"untyped", 7}, METADATA_UNKNOWN},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (text_equal(entry->value_text, types[i].word)) {
            entry->type = types[i].type;
            return 0;
        }
    }
    return lex_fail_text(parser, line_end, "invalid metric type", entry->value_text);
}

/* Behind `# TYPE ` or `# HELP `. What follows the name starts one byte behind it, whatever that is.
 */
static int parse_metadata(struct exposition_parser *parser, const char **cursor,
                          struct exposition_entry *entry)
{
    int error = lex_family_name(parser, cursor, "metric name after TYPE or HELP", &entry->name);
    if (error)
        return error;
    entry->series = entry->name;

    const char *at = *cursor, *line_end = find_line_end(parser, at);
    if (lex_skip(at, line_end, LEX_BLANK) == line_end)
        at = line_end;
    entry->value_text = lex_between(at < line_end ? at + 1 : at, line_end);
    *cursor = line_end;
    if (entry->kind == EXPOSITION_TYPE)
        return parse_type(parser, line_end, entry);
    return utf8_is_valid(entry->value_text)
               ? 0
               : lex_fail(parser, line_end, "help text is not valid UTF-8");
}

/* A line that starts with #: 1 where it is TYPE or HELP, 0 for any other comment. */
static int parse_comment(struct exposition_parser *parser, const char **cursor,
                         struct exposition_entry *entry)
{
    const char *line_end = find_line_end(parser, *cursor);
    const char *word = lex_skip(*cursor + 1, line_end, LEX_BLANK);
    bool spaced = word > *cursor + 1;

    *cursor = line_end;
    if (!spaced || line_end - word < 5 || !lex_is(word + 4, line_end, LEX_BLANK))
        return 0;
    if (!memcmp(word, "TYPE", 4))
        entry->kind = EXPOSITION_TYPE;
    else if (!memcmp(word, "HELP", 4))
        entry->kind = EXPOSITION_HELP;
    else
        return 0;
    *cursor = lex_skip(word + 4, line_end, LEX_BLANK);
    int error = parse_metadata(parser, cursor, entry);
    return error ? error : 1;
}

void exposition_begin(struct exposition_parser *parser, enum exposition_format format,
                      struct text page)
{
    parser->format = format;
    parser->next = page.bytes;
    parser->end = page.bytes + page.length;
    parser->start = page.bytes;
    parser->expected = (struct text){NULL, 0};
    parser->line = 0;
    parser->ended = false;
    parser->unfinished = false;
    parser->error[0] = '\0';
}

static int text_next(struct exposition_parser *parser, struct exposition_entry *entry)
{
    const char *at = lex_skip(parser->next, parser->end, LEX_BLANK);
    int result = 0;

    parser->start = at;
    parser->line++;
    if (lex_is(at, parser->end, LEX_METRIC_START) || (at < parser->end && *at == '{')) {
        result = parse_sample(parser, &at, entry);
        if (!result)
            result = 1;
    } else if (at < parser->end && *at == '#') {
        result = parse_comment(parser, &at, entry);
    } else if (at < parser->end && *at != '\n') {
        result = lex_fail_expected(parser, at, "a metric name, { or #");
    }
    if (result >= 0)
        parser->next = at < parser->end ? at + 1 : at;
    return result;
}

int exposition_next(struct exposition_parser *parser, struct exposition_entry *entry)
{
    int result = 0;

    while (parser->next < parser->end && !result)
        result = parser->format == EXPOSITION_TEXT ? text_next(parser, entry)
                                                   : openmetrics_next(parser, entry);
    parser->expected.length = 0;
    return result;
}
