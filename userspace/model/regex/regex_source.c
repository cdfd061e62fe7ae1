/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a pattern character by character: escapes, and what is said of those that RE2 lacks. */
#include "model/regex/regex_source.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/utf8.h"

bool regex_source_take(struct regex_source *source, const char *prefix)
{
    if (!regex_source_has(source, prefix))
        return false;
    source->at += strlen(prefix);
    return true;
}

uint32_t regex_source_take_rune(struct regex_source *source)
{
    struct text rest = regex_source_rest(source);
    uint32_t rune = utf8_take(&rest);
    source->at = source->pattern.length - rest.length;
    return rune;
}

/* A message is one line, whatever it quotes of the pattern. */
static void hide_controls(char *message)
{
    for (; *message; message++)
        if ((unsigned char)*message < ' ' || *message == 0x7f)
            *message = '?';
}

int regex_source_fail(struct regex_source *source, size_t offset, const char *format, ...)
{
    va_list arguments;

    source->error->offset = offset;
    va_start(arguments, format);
    vsnprintf(source->error->message, sizeof(source->error->message), format, arguments);
    va_end(arguments);
    hide_controls(source->error->message);
    return -EINVAL;
}

/* What other dialects have, and what is to be written instead. */
static const struct {
    char letter;
    const char *advice;
} foreign_escapes[] = {
    {'k', "RE2 has no back-references"},
    {'g', "RE2 has no back-references and no subroutines"},
    {'Z', "RE2 has no \\Z; write \\z"},
    {'G', "RE2 has no \\G"},
    {'K', "RE2 has no \\K; put what is wanted into a group"},
    {'C', "single bytes cannot be matched"},
    {'R', "RE2 has no \\R; write (?:\\r?\\n)"},
    {'h', "RE2 has no \\h; write [ \\t]"},
    {'N', "RE2 has no \\N; write [^\\n]"},
    {'X', "RE2 has no \\X"},
    {'e', "RE2 has no \\e; write \\x1b"},
    {'c', "RE2 has no \\c; write \\x and two hex digits"},
    {'u', "RE2 has no \\u; write \\x{...}"},
    {'E', "\\E without \\Q"},
};

static int refuse_escape(struct regex_source *source, size_t start, uint32_t rune)
{
    if (rune >= '1' && rune <= '9')
        return regex_source_fail(source, start, "\\%c: RE2 has no back-references", (char)rune);
    for (size_t i = 0; i < ARRAY_SIZE(foreign_escapes); i++)
        if (rune == (uint32_t)foreign_escapes[i].letter)
            return regex_source_fail(source, start, "\\%c: %s", (char)rune,
                                     foreign_escapes[i].advice);
    return regex_source_fail(source, start, "invalid escape sequence \\%.*s",
                             (int)(source->at - start - 1), source->pattern.bytes + start + 1);
}

static int take_octal(struct regex_source *source, uint32_t first, uint32_t *rune)
{
    *rune = first - '0';
    for (int i = 1; i < 3 && !regex_source_ended(source); i++) {
        char c = source->pattern.bytes[source->at];
        if (c < '0' || c > '7')
            break;
        *rune = *rune * 8 + (uint32_t)(c - '0');
        source->at++;
    }
    return 0;
}

static int hex_digit(struct regex_source *source)
{
    if (regex_source_ended(source))
        return -1;
    char c = source->pattern.bytes[source->at];
    if (!isxdigit((unsigned char)c))
        return -1;
    source->at++;
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Behind \x: two digits, or any number of them in braces. */
static int take_hex(struct regex_source *source, size_t start, uint32_t *rune)
{
    int digit;

    *rune = 0;
    if (!regex_source_take(source, "{")) {
        for (int i = 0; i < 2; i++) {
            if ((digit = hex_digit(source)) < 0)
                return regex_source_fail(source, start,
                                         "\\x needs two hex digits, or any number in braces");
            *rune = *rune * 16 + (uint32_t)digit;
        }
        return 0;
    }
    size_t first = source->at;
    while ((digit = hex_digit(source)) >= 0) {
        *rune = *rune * 16 + (uint32_t)digit;
        if (*rune > UTF8_MAX_CODE_POINT)
            return regex_source_fail(source, start, "\\x{...} is above the last character, 10FFFF");
    }
    if (source->at == first || !regex_source_take(source, "}"))
        return regex_source_fail(source, start, "\\x{...} needs hex digits and a closing brace");
    return 0;
}

int regex_source_take_escape(struct regex_source *source, uint32_t *rune)
{
    static const char letters[] = "afnrtv", meanings[] = "\a\f\n\r\t\v";
    size_t start = source->at++;

    if (regex_source_ended(source))
        return regex_source_fail(source, start, "a backslash at the end");
    uint32_t c = regex_source_take_rune(source);
    bool octal_follows = !regex_source_ended(source) && source->pattern.bytes[source->at] >= '0' &&
                         source->pattern.bytes[source->at] <= '7';
    if (c == '0' || (c >= '1' && c <= '7' && octal_follows))
        return take_octal(source, c, rune);
    if (c == 'x')
        return take_hex(source, start, rune);
    if (c < 0x80 && !isalnum((int)c)) {
        *rune = c;
        return 0;
    }
    const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;
    if (!letter)
        return refuse_escape(source, start, c);
    *rune = (uint32_t)meanings[letter - letters];
    return 0;
}

void regex_write_rune(struct buffer *out, uint32_t rune)
{
    char bytes[UTF8_MAX_LENGTH];

    if (rune >= 0x80) {
        buffer_append(out, bytes, utf8_put(rune, bytes));
    } else if (rune < 0x20 || rune == 0x7f) {
        buffer_printf(out, "\\x{%x}", rune);
    } else {
        if (!isalnum((int)rune))
            buffer_append_char(out, '\\');
        buffer_append_char(out, (char)rune);
    }
}
