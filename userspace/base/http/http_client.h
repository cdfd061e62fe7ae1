/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP out: one libcurl multi handle on the event loop, with TLS, authentication and keep-alive.
 * Knows nothing of scraping or remote write. */
#ifndef EDGEMETER_BASE_HTTP_CLIENT_H
#define EDGEMETER_BASE_HTTP_CLIENT_H

#include <stdint.h>

#include "base/http/http_config.h"
#include "base/loop.h"
#include "base/text.h"

struct http_client;
struct http_call;

struct http_response {
    int status;              /* 0: no response; `error` says why */
    const char *status_text; /* "404 Not Found", or the number alone where HTTP/2 has no words */
    const char *error;       /* NULL, or one line: "connection refused", "timed out after 10s", ...;
                                beside a status where the response began and did not end as it should */
    bool too_large;          /* the error is that the body was larger than max_response_bytes */
    bool sent_twice; /* a kept connection ended without a response, and the server may have served
                        the request by then: this response is to the second one */
    const char *content_type; /* "" where the server sent none */
    int64_t retry_after_ms;   /* Retry-After in either form, from now; -1: none or not understood */
    struct text body;         /* empty where on_body took it; decoded (gzip) */
    double duration_seconds;  /* from the start to the last byte */
    const struct http_call *call; /* for http_response_header */
};

/* The value of a header, NULL where there is none. Valid until the next call of it. */
const char *http_response_header(const struct http_response *response, const char *name);

/* What is known when the body begins. */
struct http_head {
    int status;
    const char *status_text;
    const char *content_type; /* "" where the server sent none */
};

/* Called once, unless the call was cancelled. Everything in `response` is valid during the call. */
typedef void (*http_done_fn)(void *context, const struct http_response *response);
/* Called before the first byte of the body; not where there is none. 0, or a negative errno to
 * abort the transfer. */
typedef int (*http_head_fn)(void *context, const struct http_head *head);
/* Takes a piece of the decoded body as it comes; 0, or a negative errno to abort the transfer. */
typedef int (*http_body_fn)(void *context, const char *bytes, size_t length);

struct http_request {
    const char *method; /* "GET" or "POST" */
    const char *url;
    const struct http_config *config;  /* must outlive the call */
    const struct http_header *headers; /* besides the config's; copied */
    size_t header_count;
    const void *body; /* POST; must outlive the call */
    size_t body_length;
    bool accept_gzip;          /* ask for gzip and decode it; no other encoding is taken */
    bool decode_gzip;          /* decode it even if it is not asked for */
    uint64_t timeout_ns;       /* connect, request and body together */
    size_t max_response_bytes; /* decoded; a longer body ends the call with an error */
    http_head_fn on_head;      /* may be NULL */
    http_body_fn on_body;      /* NULL: the body is collected into the response */
    http_done_fn on_done;
    void *context;
};

int http_client_new(struct loop *loop, const char *user_agent, struct http_client **out);
void http_client_free(struct http_client **client);

/* 0 with the running call in *out (valid until on_done or cancel), or a negative errno. on_done is
 * never called from inside this function. */
int http_client_start(struct http_client *client, const struct http_request *request,
                      struct http_call **out);
void http_call_cancel(struct http_call **call);
/* The status so far, of a call that is not done; 0: no response has begun. Unlike on_head it also
 * tells of a response whose body is still to begin. */
int http_call_status(const struct http_call *call);

/* The URL with any password replaced by "xxxxx", as Prometheus shows it. The caller frees. */
char *http_url_redacted(const char *url);

#endif
