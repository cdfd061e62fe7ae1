/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call from start to on_done, whichever way it takes: http_direct.c or http_curl.c.
 */
#include "base/http/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/http/http_curl.h"
#include "base/http/http_direct.h"
#include "base/http/http_oauth2.h"

#define POOL_MAXIMUM 8 /* ended calls kept for reuse, with their easy handles */
#define REQUEST_HEAD_MAXIMUM (1 << 20)

TAILQ_HEAD(http_call_list, http_call);

/* Every call is in exactly one list, which its state tells, or in none while on_done runs. */
struct http_client {
    struct loop *loop;
    struct http_curl *curl;
    struct http_direct *direct;
    struct loop_timer *settle_timer; /* armed when `unsettled` gets a call */
    struct http_call_list running;
    struct http_call_list unsettled; /* to be added, removed or failed outside of libcurl */
    size_t unsettled_count;
    struct http_call_list pool;
    size_t pool_count;
    struct file_cache *files;
    struct http_tokens *tokens;
    char *user_agent;
};

/* ---- the pool ---- */

static void call_free(struct http_call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    loop_timer_free(&call->timer);
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
    *out = call;
    return 0;
}

/* Back into the pool, or away. Copies of secrets go in either case. */
static void call_release(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->easy && !call->direct)
        curl_easy_reset(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->proxy_headers);
    curl_slist_free_all(call->connect_to);
    free(call->dialled);
    buffer_free(&call->body);
    buffer_free(&call->head);
    http_secret_free(&call->text);
    http_body_free(call);
    if (call->timer)
        loop_timer_disarm(call->timer);
    *call = (struct http_call){.client = client, .easy = call->easy, .timer = call->timer};
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

/* ---- the response ---- */

const char *http_call_header(struct http_call *call, const char *name, unsigned index)
{
    if (!call->direct) {
        struct curl_header *header;
        CURLHcode code = curl_easy_header(call->easy, name, index, CURLH_HEADER, -1, &header);
        return code == CURLHE_OK ? header->value : NULL;
    }
    struct text value = {NULL, 0};
    if (call->head.bytes)
        value = http_head_find(buffer_text(&call->head), name, index);
    if (!value.bytes)
        return NULL;
    /* Behind a value there is the end of its line, which nobody reads any more. */
    text_copy(value, call->header, sizeof(call->header));
    return call->header;
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    return http_call_header((struct http_call *)response->call, name, 0);
}

int http_call_status_code(const struct http_call *call)
{
    long status = 0;
    if (call->direct)
        return call->fields.status;
    if (call->easy)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

const char *http_call_content_type(struct http_call *call)
{
    const char *value = http_call_header(call, "Content-Type", 0);
    text_copy(text_of(value), call->content_type, sizeof(call->content_type));
    return call->content_type;
}

/* Of a POST the others would ask for a GET, without its body: what that is answered with says
 * nothing of what was to be posted. */
bool http_call_follows(const struct http_call *call, int status)
{
    bool is_same = status == 307 || status == 308;
    bool is_get = status == 301 || status == 302 || status == 303;
    return call->follow_redirects && (is_same || (is_get && !call->is_post));
}

static int64_t call_retry_after_ms(struct http_call *call)
{
    const char *value = http_call_header(call, "Retry-After", 0);
    return value ? http_retry_after_ms(value) : -1;
}

static int call_status(const struct http_call *call, bool failed)
{
    int status = http_call_status_code(call);
    /* A redirect that was followed is no response to the caller, nor is "100 Continue". */
    bool redirected = call->follow_redirects && status / 100 == 3 && !call->direct;
    bool no_head = !call->direct && !call->head_ended;
    return failed && (redirected || no_head || status < 200) ? 0 : status;
}

int http_call_status(const struct http_call *call)
{
    return call_status(call, true);
}

/* ---- the end of a call ---- */

/* The call is in no list of libcurl's or ours any more. `error` is what ended it, or NULL. */
static void call_finish(struct http_call *call, const char *error)
{
    if (!error && !call->failure[0])
        http_body_end(call);
    if (call->failure[0])
        error = call->failure;
    bool answered = call->direct ? call->head.length > 0 : call->easy && !call->unsent;
    struct http_response response = {
        .status = call_status(call, error != NULL),
        .status_text = call->status_text,
        .error = error,
        .too_large = call->too_large,
        .sent_twice = call->sent_twice,
        .content_type = answered ? http_call_content_type(call) : "",
        .retry_after_ms = answered ? call_retry_after_ms(call) : -1,
        .body = call->body.bytes ? buffer_text(&call->body) : TEXT(""),
        .duration_seconds = (double)(clock_monotonic_ns() - call->started_ns) / NS_PER_SECOND,
        .call = call,
    };
    call->state = HTTP_CALL_DONE;
    call->on_done(call->context, &response);
    call_release(call);
}

void http_call_curl_done(struct http_call *call, CURLcode code)
{
    char line[HTTP_ERROR_MAXIMUM];

    call_unlist(call);
    if (code == CURLE_OK && !call->head_ended)
        code = CURLE_GOT_NOTHING;
    if (code != CURLE_OK)
        http_error_describe(call, code, call_status(call, true), line);
    call_finish(call, code != CURLE_OK ? line : NULL);
}

void http_call_direct_done(struct http_call *call)
{
    call_unlist(call);
    call_finish(call, NULL);
}

void http_call_direct_fail(struct http_call *call, int error)
{
    call_unlist(call);
    http_error_dial(call, error);
    call_unsettle(call, HTTP_CALL_FAILED);
}

void http_call_direct_drop(struct http_call *call)
{
    call_release(call);
}

/* ---- its beginning ---- */

static void client_add(struct http_client *client, struct http_call *call)
{
    if (!call->direct && http_curl_add(client->curl, call)) {
        call_unsettle(call, HTTP_CALL_FAILED);
        return;
    }
    call->state = HTTP_CALL_RUNNING;
    TAILQ_INSERT_TAIL(&client->running, call, link);
    if (call->direct)
        http_direct_start(client->direct, call);
}

static void call_go_on(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->failure[0])
        call_unsettle(call, HTTP_CALL_FAILED);
    else if (!call->direct && http_curl_is_inside(client->curl))
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

void http_call_fall_back(struct http_call *call)
{
    call_unlist(call);
    call->state = HTTP_CALL_DONE;
    loop_timer_disarm(call->timer);
    call->direct = false;
    int error = http_curl_bind(call->client->curl, call);
    if (!error)
        error = http_call_set_options_of_text(call);
    if (error && !call->failure[0])
        http_call_fail(call, error, "%s", strerror(-error));
    call->unsent = error != 0;
    call_go_on(call);
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
        http_curl_remove(client->curl, call);
        call_release(call);
        break;
    case HTTP_CALL_FAILED:
        call->unsent = true;
        call_finish(call, NULL);
        break;
    case HTTP_CALL_AUTHORIZING:
    case HTTP_CALL_RUNNING:
    case HTTP_CALL_DONE:
        break;
    }
}

/* Those of now; what their callbacks add waits for the timer. */
static void client_settle(struct http_client *client)
{
    struct http_call *call;
    for (size_t left = client->unsettled_count; left > 0; left--) {
        if ((call = TAILQ_FIRST(&client->unsettled)))
            call_settle(call);
    }
}

static void on_settle_timer(void *context)
{
    client_settle(context);
}

/* ---- the interface ---- */

static int client_setup(struct http_client *client, const char *user_agent)
{
    client->user_agent = strdup(user_agent);
    if (!client->user_agent)
        return -ENOMEM;
    int error = http_curl_new(client->loop, client, client_settle, &client->curl);
    if (!error)
        error = http_direct_new(client->loop, &client->direct);
    if (!error)
        error = file_cache_new(&client->files);
    if (!error)
        error = http_tokens_new(client, client->loop, &client->tokens);
    if (!error)
        error = loop_timer_new(client->loop, on_settle_timer, client, &client->settle_timer);
    return error;
}

int http_client_new(struct loop *loop, const char *user_agent, struct http_client **out)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
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
    http_curl_free(&client->curl);
    http_direct_free(&client->direct);
    loop_timer_free(&client->settle_timer);
    file_cache_free(&client->files);
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
    call->decode_gzip = request->accept_gzip || request->decode_gzip;
    call->timeout_ns = request->timeout_ns;
    call->started_ns = clock_monotonic_ns();
    call->follow_redirects = request->config->follow_redirects;
    call->is_post = strcmp(request->method, "POST") == 0;
    call->request_body = request->body;
    call->request_body_length = request->body_length;
    buffer_init(&call->body, request->max_response_bytes);
    buffer_init(&call->text, REQUEST_HEAD_MAXIMUM);
    buffer_init(&call->head, HTTP_DIRECT_MAX_HEAD);
}

static int call_prepare(struct http_call *call, const struct http_request *request)
{
    const char *user_agent = call->client->user_agent;

    call->direct = http_address_of(request, &call->address);
    if (call->direct)
        return http_call_set_text(call, request, user_agent);
    int error = http_curl_bind(call->client->curl, call);
    if (!error)
        error = http_call_set_options(call, request, user_agent);
    if (!error && request->config->oauth2)
        error = http_tokens_authorize(call->client->tokens, call);
    return error;
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
    error = call_prepare(call, request);
    if (error && error != -EINPROGRESS && !call->failure[0]) {
        call_release(call);
        return error;
    }
    if (error != -EINPROGRESS)
        call_go_on(call);
    *out = call;
    return 0;
}

static void cancel_running(struct http_call *call)
{
    if (call->direct)
        http_direct_cancel(call);
    else
        http_curl_remove(call->client->curl, call);
}

void http_call_cancel(struct http_call **out)
{
    struct http_call *call = *out;
    *out = NULL;
    if (!call || call->state == HTTP_CALL_DONE || call->state == HTTP_CALL_CANCELLED)
        return;
    bool running = call->state == HTTP_CALL_RUNNING;
    call_unlist(call);
    if (running && call->delivering) { /* whoever delivers drops it */
        call->state = HTTP_CALL_CANCELLED;
        return;
    }
    if (running && !call->direct && http_curl_is_inside(call->client->curl)) {
        call_unsettle(call, HTTP_CALL_CANCELLED);
        return;
    }
    if (running)
        cancel_running(call);
    call_release(call);
}
