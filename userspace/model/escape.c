/* SPDX-License-Identifier: Apache-2.0 */
/* Copies run by run, from one byte that needs an escape to the next. */
#include "model/escape.h"

static int escape(struct text text, bool quotes, struct buffer *out)
{
    size_t start = 0;
    int error = 0;
    for (size_t i = 0; i < text.length && !error; i++) {
        char c = text.bytes[i];
        if (c != '\\' && c != '\n' && !(c == '"' && quotes))
            continue;
        error = buffer_append(out, text.bytes + start, i - start);
        if (!error)
            error = buffer_append(out, (char[]){'\\', c == '\n' ? 'n' : c}, 2);
        start = i + 1;
    }
    if (!error && start < text.length)
        error = buffer_append(out, text.bytes + start, text.length - start);
    return error;
}

int escape_label_value(struct text value, struct buffer *out)
{
    return escape(value, true, out);
}

int escape_help(struct text help, struct buffer *out)
{
    return escape(help, false, out);
}
