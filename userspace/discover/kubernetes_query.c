/* SPDX-License-Identifier: Apache-2.0 */
/* Puts URLs together; every value is escaped. */
#include "discover/kubernetes_query.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int copy_text(const char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -ENOMEM : 0;
}

int kubernetes_query_copy(struct kubernetes_query *to, const struct kubernetes_query *from)
{
    *to = (struct kubernetes_query){.http = from->http};
    int error = copy_text(&to->server, from->server);
    if (!error)
        error = copy_text(&to->resource, from->resource);
    if (!error)
        error = copy_text(&to->namespace, from->namespace);
    if (!error)
        error = copy_text(&to->label_selector, from->label_selector);
    return error ? error : copy_text(&to->field_selector, from->field_selector);
}

void kubernetes_query_free(struct kubernetes_query *query)
{
    free((char *)query->server);
    free((char *)query->resource);
    free((char *)query->namespace);
    free((char *)query->label_selector);
    free((char *)query->field_selector);
    *query = (struct kubernetes_query){0};
}

static void append_escaped(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text))
            buffer_append_char(out, *text);
        else
            buffer_printf(out, "%%%02X", (unsigned char)*text);
    }
}

static void append_parameter(struct buffer *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buffer_printf(out, "&%s=", name);
    append_escaped(out, value);
}

static void append_selectors(const struct kubernetes_query *query, struct buffer *out)
{
    append_parameter(out, "fieldSelector", query->field_selector);
    append_parameter(out, "labelSelector", query->label_selector);
}

static int url_end(const struct buffer *out)
{
    return out->failed ? -E2BIG : 0;
}

int kubernetes_url_begin(const struct kubernetes_query *query, struct buffer *out)
{
    size_t length = strlen(query->server);

    while (length && query->server[length - 1] == '/')
        length--;
    buffer_append(out, query->server, length);
    buffer_append_string(out, "/api/v1");
    if (query->namespace) {
        buffer_append_string(out, "/namespaces/");
        append_escaped(out, query->namespace);
    }
    buffer_printf(out, "/%s", query->resource);
    return url_end(out);
}

int kubernetes_url_list(const struct kubernetes_query *query, const char *version, unsigned limit,
                        const char *continue_token, struct buffer *out)
{
    kubernetes_url_begin(query, out);
    buffer_printf(out, "?limit=%u", limit);
    if (continue_token) /* which holds the version */
        append_parameter(out, "continue", continue_token);
    else
        append_parameter(out, "resourceVersion", version);
    append_selectors(query, out);
    return url_end(out);
}

int kubernetes_url_watch(const struct kubernetes_query *query, const char *version, bool initial,
                         unsigned timeout_seconds, struct buffer *out)
{
    kubernetes_url_begin(query, out);
    buffer_printf(out, "?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u", timeout_seconds);
    append_parameter(out, "resourceVersion", version);
    if (initial)
        buffer_append_string(out, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    append_selectors(query, out);
    return url_end(out);
}
