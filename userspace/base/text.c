/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a view of bytes apart from its front. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>

bool text_take(struct text *text, const char *prefix)
{
    if (!text_has_prefix(*text, text_of(prefix)))
        return false;
    *text = text_behind(*text, strlen(prefix));
    return true;
}

int text_take_uint(struct text *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text->length && isdigit((unsigned char)text->bytes[i]); i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text->bytes[i] - '0'), &value))
            return -ERANGE;
    if (i == 0)
        return -EINVAL;
    *text = text_behind(*text, i);
    *out = value;
    return 0;
}
