/* SPDX-License-Identifier: Apache-2.0 */
/* Checks UTF-8, words of ASCII at a time and sequences one by one; code points to bytes and back.
 */
#include "model/utf8.h"

/* One multi-byte sequence: its length, or 0 where it is not valid. */
static size_t sequence_length(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_low, first_high;   /* range of the lead byte */
        uint8_t second_low, second_high; /* range of the byte behind it */
        uint8_t length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (*at < forms[i].first_low || *at > forms[i].first_high)
            continue;
        if (left < forms[i].length || at[1] < forms[i].second_low || at[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

bool utf8_is_valid(struct text text)
{
    const uint8_t *at = (const uint8_t *)text.bytes;
    const uint8_t *end = text.length ? at + text.length : at;

    while (at < end) {
        uint64_t word;
        if (end - at >= (ptrdiff_t)sizeof(word)) {
            memcpy(&word, at, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080))) {
                at += sizeof(word);
                continue;
            }
        }
        size_t length = *at < 0x80 ? 1 : sequence_length(at, (size_t)(end - at));
        if (!length)
            return false;
        at += length;
    }
    return true;
}

uint32_t utf8_take(struct text *text)
{
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *at = (const uint8_t *)text->bytes;
    size_t length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t code_point = *at & lead_bits[length];

    for (size_t i = 1; i < length; i++)
        code_point = code_point << 6 | (at[i] & 0x3f);
    *text = text_behind(*text, length);
    return code_point;
}

size_t utf8_put(uint32_t code_point, char out[UTF8_MAX_LENGTH])
{
    static const uint8_t lead_marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(lead_marks[length] | code_point);
    return length;
}
