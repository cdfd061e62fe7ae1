/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth 2.0 client credentials: tokens fetched when a call needs one, shared by calls with the same
 * settings, and kept until shortly before they expire. Private to base/http/. */
#ifndef EDGEMETER_BASE_HTTP_OAUTH2_H
#define EDGEMETER_BASE_HTTP_OAUTH2_H

#include "base/http/http_call.h"

#define HTTP_OAUTH2_MAX_TOKENS 256
#define HTTP_OAUTH2_MAX_RESPONSE (1u << 20) /* bytes */

struct http_tokens;

int http_tokens_new(struct http_client *client, struct loop *loop, struct http_tokens **out);
/* No call may wait any more. */
void http_tokens_free(struct http_tokens **tokens);
/* One of the calls that wait, or NULL. */
struct http_call *http_tokens_waiting(const struct http_tokens *tokens);

/* 0: the call has its Authorization header. -EINPROGRESS: it waits (HTTP_CALL_AUTHORIZING), and
 * http_call_resume() follows. Another negative errno with the reason in call->failure, or
 * -ENOMEM. */
int http_tokens_authorize(struct http_tokens *tokens, struct http_call *call);
/* A call that waits is cancelled. */
void http_tokens_forget(struct http_call *call);

#endif
