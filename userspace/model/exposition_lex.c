/* SPDX-License-Identifier: Apache-2.0 */
/* Quoted strings, escapes and error messages of the text formats. Which tokens may follow which is
 * exposition.c and openmetrics.c, numbers are exposition_float.c. */
#include "model/exposition_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/utf8.h"

#define LETTER (LEX_LABEL_START | LEX_LABEL_PART | LEX_METRIC_START | LEX_METRIC_PART)
const uint8_t lex_classes[256] = {
    ['a' ... 'z'] = LETTER,
    ['A' ... 'Z'] = LETTER,
    ['_'] = LETTER,
    [':'] = LEX_METRIC_START | LEX_METRIC_PART,
    ['0' ... '9'] = LEX_DIGIT | LEX_LABEL_PART | LEX_METRIC_PART,
    [' '] = LEX_BLANK | LEX_VALUE_END,
    ['\t'] = LEX_BLANK | LEX_VALUE_END,
    ['\n'] = LEX_VALUE_END,
    ['{'] = LEX_VALUE_END,
};

/* The text as a quoted string that fits `room`, all ASCII; of a longer text its end, which is where
 * errors are. */
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
        else if ((uint8_t)c < ' ' || (uint8_t)c >= 0x7f)
            length += (size_t)sprintf(out + length, "\\x%02x", (uint8_t)c);
        else
            out[length++] = c;
    }
    out[length++] = '"';
    out[length] = '\0';
}

int lex_fail(struct exposition_parser *parser, const char *at, const char *format, ...)
{
    char read[72], what[72];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    write_quoted(lex_between(parser->start, at), read, sizeof(read));
    snprintf(parser->error, sizeof(parser->error), "%s while parsing: %s", what, read);
    return -EINVAL;
}

int lex_fail_expected(struct exposition_parser *parser, const char *at, const char *expected)
{
    char got[16] = "the end";

    if (at < parser->end)
        write_quoted(lex_between(at, at + 1), got, sizeof(got));
    return lex_fail(parser, at < parser->end && *at != '\n' ? at + 1 : at, "expected %s, got %s",
                    expected, got);
}

int lex_fail_text(struct exposition_parser *parser, const char *at, const char *what,
                  struct text text)
{
    char quoted[40];

    write_quoted(text, quoted, sizeof(quoted));
    return lex_fail(parser, at, "%s %s", what, quoted);
}

int lex_fail_number(struct exposition_parser *parser, struct text number, int error)
{
    const char *end = number.bytes + number.length;
    char quoted[40];

    for (size_t i = 0; i < number.length; i++)
        if (strchr("pP_", number.bytes[i]) && number.bytes[i])
            return lex_fail(parser, end, "unsupported character in float");
    write_quoted(number, quoted, sizeof(quoted));
    return lex_fail(parser, end, "value %s: %s", quoted,
                    error == -ERANGE ? "value out of range" : "invalid syntax");
}

/* Whether an odd number of backslashes stands before `at`. */
static bool is_escaped(const char *start, const char *at)
{
    const char *before = at;

    while (before > start && before[-1] == '\\')
        before--;
    return (at - before) % 2 != 0;
}

const char *lex_closing_quote(const char *at, const char *end)
{
    const char *quote = at;

    while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
        if (!is_escaped(at, quote))
            return quote;
        quote++;
    }
    return NULL;
}

int lex_refuse_nul(struct exposition_parser *parser, struct text raw, const char *what,
                   bool is_value)
{
    const char *end = raw.bytes + raw.length;

    for (const char *at = raw.bytes; (at = memchr(at, '\0', (size_t)(end - at))); at++)
        if (!is_value || is_escaped(raw.bytes, at))
            return lex_fail(parser, at, "%s with a NUL", what);
    return 0;
}

int lex_quoted(struct exposition_parser *parser, const char **cursor, const char *what,
               bool is_value, struct text *out)
{
    const char *start = *cursor + 1;
    const char *quote = lex_closing_quote(start, parser->end);

    if (!quote) {
        parser->unfinished = true;
        const char *newline = memchr(start, '\n', (size_t)(parser->end - start));
        return lex_fail(parser, newline ? newline : parser->end, "%s without its closing quote",
                        what);
    }
    *out = lex_between(start, quote);
    for (const char *at = start; (at = memchr(at, '\n', (size_t)(quote - at))); at++) {
        if (is_escaped(start, at))
            return lex_fail(parser, at, "%s with a backslash at the end of a line", what);
        parser->line++;
    }
    *cursor = quote + 1;
    return lex_refuse_nul(parser, *out, what, is_value);
}

int lex_quoted_utf8(struct exposition_parser *parser, const char **cursor, const char *what,
                    bool is_value, struct text *out)
{
    char wrong[40];
    int error = lex_quoted(parser, cursor, what, is_value, out);

    if (error || utf8_is_valid(*out))
        return error;
    snprintf(wrong, sizeof(wrong), "invalid UTF-8 %s:", what);
    return lex_fail_text(parser, *cursor, wrong, *out);
}

int lex_family_name(struct exposition_parser *parser, const char **cursor, const char *what,
                    struct text *out)
{
    const char *start = *cursor;

    if (start < parser->end && *start == '"')
        return lex_quoted(parser, cursor, "metric name", false, out);
    if (!lex_is(start, parser->end, LEX_METRIC_START))
        return lex_fail_expected(parser, start, what);
    *cursor = lex_skip(start, parser->end, LEX_METRIC_PART);
    *out = lex_between(start, *cursor);
    return 0;
}

static int unescape(struct text raw, bool quotes, struct buffer *out)
{
    const char *at = raw.bytes, *end = raw.bytes + raw.length;

    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        const char *stop = backslash ? backslash : end;
        int error = buffer_append(out, at, (size_t)(stop - at));
        if (error || !backslash)
            return error;
        char escape = backslash + 1 < end ? backslash[1] : '\0';
        bool known = escape == '\\' || escape == 'n' || (escape == '"' && quotes);
        error = buffer_append_char(out, known ? (escape == 'n' ? '\n' : escape) : '\\');
        if (error)
            return error;
        at = backslash + (known ? 2 : 1);
    }
    return 0;
}

int exposition_unescape(struct text raw, struct buffer *out)
{
    return unescape(raw, true, out);
}

int exposition_unescape_help(enum exposition_format format, struct text raw, struct buffer *out)
{
    return unescape(raw, format == EXPOSITION_OPENMETRICS, out);
}
