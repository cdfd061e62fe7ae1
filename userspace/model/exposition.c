/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition parser: one line is one entry. Tokens and their order are those of Prometheus' own
 * text parser, leniencies included. Numbers are in exposition_float.c. */
#include "model/exposition.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/utf8.h"

enum {
    BLANK = 1,
    LABEL_START = 2,  /* [a-zA-Z_] */
    LABEL_PART = 4,   /* [a-zA-Z0-9_] */
    METRIC_START = 8, /* [a-zA-Z_:] */
    METRIC_PART = 16, /* [a-zA-Z0-9_:] */
    VALUE_END = 32,   /* [{ \t\n] */
    DIGIT = 64,
};

#define LETTER (LABEL_START | LABEL_PART | METRIC_START | METRIC_PART)
static const uint8_t classes[256] = {
    ['a' ... 'z'] = LETTER,
    ['A' ... 'Z'] = LETTER,
    ['_'] = LETTER,
    [':'] = METRIC_START | METRIC_PART,
    ['0' ... '9'] = DIGIT | LABEL_PART | METRIC_PART,
    [' '] = BLANK | VALUE_END,
    ['\t'] = BLANK | VALUE_END,
    ['\n'] = VALUE_END,
    ['{'] = VALUE_END,
};

static inline bool is(const char *at, const char *end, uint8_t class)
{
    return at < end && (classes[(uint8_t)*at] & class);
}

/* Four bytes a turn: names are most of a page. */
static inline const char *skip(const char *at, const char *end, uint8_t class)
{
    for (; end - at >= 4; at += 4) {
        if (!(classes[(uint8_t)at[0]] & class))
            return at;
        if (!(classes[(uint8_t)at[1]] & class))
            return at + 1;
        if (!(classes[(uint8_t)at[2]] & class))
            return at + 2;
        if (!(classes[(uint8_t)at[3]] & class))
            return at + 3;
    }
    while (is(at, end, class))
        at++;
    return at;
}

static inline struct text between(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

/* The text as a quoted string that fits `room`; of a longer text its end, which is where errors
 * are. */
static void write_quoted(struct text text, char *out, size_t room)
{
    static const char escapes[] = "\"\"\\\\\nn\rr\tt";
    size_t kept = text.length, length = 0, needed = 0;

    for (; kept; kept--) { /* how much of the end fits, at most 4 bytes each */
        uint8_t c = (uint8_t)text.bytes[kept - 1];
        needed += c < ' ' || c >= 0x7f ? 4 : c == '"' || c == '\\' ? 2 : 1;
        if (needed + sizeof("...\"\"") > room)
            break;
    }
    if (kept)
        length += (size_t)sprintf(out, "...");
    out[length++] = '"';
    for (size_t i = kept; i < text.length; i++) {
        char c = text.bytes[i];
        const char *escape = c ? strchr(escapes, c) : NULL;
        if (escape && (escape - escapes) % 2 == 0)
            length += (size_t)sprintf(out + length, "\\%c", escape[1]);
        else if (c < ' ' || c == 0x7f)
            length += (size_t)sprintf(out + length, "\\x%02x", (uint8_t)c);
        else
            out[length++] = c;
    }
    out[length++] = '"';
    out[length] = '\0';
}

/* `at` is behind what was read. */
__attribute__((format(printf, 3, 4))) static int fail(struct exposition_parser *parser,
                                                      const char *at, const char *format, ...)
{
    char read[72], what[72];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    write_quoted(between(parser->start, at), read, sizeof(read));
    snprintf(parser->error, sizeof(parser->error), "%s while parsing: %s", what, read);
    return -EINVAL;
}

static int fail_expected(struct exposition_parser *parser, const char *at, const char *expected)
{
    char got[16] = "the end";

    if (at < parser->end)
        write_quoted(between(at, at + 1), got, sizeof(got));
    return fail(parser, at < parser->end && *at != '\n' ? at + 1 : at, "expected %s, got %s",
                expected, got);
}

static int fail_value(struct exposition_parser *parser, struct text value, int error)
{
    const char *end = value.bytes + value.length;
    char quoted[40];

    for (size_t i = 0; i < value.length; i++)
        if (strchr("pP_", value.bytes[i]) && value.bytes[i])
            return fail(parser, end, "unsupported character in float");
    write_quoted(value, quoted, sizeof(quoted));
    return fail(parser, end, "value %s: %s", quoted,
                error == -ERANGE ? "value out of range" : "invalid syntax");
}

/* `at` is behind an opening quote; gives the closing one. An escaped quote follows an odd number of
 * backslashes. */
static const char *find_closing_quote(const char *at, const char *end)
{
    const char *quote = at;

    while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
        const char *before = quote;
        while (before > at && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            return quote;
        quote++;
    }
    return NULL;
}

/* A quoted string, its opening quote at *cursor; *cursor goes behind the closing one. Like
 * Prometheus', it may span lines. */
static int parse_quoted(struct exposition_parser *parser, const char **cursor, const char *what,
                        struct text *out)
{
    const char *start = *cursor + 1;
    const char *quote = find_closing_quote(start, parser->end);

    if (!quote) {
        parser->unfinished = true;
        const char *newline = memchr(start, '\n', (size_t)(parser->end - start));
        return fail(parser, newline ? newline : parser->end, "%s without its closing quote", what);
    }
    *out = between(start, quote);
    if (!utf8_is_valid(*out)) {
        char quoted[40];
        write_quoted(*out, quoted, sizeof(quoted));
        return fail(parser, quote + 1, "invalid UTF-8 %s: %s", what, quoted);
    }
    for (const char *at = start; (at = memchr(at, '\n', (size_t)(quote - at))); at++)
        parser->line++;
    *cursor = quote + 1;
    return 0;
}

/* A label's name, or a quoted metric name (then *is_metric). */
static int parse_label_name(struct exposition_parser *parser, const char **cursor,
                            struct text *name, bool *is_metric)
{
    const char *at = *cursor, *end = parser->end;

    *is_metric = false;
    if (is(at, end, LABEL_START)) {
        const char *start = at;
        at = skip(at, end, LABEL_PART);
        *name = between(start, at);
        *cursor = skip(at, end, BLANK);
        return 0;
    }
    if (at == end || *at != '"')
        return fail_expected(parser, at, "label name");
    int error = parse_quoted(parser, &at, "name", name);
    if (error)
        return error;
    at = skip(at, end, BLANK);
    *is_metric = at < end && (*at == ',' || *at == '}');
    if (!name->length)
        return fail(parser, at, "empty %s name", *is_metric ? "metric" : "label");
    *cursor = at;
    return 0;
}

static int parse_label_value(struct exposition_parser *parser, const char **cursor,
                             struct text *value)
{
    const char *at = *cursor, *end = parser->end;

    if (at == end || *at != '=')
        return fail_expected(parser, at, "equal");
    at = skip(at + 1, end, BLANK);
    if (at == end || *at != '"')
        return fail_expected(parser, at, "label value");
    *cursor = at;
    return parse_quoted(parser, cursor, "label value", value);
}

/* What is between the braces; *cursor is behind the opening one and goes behind the closing one.
 * Commas between labels may be missing and one may trail; a comma alone may not. */
static int parse_labels(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *at = skip(*cursor, parser->end, BLANK), *end = parser->end;

    while (at == end || *at != '}') {
        struct label label;
        bool is_metric;
        int error = parse_label_name(parser, &at, &label.name, &is_metric);
        if (error)
            return error;
        if (is_metric) {
            if (entry->name.bytes)
                return fail(parser, at, "metric name already set");
            entry->name = label.name;
        } else {
            error = parse_label_value(parser, &at, &label.value);
            if (error)
                return error;
            if (entry->label_count == EXPOSITION_MAX_LABELS)
                return fail(parser, at, "more than %d labels", EXPOSITION_MAX_LABELS);
            entry->labels[entry->label_count++] = label;
            at = skip(at, end, BLANK);
        }
        if (at < end && *at == ',')
            at = skip(at + 1, end, BLANK);
    }
    *cursor = at + 1;
    return 0;
}

static int parse_timestamp(struct exposition_parser *parser, const char **cursor,
                           struct exposition_entry *entry)
{
    const char *start = *cursor, *at = skip(start, parser->end, DIGIT);
    int64_t timestamp = 0;

    for (const char *digit = start; digit < at; digit++)
        if (__builtin_mul_overflow(timestamp, 10, &timestamp) ||
            __builtin_add_overflow(timestamp, *digit - '0', &timestamp))
            return fail(parser, at, "timestamp out of range");
    entry->has_timestamp = true;
    entry->timestamp_ms = timestamp;
    *cursor = at;
    return 0;
}

/* The value, a timestamp or none, and the end of the line, which stays at *cursor. */
static int parse_value(struct exposition_parser *parser, const char **cursor,
                       struct exposition_entry *entry)
{
    const char *at = skip(*cursor, parser->end, BLANK), *end = parser->end;
    const char *start = at;

    while (at < end && !(classes[(uint8_t)*at] & VALUE_END))
        at++;
    if (at == start)
        return fail_expected(parser, at, "value after metric");
    int error = exposition_parse_float(between(start, at), &entry->value);
    if (error)
        return fail_value(parser, between(start, at), error);

    at = skip(at, end, BLANK);
    if (at < end && *at != '\n') {
        if (!is(at, end, DIGIT))
            return fail_expected(parser, at, "timestamp or new record");
        error = parse_timestamp(parser, &at, entry);
        if (error)
            return error;
        at = skip(at, end, BLANK);
        if (at < end && *at != '\n')
            return fail_expected(parser, at, "next entry after timestamp");
    }
    *cursor = at;
    return 0;
}

/* Where the line starts with the expected series, where that ends. A name alone may not go on, nor
 * have its braces behind blanks; a text that ends with its brace cannot be read in another way. */
static const char *match_expected(const struct exposition_parser *parser, const char *at)
{
    struct text expected = parser->expected;

    if (!expected.length || (size_t)(parser->end - at) <= expected.length ||
        memcmp(at, expected.bytes, expected.length))
        return NULL;
    at += expected.length;
    if (at[-1] == '}')
        return at;
    const char *behind = skip(at, parser->end, BLANK);
    return behind > at && behind < parser->end && *behind != '{' ? at : NULL;
}

static int parse_sample(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *start = *cursor, *end = parser->end;
    const char *at = match_expected(parser, start);

    entry->kind = EXPOSITION_SAMPLE;
    entry->label_count = 0;
    entry->has_timestamp = false;
    if (at) {
        entry->name = (struct text){NULL, 0};
        entry->series = between(start, at);
        *cursor = at;
        return parse_value(parser, cursor, entry);
    }
    at = skip(start, end, METRIC_PART);
    entry->name = at > start ? between(start, at) : (struct text){NULL, 0};
    entry->series = entry->name;

    const char *brace = skip(at, end, BLANK);
    if (brace < end && *brace == '{') {
        at = brace + 1;
        int error = parse_labels(parser, &at, entry);
        if (error)
            return error;
        entry->series = between(start, at);
    }
    if (!entry->name.bytes)
        return fail(parser, at, "metric name not set");
    *cursor = at;
    return parse_value(parser, cursor, entry);
}

/* Behind `# TYPE ` or `# HELP `. What follows the name starts one byte behind it, whatever that is.
 */
static int parse_metadata(struct exposition_parser *parser, const char *at, const char *line_end,
                          struct exposition_entry *entry)
{
    static const struct text types[] = {
        {"counter", 7}, {"gauge", 5}, {"histogram", 9}, {"summary", 7}, {"untyped", 7}};
    const char *start = at;

    if (at < line_end && *at == '"') {
        const char *quote = find_closing_quote(at + 1, line_end);
        if (!quote)
            return fail(parser, line_end, "metric name without its closing quote");
        entry->name = between(at + 1, quote);
        at = quote + 1;
    } else {
        at = is(at, line_end, METRIC_START) ? skip(at, line_end, METRIC_PART) : at;
        entry->name = between(start, at);
    }
    if (at == start)
        return fail_expected(parser, at, "metric name after TYPE or HELP");
    entry->series = entry->name;

    if (skip(at, line_end, BLANK) == line_end)
        at = line_end;
    entry->value_text = between(at < line_end ? at + 1 : at, line_end);
    if (entry->kind == EXPOSITION_HELP)
        return utf8_is_valid(entry->value_text)
                   ? 0
                   : fail(parser, line_end, "help text is not valid UTF-8");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (text_equal(entry->value_text, types[i]))
            return 0;
    char quoted[40];
    write_quoted(entry->value_text, quoted, sizeof(quoted));
    return fail(parser, line_end, "invalid metric type %s", quoted);
}

/* A line that starts with #: 1 where it is TYPE or HELP, 0 for any other comment. */
static int parse_comment(struct exposition_parser *parser, const char **cursor,
                         struct exposition_entry *entry)
{
    const char *line_end = memchr(*cursor, '\n', (size_t)(parser->end - *cursor));
    if (!line_end)
        line_end = parser->end;
    const char *word = skip(*cursor + 1, line_end, BLANK);
    bool spaced = word > *cursor + 1;

    *cursor = line_end;
    if (!spaced || line_end - word < 5 || !is(word + 4, line_end, BLANK))
        return 0;
    if (!memcmp(word, "TYPE", 4))
        entry->kind = EXPOSITION_TYPE;
    else if (!memcmp(word, "HELP", 4))
        entry->kind = EXPOSITION_HELP;
    else
        return 0;
    int error = parse_metadata(parser, skip(word + 4, line_end, BLANK), line_end, entry);
    return error ? error : 1;
}

void exposition_begin(struct exposition_parser *parser, struct text page)
{
    parser->next = page.bytes;
    parser->end = page.bytes + page.length;
    parser->start = page.bytes;
    parser->expected = (struct text){NULL, 0};
    parser->line = 0;
    parser->unfinished = false;
    parser->error[0] = '\0';
}

int exposition_next(struct exposition_parser *parser, struct exposition_entry *entry)
{
    while (parser->next < parser->end) {
        const char *at = skip(parser->next, parser->end, BLANK);
        int result = 0;

        parser->start = at;
        parser->line++;
        if (is(at, parser->end, METRIC_START) || (at < parser->end && *at == '{')) {
            result = parse_sample(parser, &at, entry);
            if (!result)
                result = 1;
        } else if (at < parser->end && *at == '#') {
            result = parse_comment(parser, &at, entry);
        } else if (at < parser->end && *at != '\n') {
            result = fail_expected(parser, at, "a metric name, { or #");
        }
        if (result < 0)
            return result;
        parser->next = at < parser->end ? at + 1 : at;
        if (result) {
            parser->expected.length = 0;
            return result;
        }
    }
    return 0;
}

int exposition_unescape(struct text raw, struct buffer *out)
{
    const char *at = raw.bytes, *end = raw.bytes + raw.length;

    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        const char *stop = backslash ? backslash : end;
        int error = buffer_append(out, at, (size_t)(stop - at));
        if (error || !backslash)
            return error;
        char escape = backslash + 1 < end ? backslash[1] : '\0';
        bool known = escape == '\\' || escape == '"' || escape == 'n';
        error = buffer_append_char(out, known ? (escape == 'n' ? '\n' : escape) : '\\');
        if (error)
            return error;
        at = backslash + (known ? 2 : 1);
    }
    return 0;
}
