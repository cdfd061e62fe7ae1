/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 over TCP without libcurl, for what an agent does most: http to an address, no proxy, no
 * redirect. A connection is kept between calls and stays in the loop. Private to base/http/. */
#ifndef EDGEMETER_BASE_HTTP_DIRECT_H
#define EDGEMETER_BASE_HTTP_DIRECT_H

#include "base/http/http_call.h"

#define HTTP_DIRECT_MAX_HEAD (64 << 10) /* bytes of a response's head */

struct http_direct;

int http_direct_new(struct loop *loop, struct http_direct **out);
/* No call may run any more. */
void http_direct_free(struct http_direct **direct);

/* The beginning of the request, its Host included, into call->text. */
int http_direct_begin(struct http_call *call, const struct http_request *request);
/* Sends call->text, whose header lines are complete, and the body. The outcome comes through
 * http_call_direct_done(), never from inside this. */
void http_direct_start(struct http_direct *direct, struct http_call *call);
/* Closes its connection. Not from inside its callbacks. */
void http_direct_cancel(struct http_call *call);

#endif
