/* SPDX-License-Identifier: Apache-2.0 */
/* ${VAR} in external_labels, with the corner cases of Go's os.Expand, which Prometheus uses. */
#include <ctype.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "config/config_values.h"

#define MAX_EXPANDED (16u << 20) /* bytes of one value; a file has at most 4 MiB */

static bool is_special(char c)
{
    return c && (strchr("*#$@!?-", c) || isdigit((unsigned char)c));
}

/* The name after a `$`. *consumed is how much of `rest` belongs to it; 0 where no name follows. */
static struct text variable_name(const char *rest, size_t *consumed)
{
    if (*rest == '{') {
        const char *end = strchr(rest + 1, '}');
        if (!end) {
            *consumed = 1; /* "${" without its end is eaten */
            return (struct text){0};
        }
        *consumed = (size_t)(end - rest) + 1;
        return (struct text){rest + 1, *consumed - 2};
    }
    if (is_special(*rest)) {
        *consumed = 1;
        return (struct text){rest, 1};
    }
    size_t length = 0;
    while (rest[length] == '_' || isalnum((unsigned char)rest[length]))
        length++;
    *consumed = length;
    return (struct text){rest, length};
}

static void append_variable(struct buffer *out, struct text name,
                            void (*on_empty)(void *context, struct text name), void *context)
{
    if (text_equal(name, TEXT("$"))) {
        buffer_append_char(out, '$');
        return;
    }
    char *key = strndup(name.bytes, name.length);
    const char *value = key ? getenv(key) : NULL;
    if (!key)
        out->failed = true;
    else if (value && *value)
        buffer_append_string(out, value);
    else
        on_empty(context, name);
    free(key);
}

char *config_expand_variables(const char *value, void (*on_empty)(void *context, struct text name),
                              void *context)
{
    struct buffer out;
    buffer_init(&out, MAX_EXPANDED);
    buffer_append_string(&out, ""); /* so that there is a NUL */
    for (const char *next = value; *next;) {
        if (*next != '$' || next[1] == '\0') {
            buffer_append_char(&out, *next++);
            continue;
        }
        size_t consumed;
        struct text name = variable_name(next + 1, &consumed);
        if (consumed == 0)
            buffer_append_char(&out, '$');
        else if (name.length)
            append_variable(&out, name, on_empty, context);
        next += 1 + consumed;
    }
    if (out.failed)
        buffer_free(&out);
    return out.bytes;
}
