/* SPDX-License-Identifier: Apache-2.0 */
/* Copies run by run, from one byte that needs an escape to the next. Reads no JSON: jansson does.
 */
#include "base/json_text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of the UTF-8 character at `bytes`, 0 where there is none. */
static size_t character_length(const uint8_t *bytes, size_t left)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t length = 1; length <= 4 && length <= left; length++) {
        if ((bytes[0] & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        uint32_t point = bytes[0] & (uint8_t)~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (bytes[i] & 0x3f);
        }
        bool is_character = point >= forms[length - 1].least && point <= 0x10ffff &&
                            (point < 0xd800 || point > 0xdfff);
        return is_character ? length : 0;
    }
    return 0;
}

static int append_special(struct buffer *out, uint8_t byte)
{
    switch (byte) {
    case '"':
        return buffer_append_string(out, "\\\"");
    case '\\':
        return buffer_append_string(out, "\\\\");
    case '\n':
        return buffer_append_string(out, "\\n");
    case '\r':
        return buffer_append_string(out, "\\r");
    case '\t':
        return buffer_append_string(out, "\\t");
    default:
        return byte < 0x20 ? buffer_printf(out, "\\u%04x", byte)
                           : buffer_append_string(out, REPLACEMENT);
    }
}

int json_append_string(struct buffer *out, struct text text)
{
    size_t start = 0, at = 0;
    int error = buffer_append_char(out, '"');

    while (at < text.length && !error) {
        const uint8_t *bytes = (const uint8_t *)text.bytes + at;
        size_t length = character_length(bytes, text.length - at);
        if (length && *bytes >= 0x20 && *bytes != '"' && *bytes != '\\') {
            at += length;
            continue;
        }
        error = buffer_append(out, text.bytes + start, at - start);
        if (!error)
            error = append_special(out, *bytes);
        start = ++at;
    }
    if (!error)
        error = buffer_append(out, text.bytes + start, at - start);
    return error ? error : buffer_append_char(out, '"');
}

int json_append_number(struct buffer *out, double value)
{
    char text[32];

    if (!isfinite(value))
        return buffer_append_string(out, "null");
    for (int digits = 15; digits <= 17; digits++) { /* the fewest that read back the same */
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return buffer_append_string(out, text);
}
