/* SPDX-License-Identifier: Apache-2.0 */
/* Growth by doubling up to the stated maximum. No allocation before the first append. */
#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALLEST_CAPACITY 64

void buffer_init(struct buffer *buffer, size_t maximum)
{
    *buffer = (struct buffer){.maximum = maximum};
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    buffer_init(buffer, buffer->maximum);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

/* The allocation is one byte longer than the capacity, for the NUL. */
static int buffer_grow(struct buffer *buffer, size_t extra)
{
    if (extra > buffer->maximum || buffer->length > buffer->maximum - extra)
        return -E2BIG;
    size_t needed = buffer->length + extra;
    if (buffer->bytes && needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity > buffer->maximum)
        capacity = buffer->maximum;
    if (capacity == SIZE_MAX)
        return -ENOMEM;
    char *bytes = realloc(buffer->bytes, capacity + 1);
    if (!bytes)
        return -ENOMEM;
    bytes[buffer->length] = '\0';
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

static int buffer_make_room(struct buffer *buffer, size_t extra)
{
    int error = buffer_grow(buffer, extra);
    if (error)
        buffer->failed = true;
    return error;
}

char *buffer_reserve(struct buffer *buffer, size_t extra)
{
    return buffer_make_room(buffer, extra) ? NULL : buffer->bytes + buffer->length;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    int error = buffer_make_room(buffer, length);
    if (error)
        return error;
    if (length)
        memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}

int buffer_append_text(struct buffer *buffer, struct text text)
{
    return buffer_append(buffer, text.bytes, text.length);
}

int buffer_append_string(struct buffer *buffer, const char *string)
{
    return buffer_append(buffer, string, strlen(string));
}

int buffer_append_char(struct buffer *buffer, char c)
{
    return buffer_append(buffer, &c, 1);
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->failed = true;
        return -EINVAL;
    }
    int error = buffer_make_room(buffer, (size_t)length);
    if (error)
        return error;
    va_start(arguments, format);
    vsnprintf(buffer->bytes + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return 0;
}
