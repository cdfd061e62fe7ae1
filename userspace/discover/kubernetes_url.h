/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of lists and watches. Pure. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_URL_H
#define EDGEMETER_DISCOVER_KUBERNETES_URL_H

#include "base/buffer.h"
#include "discover/kubernetes_watch.h"

#define KUBERNETES_MAX_URL (64 * 1024)

/* Server and path. 0, -ENOMEM or -E2BIG, as all of them. */
int kubernetes_url_begin(const struct kubernetes_query *query, struct buffer *out);

/* One page of a list; the next one where there is a token to go on with. */
int kubernetes_url_list(const struct kubernetes_query *query, const char *version, unsigned limit,
                        const char *continue_token, struct buffer *out);
/* Changes after `version`; with `initial` first all there is (a streaming list). */
int kubernetes_url_watch(const struct kubernetes_query *query, const char *version, bool initial,
                         unsigned timeout_seconds, struct buffer *out);

#endif
