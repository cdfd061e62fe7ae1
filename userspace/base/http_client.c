/* SPDX-License-Identifier: Apache-2.0 */
/* Runs calls: libcurl's multi interface on the event loop, the life of a call from start to
 * on_done, bodies and their limits. What goes into a request is http_options.c's business. */
#include "base/http_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/http_oauth2.h"
#include "base/log.h"

#define POOL_MAXIMUM 8 /* ended calls kept for reuse, with their easy handles */
#define IDLE_CONNECTIONS_MAXIMUM 1024L

TAILQ_HEAD(http_call_list, http_call);

/* Every call is in exactly one list, which its state tells, or in none while on_done runs. */
struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *curl_timer;   /* libcurl's own time-outs */
    struct loop_timer *settle_timer; /* armed when `unsettled` gets a call */
    struct http_call_list running;   /* in the multi handle */
    struct http_call_list unsettled; /* to be added, removed or failed outside of libcurl */
    size_t unsettled_count;
    struct http_call_list pool;
    size_t pool_count;
    struct file_cache *files;
    struct http_tokens *tokens;
    bool inside_curl; /* libcurl is on the stack, and must not be called */
    char *user_agent;
};

/* ---- the pool ---- */

static void call_free(struct http_call *call)
{
    curl_easy_cleanup(call->easy);
    free(call);
}

static int call_take(struct http_client *client, struct http_call **out)
{
    struct http_call *call = TAILQ_FIRST(&client->pool);
    if (call) {
        TAILQ_REMOVE(&client->pool, call, link);
        client->pool_count--;
        *out = call;
        return 0;
    }
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->client = client;
    call->easy = curl_easy_init();
    if (!call->easy) {
        free(call);
        return -ENOMEM;
    }
    *out = call;
    return 0;
}

/* Back into the pool, or away. The handle's copies of secrets go in either case. */
static void call_release(struct http_call *call)
{
    struct http_client *client = call->client;
    CURL *easy = call->easy;
    curl_easy_reset(easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->proxy_headers);
    curl_slist_free_all(call->connect_to);
    free(call->dialled);
    buffer_free(&call->body);
    http_body_free(call);
    *call = (struct http_call){.client = client, .easy = easy};
    if (client->pool_count == POOL_MAXIMUM) {
        call_free(call);
        return;
    }
    TAILQ_INSERT_HEAD(&client->pool, call, link);
    client->pool_count++;
}

/* ---- the lists ---- */

static void call_unsettle(struct http_call *call, enum http_call_state state)
{
    struct http_client *client = call->client;
    call->state = state;
    TAILQ_INSERT_TAIL(&client->unsettled, call, link);
    client->unsettled_count++;
    loop_timer_at(client->settle_timer, 0);
}

static void call_unlist(struct http_call *call)
{
    struct http_client *client = call->client;
    switch (call->state) {
    case HTTP_CALL_RUNNING:
        TAILQ_REMOVE(&client->running, call, link);
        break;
    case HTTP_CALL_WAITING:
    case HTTP_CALL_FAILED:
    case HTTP_CALL_CANCELLED:
        TAILQ_REMOVE(&client->unsettled, call, link);
        client->unsettled_count--;
        break;
    case HTTP_CALL_AUTHORIZING:
        http_tokens_forget(call);
        break;
    case HTTP_CALL_DONE:
        break;
    }
}

/* ---- the end of a call ---- */

const char *http_response_header(const struct http_response *response, const char *name)
{
    struct curl_header *header;
    CURLHcode code = curl_easy_header(response->call->easy, name, 0, CURLH_HEADER, -1, &header);
    return code == CURLHE_OK ? header->value : NULL;
}

static int64_t call_retry_after_ms(const struct http_call *call)
{
    struct curl_header *header;
    if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    return http_retry_after_ms(header->value);
}

static int call_status(const struct http_call *call, bool failed)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    /* A redirect that was followed is no response to the caller, nor is "100 Continue". */
    bool redirected = call->follow_redirects && status / 100 == 3;
    return failed && (redirected || status < 200) ? 0 : (int)status;
}

/* The call is in no list of libcurl's or ours any more. */
static void call_finish(struct http_call *call, CURLcode code)
{
    char line[HTTP_ERROR_MAXIMUM];
    const char *content_type = NULL;
    if (code == CURLE_OK)
        http_body_end(call);
    bool failed = code != CURLE_OK || call->failure[0];
    struct http_response response = {
        .status = call_status(call, failed),
        .status_text = call->status_text,
        .too_large = call->too_large,
        .retry_after_ms = call_retry_after_ms(call),
        .body = call->body.bytes ? buffer_text(&call->body) : TEXT(""),
        .duration_seconds = (double)(clock_monotonic_ns() - call->started_ns) / NS_PER_SECOND,
        .call = call,
    };
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &content_type);
    response.content_type = content_type ? content_type : "";
    if (call->failure[0]) {
        response.error = call->failure;
    } else if (failed) {
        http_error_describe(call, code, response.status, line);
        response.error = line;
    }
    call->state = HTTP_CALL_DONE;
    call->on_done(call->context, &response);
    call_release(call);
}

static void client_add(struct http_client *client, struct http_call *call)
{
    CURLMcode code = curl_multi_add_handle(client->multi, call->easy);
    if (code == CURLM_OK) {
        call->state = HTTP_CALL_RUNNING;
        TAILQ_INSERT_TAIL(&client->running, call, link);
        return;
    }
    snprintf(call->failure, sizeof(call->failure), "%s", curl_multi_strerror(code));
    call_unsettle(call, HTTP_CALL_FAILED);
}

static void call_settle(struct http_call *call)
{
    struct http_client *client = call->client;
    enum http_call_state state = call->state;
    call_unlist(call);
    switch (state) {
    case HTTP_CALL_WAITING:
        client_add(client, call);
        break;
    case HTTP_CALL_CANCELLED:
        curl_multi_remove_handle(client->multi, call->easy);
        call_release(call);
        break;
    case HTTP_CALL_FAILED:
        call_finish(call, CURLE_OK);
        break;
    case HTTP_CALL_AUTHORIZING:
    case HTTP_CALL_RUNNING:
    case HTTP_CALL_DONE:
        break;
    }
}

/* Those of now; what their callbacks add waits for the timer. */
static void client_settle(void *context)
{
    struct http_client *client = context;
    struct http_call *call;
    for (size_t left = client->unsettled_count; left > 0; left--) {
        if ((call = TAILQ_FIRST(&client->unsettled)))
            call_settle(call);
    }
}

static void client_finish_done(struct http_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct http_call *call = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        call_unlist(call);
        curl_multi_remove_handle(client->multi, call->easy);
        call_finish(call, code);
    }
}

/* ---- libcurl and the loop ---- */

static void client_act(struct http_client *client, curl_socket_t fd, int events)
{
    int running;
    client->inside_curl = true;
    CURLMcode code = curl_multi_socket_action(client->multi, fd, events, &running);
    client->inside_curl = false;
    if (code != CURLM_OK)
        log_error("http", "libcurl refused an event", LOG_STR("err", curl_multi_strerror(code)));
    client_settle(client);
    client_finish_done(client);
}

static void on_curl_timer(void *context)
{
    client_act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_event(void *context, int fd, uint32_t events)
{
    int action = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                 (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                 (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    client_act(context, fd, action);
}

static int curl_wants_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *client = context;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_disarm(client->curl_timer);
    else
        loop_timer_after(client->curl_timer, (uint64_t)timeout_ms * NS_PER_MS);
    return 0;
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
    struct http_client *client = context;
    (void)easy, (void)socket;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(client->loop, fd);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    int error = loop_watch(client->loop, fd, events, on_socket_event, client);
    /* An error from here would end every call of the multi handle; this way one call times out. */
    if (error)
        log_error("http", "cannot watch a socket", LOG_STR("err", strerror(-error)));
    return 0;
}

/* ---- the body ---- */

static size_t curl_has_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    if (call->state == HTTP_CALL_CANCELLED || http_body_feed(call, bytes, length) ||
        call->state == HTTP_CALL_CANCELLED)
        return CURL_WRITEFUNC_ERROR;
    return length;
}

/* Keeps what stands behind the version in the last status line: "404 Not Found". */
static size_t curl_has_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_call *call = context;
    size_t length = size * count;
    const char *status =
        length > 5 && !memcmp(bytes, "HTTP/", 5) ? memchr(bytes, ' ', length) : NULL;
    if (status) {
        size_t rest = (size_t)(bytes + length - ++status);
        while (rest && isspace((unsigned char)status[rest - 1]))
            rest--;
        snprintf(call->status_text, sizeof(call->status_text), "%.*s", (int)rest, status);
    }
    return length;
}

/* ---- the interface ---- */

static int client_setup(struct http_client *client, const char *user_agent)
{
    CURLM *multi = client->multi = curl_multi_init();
    client->user_agent = strdup(user_agent);
    if (!multi || !client->user_agent)
        return -ENOMEM;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAXIMUM);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    int error = file_cache_new(&client->files);
    if (!error)
        error = http_tokens_new(client, client->loop, &client->tokens);
    if (!error)
        error = loop_timer_new(client->loop, on_curl_timer, client, &client->curl_timer);
    if (!error)
        error = loop_timer_new(client->loop, client_settle, client, &client->settle_timer);
    return error;
}

int http_client_new(struct loop *loop, const char *user_agent, struct http_client **out)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return -ENOMEM;
    }
    client->loop = loop;
    TAILQ_INIT(&client->running);
    TAILQ_INIT(&client->unsettled);
    TAILQ_INIT(&client->pool);
    int error = client_setup(client, user_agent);
    if (error)
        http_client_free(&client);
    else
        *out = client;
    return error;
}

void http_client_free(struct http_client **out)
{
    struct http_client *client = *out;
    struct http_call *call;
    if (!client)
        return;
    while (client->tokens && (call = http_tokens_waiting(client->tokens)))
        http_call_cancel(&call);
    http_tokens_free(&client->tokens);
    while ((call = TAILQ_FIRST(&client->running)) || (call = TAILQ_FIRST(&client->unsettled)))
        http_call_cancel(&call);
    while ((call = TAILQ_FIRST(&client->pool))) {
        TAILQ_REMOVE(&client->pool, call, link);
        call_free(call);
    }
    curl_multi_cleanup(client->multi); /* closes the idle connections, which unwatches them */
    loop_timer_free(&client->curl_timer);
    loop_timer_free(&client->settle_timer);
    file_cache_free(&client->files);
    curl_global_cleanup();
    free(client->user_agent);
    free(client);
    *out = NULL;
}

static void call_begin(struct http_call *call, const struct http_request *request)
{
    call->config = request->config;
    call->on_head = request->on_head;
    call->on_body = request->on_body;
    call->on_done = request->on_done;
    call->context = request->context;
    call->max_response_bytes = request->max_response_bytes;
    call->accept_gzip = request->accept_gzip;
    call->timeout_ns = request->timeout_ns;
    call->started_ns = clock_monotonic_ns();
    call->follow_redirects = request->config->follow_redirects;
    buffer_init(&call->body, request->max_response_bytes);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_error);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, curl_has_body);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, curl_has_header);
    curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
}

static void call_go_on(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->failure[0])
        call_unsettle(call, HTTP_CALL_FAILED);
    else if (client->inside_curl)
        call_unsettle(call, HTTP_CALL_WAITING);
    else
        client_add(client, call);
}

void http_call_resume(struct http_call *call)
{
    uint64_t passed = clock_monotonic_ns() - call->started_ns;
    if (!call->failure[0] && passed < call->timeout_ns)
        http_call_set_timeout(call, call->timeout_ns - passed);
    call->state = HTTP_CALL_DONE; /* in no list */
    call_go_on(call);
}

struct file_cache *http_client_files(struct http_client *client)
{
    return client->files;
}

int http_client_start(struct http_client *client, const struct http_request *request,
                      struct http_call **out)
{
    struct http_call *call;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "POST") != 0)
        return -EINVAL;
    int error = call_take(client, &call);
    if (error)
        return error;
    call->state = HTTP_CALL_DONE; /* in no list yet */
    call_begin(call, request);
    error = http_call_set_options(call, request);
    if (!error && curl_easy_setopt(call->easy, CURLOPT_USERAGENT, client->user_agent) != CURLE_OK)
        error = -ENOMEM;
    if (!error && request->config->oauth2)
        error = http_tokens_authorize(client->tokens, call);
    if (error && error != -EINPROGRESS && !call->failure[0]) {
        call_release(call);
        return error;
    }
    if (error != -EINPROGRESS)
        call_go_on(call);
    *out = call;
    return 0;
}

int http_call_status(const struct http_call *call)
{
    return call_status(call, true);
}

void http_call_cancel(struct http_call **out)
{
    struct http_call *call = *out;
    *out = NULL;
    if (!call || call->state == HTTP_CALL_DONE || call->state == HTTP_CALL_CANCELLED)
        return;
    struct http_client *client = call->client;
    bool running = call->state == HTTP_CALL_RUNNING;
    call_unlist(call);
    if (running && client->inside_curl) {
        call_unsettle(call, HTTP_CALL_CANCELLED);
        return;
    }
    if (running)
        curl_multi_remove_handle(client->multi, call->easy);
    call_release(call);
}
