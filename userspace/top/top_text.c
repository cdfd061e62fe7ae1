/* SPDX-License-Identifier: Apache-2.0 */
/* One code point after the other, its width as the C library knows it for UTF-8. */
#include "top/top_text.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <wchar.h>

#include "model/utf8.h"

#define REPLACEMENT 0xfffd
#define ELLIPSIS 0x2026

static bool draws_utf8;

void top_text_setup(void)
{
    setlocale(LC_CTYPE, "");
    draws_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Takes what is one character, or one byte that is none, off the front of the text. */
static uint32_t take_code(struct text *text)
{
    for (size_t length = 1; length <= UTF8_MAX_LENGTH && length <= text->length; length++) {
        if (utf8_is_valid((struct text){text->bytes, length}))
            return utf8_take(text);
    }
    *text = text_behind(*text, 1);
    return REPLACEMENT;
}

/* What is drawn for the front of the text, and its columns. */
static uint32_t take(struct text *text, size_t *columns)
{
    uint32_t code = take_code(text);
    int width = draws_utf8 ? wcwidth((wchar_t)code) : code >= ' ' && code <= '~';

    *columns = width > 0 ? (size_t)width : 1;
    if (width > 0)
        return code;
    return draws_utf8 ? REPLACEMENT : '?';
}

size_t top_text_width(struct text text)
{
    size_t width = 0, columns;

    while (text.length) {
        take(&text, &columns);
        width += columns;
    }
    return width;
}

static void put(struct buffer *out, uint32_t code)
{
    char bytes[UTF8_MAX_LENGTH];
    buffer_append(out, bytes, utf8_put(code, bytes));
}

void top_text_put(struct buffer *out, struct text text, size_t width)
{
    bool cut = top_text_width(text) > width;
    size_t room = cut && width ? width - 1 : width, used = 0, columns;

    while (text.length && width) {
        uint32_t code = take(&text, &columns);
        if (used + columns > room)
            break;
        put(out, code);
        used += columns;
    }
    if (cut && width) {
        put(out, draws_utf8 ? ELLIPSIS : '~');
        used++;
    }
    for (; used < width; used++)
        buffer_append_char(out, ' ');
}

/* ---- numbers ---- */

/* Three digits: 9.99, 99.9, 999. */
static void put_digits(double value, const char *unit, char out[TOP_NUMBER_SIZE])
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, TOP_NUMBER_SIZE, "%.*f%s", decimals, value, unit);
}

static void put_scaled(double value, double step, const char *const *units, size_t unit_count,
                       char out[TOP_NUMBER_SIZE])
{
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < unit_count) {
        value /= step;
        unit++;
    }
    if (value >= 1e6)
        snprintf(out, TOP_NUMBER_SIZE, "%.0e", value);
    else if (!unit && value == floor(value))
        snprintf(out, TOP_NUMBER_SIZE, "%.0f", value);
    else
        put_digits(value, units[unit], out);
}

static bool put_nothing(double value, char out[TOP_NUMBER_SIZE])
{
    if (!isnan(value))
        return false;
    snprintf(out, TOP_NUMBER_SIZE, "-");
    return true;
}

void top_text_count(double value, char out[TOP_NUMBER_SIZE])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    if (!put_nothing(value, out))
        put_scaled(value, 1000, units, sizeof(units) / sizeof(units[0]), out);
}

void top_text_bytes(double value, char out[TOP_NUMBER_SIZE])
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    if (!put_nothing(value, out))
        put_scaled(value, 1024, units, sizeof(units) / sizeof(units[0]), out);
}

void top_text_share(double value, char out[TOP_NUMBER_SIZE])
{
    if (put_nothing(value, out))
        return;
    if (value == 0)
        snprintf(out, TOP_NUMBER_SIZE, "0%%");
    else
        put_digits(100 * value, "%", out);
}

void top_text_seconds(double value, double most, char out[TOP_NUMBER_SIZE])
{
    if (put_nothing(value, out))
        return;
    const char *more = value >= most ? ">" : "";
    char digits[TOP_NUMBER_SIZE];
    if (value < 0.9995)
        put_digits(1000 * value, "ms", digits);
    else
        put_digits(value, "s", digits);
    snprintf(out, TOP_NUMBER_SIZE, "%s%.*s", more, TOP_NUMBER_SIZE - 2, digits);
}
