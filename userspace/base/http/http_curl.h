/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on the event loop. Private to base/http/. */
#ifndef EDGEMETER_BASE_HTTP_CURL_H
#define EDGEMETER_BASE_HTTP_CURL_H

#include "base/http/http_call.h"

struct http_curl;

/* `settle` is called with `client` each time libcurl has returned: calls may be added and removed
 * then. */
int http_curl_new(struct loop *loop, struct http_client *client,
                  void (*settle)(struct http_client *client), struct http_curl **out);
void http_curl_free(struct http_curl **curl);

/* libcurl is on the stack, and must not be called. */
bool http_curl_is_inside(const struct http_curl *curl);

/* Makes the call's easy handle where it has none, and binds the two; the first time libcurl is set
 * up. 0 or -ENOMEM. */
int http_curl_bind(struct http_curl *curl, struct http_call *call);
/* 0, or -EIO with the reason in call->failure. The end comes through http_call_curl_done(). */
int http_curl_add(struct http_curl *curl, struct http_call *call);
void http_curl_remove(struct http_curl *curl, struct http_call *call);

#endif
