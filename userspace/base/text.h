/* SPDX-License-Identifier: Apache-2.0 */
/* A view of bytes that somebody else owns. Not NUL-terminated; may hold any byte. */
#ifndef EDGEMETER_BASE_TEXT_H
#define EDGEMETER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *bytes;
    size_t length;
};

/* For printf: printf("%.*s", TEXT_FORMAT(t)) */
#define TEXT_FORMAT(t) (int)(t).length, (t).bytes
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *string)
{
    return (struct text){string, string ? strlen(string) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Byte order, the order in which Prometheus sorts label names. */
static inline int text_compare(struct text a, struct text b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static inline bool text_has_prefix(struct text text, struct text prefix)
{
    return text.length >= prefix.length &&
           (prefix.length == 0 || memcmp(text.bytes, prefix.bytes, prefix.length) == 0);
}

/* Without its first `count` bytes, of which there are as many. */
static inline struct text text_behind(struct text text, size_t count)
{
    return (struct text){text.bytes + count, text.length - count};
}

/* NUL-terminated, as much of it as fits. */
static inline void text_copy(struct text text, char *out, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;
    if (length)
        memcpy(out, text.bytes, length);
    out[length] = '\0';
}

/* Takes the prefix off its front; whether it was there. */
bool text_take(struct text *text, const char *prefix);
/* Takes decimal digits off its front. -EINVAL where there are none, -ERANGE beyond 64 bits. */
int text_take_uint(struct text *text, uint64_t *out);

#endif
