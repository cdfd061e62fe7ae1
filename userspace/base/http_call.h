/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP call as the parts of the client see it. Private to base/http_*.c. */
#ifndef EDGEMETER_BASE_HTTP_CALL_H
#define EDGEMETER_BASE_HTTP_CALL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/http_client.h"

#define HTTP_REDIRECTS_MAXIMUM 10
#define HTTP_ERROR_MAXIMUM 640         /* bytes of an error line */
#define HTTP_STATUS_TEXT_MAXIMUM 64    /* bytes of "404 Not Found" */
#define HTTP_SECRET_MAXIMUM (64 << 10) /* bytes of a password or credentials file */

enum http_call_state {
    HTTP_CALL_WAITING,   /* started inside a libcurl callback: not yet given to libcurl */
    HTTP_CALL_RUNNING,   /* libcurl has it */
    HTTP_CALL_FAILED,    /* before it reached libcurl; on_done still to be called */
    HTTP_CALL_CANCELLED, /* inside a libcurl callback: still to be taken from libcurl */
    HTTP_CALL_DONE,      /* on_done is being called */
};

struct http_call {
    TAILQ_ENTRY(http_call) link;
    struct http_client *client;
    enum http_call_state state;
    CURL *easy;

    http_head_fn on_head;
    http_body_fn on_body;
    http_done_fn on_done;
    void *context;
    size_t received; /* decoded bytes */
    size_t max_response_bytes;
    bool too_large; /* the body had more */
    bool body_begun;
    bool accept_gzip;
    struct http_inflater *inflater; /* NULL: the body is as it was sent */
    uint64_t started_ns;
    uint64_t timeout_ns;
    bool follow_redirects;

    struct curl_slist *headers;
    struct curl_slist *connect_to;
    char *dialled; /* "host:port" where the URL given to libcurl names another; else NULL */
    struct buffer body;
    char status_text[HTTP_STATUS_TEXT_MAXIMUM];
    char failure[HTTP_ERROR_MAXIMUM]; /* our own reason to end the call; "" where there is none */
    char curl_error[CURL_ERROR_SIZE]; /* libcurl's words */
};

/* http_options.c: everything that config and request say, as options of call->easy. 0, -ENOMEM, or
 * another negative errno with the reason in call->failure. */
int http_call_set_options(struct http_call *call, const struct http_request *request);

/* http_body.c: a piece as libcurl has it. 0, or a negative errno with the reason in call->failure;
 * then the transfer ends. */
int http_body_feed(struct http_call *call, const char *bytes, size_t length);
/* The body is complete, as far as HTTP goes. The same results. */
int http_body_end(struct http_call *call);
void http_body_free(struct http_call *call);

/* http_error.c: why the transfer failed, in one line without secrets. `line` has HTTP_ERROR_MAXIMUM
 * bytes. */
void http_error_describe(const struct http_call *call, CURLcode code, int status, char *line);
/* Milliseconds from now that a Retry-After value asks for; -1: not understood. */
int64_t http_retry_after_ms(const char *value);

#endif
