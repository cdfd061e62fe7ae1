/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and time-outs of libcurl on the loop, and what it hands over of a response. libcurl and
 * the TLS library behind it are set up for the first call that needs them: an agent that only makes
 * calls of http_direct.c has 3 MiB less in memory. */
#include "base/http/http_curl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"

#define IDLE_CONNECTIONS_MAXIMUM 1024L

struct http_curl {
    struct loop *loop;
    struct http_client *client;
    void (*settle)(struct http_client *client);
    CURLM *multi;             /* NULL: nothing has needed it yet */
    struct loop_timer *timer; /* libcurl's own time-outs */
    bool inside;
};

bool http_curl_is_inside(const struct http_curl *curl)
{
    return curl->inside;
}

static void finish_done(struct http_curl *curl)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        struct http_call *call = NULL;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        curl_multi_remove_handle(curl->multi, call->easy);
        http_call_curl_done(call, code);
    }
}

static void act(struct http_curl *curl, curl_socket_t fd, int events)
{
    int running;

    curl->inside = true;
    CURLMcode code = curl_multi_socket_action(curl->multi, fd, events, &running);
    curl->inside = false;
    if (code != CURLM_OK)
        log_error("http", "libcurl refused an event", LOG_STR("err", curl_multi_strerror(code)));
    curl->settle(curl->client);
    finish_done(curl);
}

static void on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_event(void *context, int fd, uint32_t events)
{
    int action = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                 (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                 (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    act(context, fd, action);
}

static int curl_wants_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_curl *curl = context;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_disarm(curl->timer);
    else
        loop_timer_after(curl->timer, (uint64_t)timeout_ms * NS_PER_MS);
    return 0;
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
    struct http_curl *curl = context;
    (void)easy, (void)socket;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(curl->loop, fd);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    int error = loop_watch(curl->loop, fd, events, on_socket_event, curl);
    /* An error from here would end every call of the multi handle; this way one call times out. */
    if (error)
        log_error("http", "cannot watch a socket", LOG_STR("err", strerror(-error)));
    return 0;
}

/* ---- one call ---- */

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
    if ((length == 2 && bytes[0] == '\r') || length == 1)
        call->head_ended = true; /* an empty line */
    if (status) {
        call->head_ended = false;
        size_t rest = (size_t)(bytes + length - ++status);
        while (rest && isspace((unsigned char)status[rest - 1]))
            rest--;
        snprintf(call->status_text, sizeof(call->status_text), "%.*s", (int)rest, status);
        if (call->is_post)
            curl_easy_setopt(call->easy, CURLOPT_FOLLOWLOCATION,
                             http_call_follows(call, atoi(call->status_text)) ? 1L : 0L);
    }
    return length;
}

static int set_up(struct http_curl *curl)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    CURLM *multi = curl_multi_init();
    if (!multi) {
        curl_global_cleanup();
        return -ENOMEM;
    }
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAXIMUM);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl->multi = multi;
    return 0;
}

/* Before each request, so also before the one that libcurl makes by itself where a connection that
 * it had kept has ended. How much of the first went out is not told: it counts as sent. */
static int curl_sends(void *context, char *to, char *from, int to_port, int from_port)
{
    struct http_call *call = context;
    (void)to, (void)from, (void)to_port, (void)from_port;
    long redirects = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    call->sent_twice |= call->hops_sent > redirects;
    call->hops_sent = redirects + 1;
    return CURL_PREREQFUNC_OK;
}

int http_curl_bind(struct http_curl *curl, struct http_call *call)
{
    int error = curl->multi ? 0 : set_up(curl);
    if (error)
        return error;
    if (!call->easy)
        call->easy = curl_easy_init();
    if (!call->easy)
        return -ENOMEM;
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_error);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, curl_has_body);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, curl_has_header);
    curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PREREQFUNCTION, curl_sends);
    curl_easy_setopt(call->easy, CURLOPT_PREREQDATA, call);
    return 0;
}

int http_curl_add(struct http_curl *curl, struct http_call *call)
{
    CURLMcode code = curl_multi_add_handle(curl->multi, call->easy);
    return code == CURLM_OK ? 0 : http_call_fail(call, -EIO, "%s", curl_multi_strerror(code));
}

void http_curl_remove(struct http_curl *curl, struct http_call *call)
{
    curl_multi_remove_handle(curl->multi, call->easy);
}

/* ---- the whole ---- */

int http_curl_new(struct loop *loop, struct http_client *client,
                  void (*settle)(struct http_client *client), struct http_curl **out)
{
    struct http_curl *curl = calloc(1, sizeof(*curl));
    if (!curl || loop_timer_new(loop, on_timer, curl, &curl->timer)) {
        free(curl);
        return -ENOMEM;
    }
    curl->loop = loop;
    curl->client = client;
    curl->settle = settle;
    *out = curl;
    return 0;
}

void http_curl_free(struct http_curl **curl)
{
    if (!*curl)
        return;
    if ((*curl)->multi) {
        curl_multi_cleanup((*curl)->multi); /* closes the idle connections, which unwatches them */
        curl_global_cleanup();
    }
    loop_timer_free(&(*curl)->timer);
    free(*curl);
    *curl = NULL;
}
