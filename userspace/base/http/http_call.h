/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP call as the parts of the client see it. Private to base/http/. */
#ifndef EDGEMETER_BASE_HTTP_CALL_H
#define EDGEMETER_BASE_HTTP_CALL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/file_cache.h"
#include "base/http/http_address.h"
#include "base/http/http_client.h"
#include "base/http/http_head.h"

#define HTTP_REDIRECTS_MAXIMUM 10
#define HTTP_ERROR_MAXIMUM 640       /* bytes of an error line */
#define HTTP_STATUS_TEXT_MAXIMUM 64  /* bytes of "404 Not Found" */
#define HTTP_LINE_MAXIMUM (64 << 10) /* bytes of a header line */

#define HTTP_VALUE_MAXIMUM 512 /* bytes of a header's value that somebody wants to know */
#define HTTP_PLACE_MAXIMUM 300 /* bytes of "host:port": a DNS name has at most 253 */

struct http_connection;

enum http_call_state {
    HTTP_CALL_AUTHORIZING, /* waits for an oauth2 token; in the list of http_oauth2.c */
    HTTP_CALL_WAITING,     /* started inside a libcurl callback: not yet given to libcurl */
    HTTP_CALL_RUNNING,     /* libcurl has it */
    HTTP_CALL_FAILED,      /* before it reached libcurl; on_done still to be called */
    HTTP_CALL_CANCELLED,   /* inside a libcurl callback: still to be taken from libcurl */
    HTTP_CALL_DONE,        /* on_done is being called */
};

struct http_call {
    TAILQ_ENTRY(http_call) link;
    struct http_client *client;
    enum http_call_state state;
    bool direct; /* by http_direct.c, not by libcurl */
    bool unsent; /* it failed before there could be a response */
    CURL *easy;  /* NULL: never needed yet */

    http_head_fn on_head;
    http_body_fn on_body;
    http_done_fn on_done;
    void *context;
    size_t received; /* decoded bytes */
    size_t max_response_bytes;
    bool too_large; /* the body had more */
    long hops_sent; /* by libcurl, which has begun to send to so many: redirects and all */
    bool sent_twice;
    bool body_begun;
    bool decode_gzip;
    struct http_inflater *inflater; /* NULL: the body is as it was sent */
    uint64_t started_ns;
    uint64_t timeout_ns;
    bool follow_redirects;
    bool is_post;
    bool head_ended; /* of a response that libcurl reads: which takes a part of one for all of it */

    const struct http_config *config;
    struct http_token *token; /* that it waits for */

    struct curl_slist *headers;
    struct curl_slist *proxy_headers;
    struct curl_slist *connect_to;
    char *dialled; /* "host:port" where the URL given to libcurl names another; else NULL */
    struct buffer body;

    /* of a direct call */
    struct http_address address;
    struct buffer text; /* the request up to its body */
    const void *request_body;
    size_t request_body_length;
    struct loop_timer *timer; /* stays with the pooled call */
    struct http_connection *connection;
    struct buffer head; /* of the response */
    struct http_head_fields fields;
    bool delivering;                 /* a callback of the caller is on the stack */
    char header[HTTP_VALUE_MAXIMUM]; /* the value asked for last */

    char content_type[HTTP_VALUE_MAXIMUM];

    char status_text[HTTP_STATUS_TEXT_MAXIMUM];
    char failure[HTTP_ERROR_MAXIMUM]; /* our own reason to end the call; "" where there is none */
    char curl_error[CURL_ERROR_SIZE]; /* libcurl's words */
};

/* http_client.c */
struct file_cache *http_client_files(struct http_client *client);
/* A call that waited for its token goes on: to libcurl, or where it has a failure to its end. */
void http_call_resume(struct http_call *call);

/* The index-th value of a response's header, NULL where there is none; valid until the next call.
 */
const char *http_call_header(struct http_call *call, const char *name, unsigned index);
const char *http_call_content_type(struct http_call *call); /* "" where there is none */
int http_call_status_code(const struct http_call *call);    /* 0: none yet */
/* Whether a response of that status is followed to where it says. */
bool http_call_follows(const struct http_call *call, int status);
/* What http_curl.c tells: the call has ended. */
void http_call_curl_done(struct http_call *call, CURLcode code);
/* What http_direct.c tells: the call has its outcome in fields, head and failure; it could not be
 * started; it was cancelled while it delivered; it has to be made by libcurl. */
void http_call_direct_done(struct http_call *call);
void http_call_direct_fail(struct http_call *call, int error);
void http_call_direct_drop(struct http_call *call);
void http_call_fall_back(struct http_call *call);

/* http_options.c: everything that config and request say, as options of call->easy. 0, -ENOMEM, or
 * another negative errno with the reason in call->failure. */
int http_call_set_options(struct http_call *call, const struct http_request *request,
                          const char *user_agent);
/* The same as text, for http_direct.c. */
int http_call_set_text(struct http_call *call, const struct http_request *request,
                       const char *user_agent);
/* From the text to options: a direct call goes on with libcurl. */
int http_call_set_options_of_text(struct http_call *call);

/* Puts the reason into call->failure and gives `error`. */
int http_call_fail(struct http_call *call, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void http_call_set_timeout(struct http_call *call, uint64_t timeout_ns);
int http_call_set_string(struct http_call *call, CURLoption option, const char *value);
int http_call_add_line(struct http_call *call, const char *line);
/* Refuses what would break out of its line. */
int http_call_add_header(struct http_call *call, const char *name, const char *value);
int http_header_line(struct http_call *call, const char *name, const char *value,
                     struct buffer *out);
/* Hands call->headers, which have got longer, to libcurl. */
int http_call_apply_headers(struct http_call *call);

/* http_auth.c: the literal where there is one, else the trimmed contents of the file, else "". */
int http_call_read_secret(struct http_call *call, const char *what, const char *literal,
                          const char *path, struct buffer *out);
void http_secret_free(struct buffer *secret);
int http_call_set_authentication(struct http_call *call, const struct http_config *config);
/* libcurl signs, after all headers are known: not for a direct call. */
int http_call_set_sigv4(struct http_call *call, const struct http_sigv4_config *sigv4);
int http_call_add_extra_headers(struct http_call *call, const struct http_config *config);

/* http_tls.c, http_proxy.c */
int http_call_set_tls(struct http_call *call, const struct http_tls_config *tls);
int http_call_set_proxy(struct http_call *call, const struct http_proxy_config *config,
                        const char *url);

/* http_body.c: a piece as libcurl has it. 0, or a negative errno with the reason in call->failure;
 * then the transfer ends. */
int http_body_feed(struct http_call *call, const char *bytes, size_t length);
/* The body is complete, as far as HTTP goes. The same results. */
int http_body_end(struct http_call *call);
void http_body_free(struct http_call *call);

/* http_error.c */
enum http_phase { HTTP_PHASE_CONNECTING, HTTP_PHASE_WAITING, HTTP_PHASE_READING };
void http_error_timeout(const struct http_call *call, enum http_phase phase, const char *place,
                        char *line);
/* Puts the reason into call->failure. */
void http_error_dial(struct http_call *call, int error);
/* Why the transfer failed, in one line without secrets. `line` has HTTP_ERROR_MAXIMUM
 * bytes. */
void http_error_describe(const struct http_call *call, CURLcode code, int status, char *line);
/* Milliseconds from now that a Retry-After value asks for; -1: not understood. */
int64_t http_retry_after_ms(const char *value);

#endif
