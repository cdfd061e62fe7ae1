/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of an API server, and the URLs of its lists and watches. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_QUERY_H
#define EDGEMETER_DISCOVER_KUBERNETES_QUERY_H

#include "base/buffer.h"
#include "base/http/http_config.h"

#define KUBERNETES_MAX_URL (64 * 1024)

/* NULL is none. */
struct kubernetes_query {
    const char *server;             /* https://host:port */
    const struct http_config *http; /* borrowed, by copies too */
    const char *resource;           /* "pods" */
    const char *namespace;
    const char *label_selector, *field_selector;
};

/* Texts of its own; to be freed also where it fails. 0 or -ENOMEM. */
int kubernetes_query_copy(struct kubernetes_query *to, const struct kubernetes_query *from);
void kubernetes_query_free(struct kubernetes_query *query);

/* Server and path. 0 or -E2BIG, as all of them. */
int kubernetes_url_begin(const struct kubernetes_query *query, struct buffer *out);
/* One page of a list; the next one where there is a token to go on with. */
int kubernetes_url_list(const struct kubernetes_query *query, const char *version, unsigned limit,
                        const char *continue_token, struct buffer *out);
/* Changes after `version`; with `initial` first all there is (a streaming list). */
int kubernetes_url_watch(const struct kubernetes_query *query, const char *version, bool initial,
                         unsigned timeout_seconds, struct buffer *out);

#endif
