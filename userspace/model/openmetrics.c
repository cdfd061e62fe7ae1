/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of OpenMetrics 1.0 text: every line is an entry, its tokens one space apart. Verdicts
 * are Prometheus'. Which lines belong to one family is not looked at, as there. */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "model/exposition_lex.h"
#include "model/utf8.h"

#define EOF_LINE "# EOF"

/* What may stand between braces: a sample's labels and perhaps its name, or an exemplar's labels.
 */
struct label_target {
    struct text *name; /* NULL: an exemplar, which has none */
    struct label *labels;
    size_t *count;
};

/* A quoted string that ends with its line. Its UTF-8 is not checked. */
static int parse_line_quoted(struct exposition_parser *parser, const char **cursor,
                             const char *what, bool may_have_nul, struct text *out)
{
    const char *start = *cursor + 1;
    const char *newline = memchr(start, '\n', (size_t)(parser->end - start));
    const char *line_end = newline ? newline : parser->end;
    const char *quote = lex_closing_quote(start, line_end);

    if (!quote)
        return lex_fail(parser, line_end, "%s without its closing quote", what);
    *out = lex_between(start, quote);
    *cursor = quote + 1;
    return lex_refuse_nul(parser, *out, what, may_have_nul);
}

/* Of an exemplar's names Prometheus checks nothing but that there is no NUL. */
static int parse_name(struct exposition_parser *parser, const char **cursor, bool is_exemplar,
                      struct text *name)
{
    const char *at = *cursor;

    if (lex_is(at, parser->end, LEX_LABEL_START)) {
        *cursor = lex_skip(at, parser->end, LEX_LABEL_PART);
        *name = lex_between(at, *cursor);
        return 0;
    }
    if (at == parser->end || *at != '"')
        return lex_fail_expected(parser, at, "label name");
    if (is_exemplar)
        return parse_line_quoted(parser, cursor, "name", false, name);
    int error = lex_quoted_utf8(parser, cursor, "name", false, name);
    if (!error && !name->length)
        return lex_fail(parser, *cursor, "empty name");
    return error;
}

static int parse_label(struct exposition_parser *parser, const char **cursor,
                       const struct label_target *target)
{
    const char *at = *cursor;
    struct label label;
    bool quoted = at < parser->end && *at == '"';

    int error = parse_name(parser, &at, !target->name, &label.name);
    if (error)
        return error;
    if (quoted && target->name && at < parser->end && (*at == ',' || *at == '}')) {
        if (target->name->bytes)
            return lex_fail(parser, at, "metric name already set");
        *target->name = label.name;
        *cursor = at;
        return 0;
    }
    if (at == parser->end || *at != '=')
        return lex_fail_expected(parser, at, "equal");
    if (++at == parser->end || *at != '"')
        return lex_fail_expected(parser, at, "label value");
    error = parse_line_quoted(parser, &at, "label value", target->name != NULL, &label.value);
    if (error)
        return error;
    if (!utf8_is_valid(label.value))
        return lex_fail_text(parser, at, "invalid UTF-8 label value:", label.value);
    if (*target->count == EXPOSITION_MAX_LABELS)
        return lex_fail(parser, at, "more than %d labels", EXPOSITION_MAX_LABELS);
    target->labels[(*target->count)++] = label;
    *cursor = at;
    return 0;
}

/* *cursor is behind the opening brace and goes behind the closing one. One comma may trail. */
static int parse_braces(struct exposition_parser *parser, const char **cursor,
                        const struct label_target *target)
{
    const char *at = *cursor, *end = parser->end;

    while (at == end || *at != '}') {
        int error = parse_label(parser, &at, target);
        if (error)
            return error;
        if (at < end && *at == ',')
            at++;
        else if (at == end || *at != '}')
            return lex_fail_expected(parser, at, "comma or brace close");
    }
    *cursor = at + 1;
    return 0;
}

/* A space and a number; what is behind it is a space or the end of the line. */
static int parse_number(struct exposition_parser *parser, const char **cursor, const char *what,
                        double *out)
{
    const char *end = parser->end, *start = *cursor + 1, *at;

    if (*cursor == end || **cursor != ' ')
        return lex_fail_expected(parser, *cursor, what);
    at = lex_number(start, end, out);
    if (at && at < end && (*at == ' ' || *at == '\n')) {
        *cursor = at;
        return 0;
    }
    for (at = start; at < end && *at != ' ' && *at != '\n';)
        at++;
    if (at == start)
        return lex_fail_expected(parser, at, what);
    *cursor = at;
    int error = exposition_parse_float(lex_between(start, at), out);
    return error ? lex_fail_number(parser, lex_between(start, at), error) : 0;
}

/* Seconds to milliseconds as Go's int64(seconds * 1000) on amd64: truncated, and where it does not
 * fit, the least integer. */
static int parse_timestamp(struct exposition_parser *parser, const char **cursor, int64_t *out)
{
    double seconds;
    int error = parse_number(parser, cursor, "timestamp", &seconds);

    if (error)
        return error;
    if (!isfinite(seconds))
        return lex_fail(parser, *cursor, "invalid timestamp");
    double milliseconds = seconds * 1000;
    bool fits = milliseconds >= -0x1p63 && milliseconds < 0x1p63;
    *out = fits ? (int64_t)milliseconds : INT64_MIN;
    return 0;
}

static bool at_line_end(const struct exposition_parser *parser, const char *at)
{
    return at < parser->end && *at == '\n';
}

static int fail_end(struct exposition_parser *parser, const char *at, const char *expected)
{
    if (at == parser->end)
        return lex_fail(parser, at, "data does not end with # EOF");
    return lex_fail_expected(parser, at, expected);
}

/* *cursor is behind ` # {`. */
static int parse_exemplar(struct exposition_parser *parser, const char **cursor,
                          struct exposition_exemplar *exemplar)
{
    const struct label_target target = {NULL, exemplar->labels, &exemplar->label_count};

    exemplar->verbatim = false;
    exemplar->label_count = 0;
    exemplar->has_timestamp = false;
    int error = parse_braces(parser, cursor, &target);
    if (!error)
        error = parse_number(parser, cursor, "value after exemplar labels", &exemplar->value);
    if (!error && *cursor < parser->end && **cursor == ' ') {
        error = parse_timestamp(parser, cursor, &exemplar->timestamp_ms);
        exemplar->has_timestamp = true;
    }
    return error;
}

/* Everything behind the series, up to the newline. */
static int parse_line_rest(struct exposition_parser *parser, const char **cursor,
                           struct exposition_entry *entry)
{
    static const char exemplar_mark[] = " # {";
    const size_t mark_length = sizeof(exemplar_mark) - 1;
    int error = parse_number(parser, cursor, "value after metric", &entry->value);

    if (error || at_line_end(parser, *cursor))
        return error;
    for (int fields = 0; *cursor < parser->end && **cursor == ' '; fields++) {
        size_t left = (size_t)(parser->end - *cursor);
        if (left >= mark_length && !memcmp(*cursor, exemplar_mark, mark_length)) {
            *cursor += mark_length;
            entry->has_exemplar = true;
            error = parse_exemplar(parser, cursor, &entry->exemplar);
            break;
        }
        if (fields)
            return lex_fail_expected(parser, *cursor, "next entry after timestamp");
        entry->has_timestamp = true;
        error = parse_timestamp(parser, cursor, &entry->timestamp_ms);
        if (error)
            break;
    }
    if (!error && !at_line_end(parser, *cursor))
        return fail_end(parser, *cursor, "timestamp or comment");
    return error;
}

static int parse_series(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const struct label_target target = {&entry->name, entry->labels, &entry->label_count};
    const char *start = *cursor, *at = lex_skip(start, parser->end, LEX_METRIC_PART);

    entry->name = at > start ? lex_between(start, at) : (struct text){NULL, 0};
    if (at < parser->end && *at == '{') {
        at++;
        int error = parse_braces(parser, &at, &target);
        if (error)
            return error;
    }
    if (!entry->name.bytes)
        return lex_fail(parser, at, "metric name not set");
    entry->series = lex_between(start, at);
    *cursor = at;
    return 0;
}

static int parse_sample(struct exposition_parser *parser, const char **cursor,
                        struct exposition_entry *entry)
{
    const char *behind = lex_match_expected(parser, *cursor);
    int error = 0;

    lex_begin_sample(entry, behind && *behind == ' ');
    if (entry->is_expected) {
        entry->name = (struct text){NULL, 0};
        entry->series = lex_between(*cursor, behind);
        *cursor = behind;
    } else {
        error = parse_series(parser, cursor, entry);
    }
    return error ? error : parse_line_rest(parser, cursor, entry);
}

static int check_type(struct exposition_parser *parser, const char *at,
                      struct exposition_entry *entry)
{
    if (metadata_type_find(entry->value_text, &entry->type))
        return 0;
    return lex_fail_text(parser, at, "invalid metric type", entry->value_text);
}

/* A unit is the end of its family's name, behind an underscore. */
static int check_unit(struct exposition_parser *parser, const char *at,
                      struct exposition_entry *entry)
{
    struct text unit = entry->value_text, name = entry->name;

    if (!unit.length)
        return 0;
    if (name.length > unit.length && name.bytes[name.length - unit.length - 1] == '_' &&
        !memcmp(name.bytes + name.length - unit.length, unit.bytes, unit.length))
        return 0;
    return lex_fail_text(parser, at, "unit is not the end of the metric's name:", unit);
}

/* Behind `# TYPE `, `# HELP ` or `# UNIT `: a name, a space, and the text to the end of the line.
 */
static int parse_metadata(struct exposition_parser *parser, const char **cursor,
                          struct exposition_entry *entry)
{
    int error =
        lex_family_name(parser, cursor, "metric name after TYPE, HELP or UNIT", &entry->name);
    if (error)
        return error;
    const char *start = *cursor, *end = parser->end;
    const char *newline = memchr(start, '\n', (size_t)(end - start));
    if (start == end || *start != ' ')
        return lex_fail_expected(parser, start, "a space behind the metric name");
    if (!newline)
        return lex_fail(parser, end, "data does not end with # EOF");
    entry->series = entry->name;
    entry->value_text = lex_between(start + 1, newline);
    *cursor = newline;
    if (entry->kind == EXPOSITION_TYPE)
        return check_type(parser, newline, entry);
    if (entry->kind == EXPOSITION_UNIT)
        return check_unit(parser, newline, entry);
    return utf8_is_valid(entry->value_text)
               ? 0
               : lex_fail(parser, newline, "help text is not valid UTF-8");
}

/* A line that starts with `# `: 1 with an entry, 0 at `# EOF`. */
static int parse_comment(struct exposition_parser *parser, const char **cursor,
                         struct exposition_entry *entry)
{
    static const struct {
        char head[8];
        enum exposition_kind kind;
    } heads[] = {
        {"# TYPE ", EXPOSITION_TYPE},
        {"# HELP ", EXPOSITION_HELP},
        {"# UNIT ", EXPOSITION_UNIT},
    };
    const size_t head_length = sizeof(heads[0].head) - 1, eof_length = sizeof(EOF_LINE) - 1;
    const char *at = *cursor;
    size_t left = (size_t)(parser->end - at);

    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        if (left < head_length || memcmp(at, heads[i].head, head_length))
            continue;
        entry->kind = heads[i].kind;
        *cursor += head_length;
        int error = parse_metadata(parser, cursor, entry);
        return error ? error : 1;
    }
    if (left < eof_length || memcmp(at, EOF_LINE, eof_length))
        return lex_fail_expected(parser, at, "HELP, TYPE, UNIT, EOF, a metric name or {");
    *cursor += eof_length;
    parser->ended = true;
    return 0;
}

int openmetrics_next(struct exposition_parser *parser, struct exposition_entry *entry)
{
    const char *at = parser->next, *end = parser->end;
    int result;

    parser->start = at;
    parser->line++;
    if (parser->ended)
        return lex_fail(parser, at, "unexpected data after # EOF");
    if (lex_is(at, end, LEX_METRIC_START) || *at == '{') {
        result = parse_sample(parser, &at, entry);
        if (!result)
            result = 1;
    } else if (*at == '#') {
        result = parse_comment(parser, &at, entry);
    } else {
        return lex_fail_expected(parser, at, "a valid start token");
    }
    if (result >= 0)
        parser->next = at_line_end(parser, at) ? at + 1 : at;
    return result;
}
