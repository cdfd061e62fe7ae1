/* SPDX-License-Identifier: Apache-2.0 */
/* A growable run of bytes that states its maximum when it is made. A failed append (no memory, or
 * past the maximum) leaves the buffer as it was and is remembered in `failed`, so that a long row of
 * appends needs one check at its end. */
#ifndef EDGEMETER_BASE_BUFFER_H
#define EDGEMETER_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct buffer {
    char *bytes; /* owned; always followed by a NUL that `length` does not count, once anything was appended */
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes */
    bool failed;    /* an append did not fit */
};

void buffer_init(struct buffer *buffer, size_t maximum);
/* Frees the bytes; the buffer can be used again with the same maximum. */
void buffer_free(struct buffer *buffer);
/* Length 0 and `failed` cleared; the memory stays. */
void buffer_clear(struct buffer *buffer);

/* Room for `extra` more bytes: where to write them, or NULL. The caller adds to `length`. */
char *buffer_reserve(struct buffer *buffer, size_t extra);
/* 0, -ENOMEM or -E2BIG (past the maximum). */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);
int buffer_append_text(struct buffer *buffer, struct text text);
int buffer_append_string(struct buffer *buffer, const char *string);
int buffer_append_char(struct buffer *buffer, char c);
int buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct text buffer_text(const struct buffer *buffer)
{
    return (struct text){buffer->bytes, buffer->length};
}

#define autobuffer __attribute__((cleanup(buffer_free)))

#endif
