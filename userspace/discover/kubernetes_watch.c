/* SPDX-License-Identifier: Apache-2.0 */
/* One request at a time: a streaming list, or pages of a list and then a watch, each from the
 * version at which the one before ended. What becomes of an answer is decided at its end; the
 * objects in it are handed over as they come. */
#include "discover/kubernetes_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/json_splitter.h"
#include "discover/kubernetes_object.h"
#include "discover/kubernetes_status.h"
#include "discover/kubernetes_trouble.h"

#define PAGE_OBJECTS 500
#define LIST_TIMEOUT (300 * NS_PER_SECOND)
#define WATCH_LEAST_SECONDS 300 /* to twice as many, so that not all agents come back at once */
#define WATCH_GRACE (30 * NS_PER_SECOND)
#define ANSWER_TIMEOUT (30 * NS_PER_SECOND)
#define CHECK_INTERVAL NS_PER_SECOND
#define SHORT_WATCH NS_PER_SECOND /* one that ends sooner is not begun again at once */
#define LEAST_BACKOFF (800 * NS_PER_MS)
#define MOST_BACKOFF (30 * NS_PER_SECOND)
#define MOST_RETRY_AFTER (300 * NS_PER_SECOND)
#define MAX_ERROR_BODY (64 * 1024)

enum watch_request { REQUEST_NONE, REQUEST_LIST, REQUEST_STREAMING_LIST, REQUEST_WATCH };

struct kubernetes_watch {
    struct kubernetes_watch_environment environment;
    struct kubernetes_query query; /* its texts are owned */
    struct kubernetes_watch_handler handler;
    char *place; /* the URL without parameters, for the log */

    char *version;        /* where a watch goes on; NULL: everything has to be listed */
    char *list_from;      /* the version that a list asks for: "0" any, "" the newest */
    char *page_version;   /* of the list's first page */
    char *continue_token; /* NULL: the next page is the first */
    bool no_streaming_list, no_pages;

    enum watch_request request; /* the one under way */
    struct http_call *call;
    uint64_t started_ns;
    bool answered; /* with 200, and long enough for trouble to show */
    int status;
    int body_error;
    size_t values, values_checked; /* of the answer so far, and at the last look */
    struct json_splitter splitter;
    struct buffer error_body;
    struct kubernetes_status said;

    struct loop_timer *timer; /* to the next request, or to the next look at the one under way */
    unsigned failures;        /* one after the other */
    struct kubernetes_trouble trouble;
};

static void watch_start(struct kubernetes_watch *watch);

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = value ? strdup(value) : NULL;
}

static uint64_t random_below(uint64_t limit)
{
    uint64_t number = 0;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        number = clock_monotonic_ns();
    return number % limit;
}

/* --- between requests --- */

static void watch_well(struct kubernetes_watch *watch)
{
    watch->answered = true;
    watch->failures = 0;
    kubernetes_trouble_end(&watch->trouble, watch->place);
}

static void watch_wait(struct kubernetes_watch *watch, uint64_t least_ns)
{
    uint64_t backoff = LEAST_BACKOFF;

    for (unsigned i = 1; i < watch->failures && backoff < MOST_BACKOFF; i++)
        backoff *= 2;
    if (backoff > MOST_BACKOFF)
        backoff = MOST_BACKOFF;
    backoff = backoff / 2 + random_below(backoff / 2);
    if (least_ns > MOST_RETRY_AFTER)
        least_ns = MOST_RETRY_AFTER;
    loop_timer_after(watch->timer, backoff > least_ns ? backoff : least_ns);
}

/* Everything is listed again, from the newest version: what is cached may be as old as what failed.
 */
static void watch_restart(struct kubernetes_watch *watch)
{
    set_text(&watch->version, NULL);
    set_text(&watch->continue_token, NULL);
    set_text(&watch->list_from, "");
}

static void watch_fail(struct kubernetes_watch *watch, enum kubernetes_trouble_kind kind,
                       int status, struct text reason)
{
    watch->failures++;
    metric_add(watch->environment.failures, 1);
    kubernetes_trouble_begin(&watch->trouble, kind, watch->place, status, reason);
    watch_wait(watch, watch->said.retry_after_ns);
}

/* --- events --- */

static bool is_end_of_list(const json_t *object)
{
    const json_t *annotations = json_object_get(json_object_get(object, "metadata"), "annotations");

    return text_equal(kubernetes_text(annotations, "k8s.io/initial-events-end"), TEXT("true"));
}

/* During a streaming list each object has the version of its own last change: only the bookmark at
 * the end says where the list stands. */
static void watch_advance(struct kubernetes_watch *watch, const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));

    if (version && *version && watch->request == REQUEST_WATCH)
        set_text(&watch->version, version);
}

static void watch_end_list(struct kubernetes_watch *watch)
{
    watch->handler.on_listed(watch->handler.context);
    watch->no_pages = false;
}

static int take_event(struct kubernetes_watch *watch, struct text type, const json_t *object)
{
    const struct kubernetes_watch_handler *handler = &watch->handler;

    if (text_equal(type, TEXT("ERROR"))) {
        kubernetes_status_read(&watch->said, object);
        return -ECANCELED;
    }
    if (text_equal(type, TEXT("ADDED")) || text_equal(type, TEXT("MODIFIED"))) {
        handler->on_put(handler->context, object);
    } else if (text_equal(type, TEXT("DELETED"))) {
        handler->on_delete(handler->context, object);
    } else if (!text_equal(type, TEXT("BOOKMARK"))) {
        return -EBADMSG;
    } else if (watch->request == REQUEST_STREAMING_LIST && is_end_of_list(object)) {
        watch->request = REQUEST_WATCH;
        watch_end_list(watch);
    }
    watch_advance(watch, object);
    if (!watch->answered && watch->request == REQUEST_WATCH)
        watch_well(watch);
    return 0;
}

static int on_value(void *context, struct text value)
{
    struct kubernetes_watch *watch = context;
    const struct kubernetes_watch_handler *handler = &watch->handler;
    json_t *json = kubernetes_parse(value);
    int error = 0;

    watch->values++;
    if (!json_is_object(json)) {
        error = -EBADMSG;
    } else if (watch->request == REQUEST_LIST) {
        handler->on_put(handler->context, json);
    } else {
        const json_t *object = json_object_get(json, "object");
        error = json_is_object(object) ? take_event(watch, kubernetes_text(json, "type"), object)
                                       : -EBADMSG;
    }
    json_decref(json);
    return error;
}

static int on_head(void *context, const struct http_head *head)
{
    struct kubernetes_watch *watch = context;

    watch->status = head->status;
    return 0;
}

static int on_body(void *context, const char *bytes, size_t length)
{
    struct kubernetes_watch *watch = context;

    if (watch->status == 200)
        watch->body_error = json_splitter_feed(&watch->splitter, bytes, length);
    else
        buffer_append(&watch->error_body, bytes, length);
    return watch->body_error;
}

/* --- the end of a request --- */

static void use_pages(struct kubernetes_watch *watch, const char *reason)
{
    log_debug("discover", "the API server gives no streaming list; pages of a list instead",
              LOG_STR("request", watch->place), LOG_STR("reason", reason));
    watch->no_streaming_list = true;
    watch_start(watch);
}

static void list_page_done(struct kubernetes_watch *watch)
{
    json_t *json = kubernetes_parse(buffer_text(&watch->splitter.rest));
    const json_t *metadata = json_object_get(json, "metadata");
    const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));
    const char *token = json_string_value(json_object_get(metadata, "continue"));
    bool first = !watch->continue_token;

    if (!json_is_object(json) || !version) {
        watch_fail(watch, KUBERNETES_GARBAGE, 200, TEXT("no list with a resourceVersion"));
    } else if (!first && strcmp(version, watch->page_version ? watch->page_version : "") != 0) {
        /* Some servers answer a token that they have forgotten with another list. */
        watch->no_pages = true;
        watch_restart(watch);
        watch_fail(watch, KUBERNETES_GONE, 200, TEXT("the pages of the list do not fit together"));
    } else {
        if (first)
            set_text(&watch->page_version, version);
        set_text(&watch->continue_token, token && *token ? token : NULL);
        if (!watch->continue_token) {
            set_text(&watch->version, version);
            watch_end_list(watch);
        }
        watch_well(watch);
        watch_start(watch);
    }
    json_decref(json);
}

/* A watch that ended as it should, or that was cut: it goes on from where it was. */
static void stream_done(struct kubernetes_watch *watch, const char *error)
{
    if (watch->request == REQUEST_STREAMING_LIST && !error) {
        use_pages(watch, "it ended before its end was marked");
        return;
    }
    if (watch->answered && clock_monotonic_ns() - watch->started_ns >= SHORT_WATCH) {
        watch_start(watch);
        return;
    }
    metric_add(watch->environment.failures, 1);
    if (++watch->failures >= 3)
        kubernetes_trouble_begin(&watch->trouble, KUBERNETES_CUT, watch->place, 0,
                                 text_of(error ? error : "it ended without an event"));
    watch_wait(watch, 0);
}

static void said_done(struct kubernetes_watch *watch)
{
    const struct kubernetes_status *said = &watch->said;
    bool refused_stream = watch->request == REQUEST_STREAMING_LIST &&
                          (said->code == 400 || said->code == 404 || said->code == 422);
    bool in_stream = watch->status == 200; /* an event, behind a good begin */

    if (refused_stream && !watch->values) {
        use_pages(watch, said->reason);
        return;
    }
    if (said->code == 410) {
        watch->no_pages = watch->continue_token != NULL;
        watch_restart(watch);
    } else if (said->version_too_large || (in_stream && said->code != 429)) {
        watch_restart(watch); /* from the same version the same would come again */
    }
    watch_fail(watch, kubernetes_trouble_of(said->code), said->code, text_of(said->reason));
}

static void on_done(void *context, const struct http_response *response)
{
    struct kubernetes_watch *watch = context;
    enum watch_request request = watch->request;

    watch->call = NULL;
    loop_timer_disarm(watch->timer);
    if (response->retry_after_ms > 0)
        watch->said.retry_after_ns = (uint64_t)response->retry_after_ms * NS_PER_MS;
    if (response->status && response->status != 200) {
        kubernetes_status_read_body(&watch->said, buffer_text(&watch->error_body));
        watch->said.code = response->status;
        if (!watch->said.reason[0])
            snprintf(watch->said.reason, sizeof(watch->said.reason), "%s", response->status_text);
    }
    if (watch->splitter.skipped)
        log_warn("discover", "objects of the Kubernetes API are too large and are left out",
                 LOG_STR("request", watch->place), LOG_UINT("objects", watch->splitter.skipped));
    if (watch->said.code) {
        said_done(watch);
    } else if (!response->status) {
        watch_fail(watch, KUBERNETES_UNREACHABLE, 0, text_of(response->error));
    } else if (watch->body_error == -EBADMSG || watch->body_error == -ECANCELED) {
        watch_restart(watch);
        watch_fail(watch, KUBERNETES_GARBAGE, 200, TEXT("no JSON of that kind"));
    } else if (request != REQUEST_LIST) {
        stream_done(watch, response->error);
    } else if (response->error || !json_splitter_is_complete(&watch->splitter)) {
        watch_fail(watch, response->error ? KUBERNETES_CUT : KUBERNETES_GARBAGE, 200,
                   text_of(response->error ? response->error : "the list is cut off"));
    } else {
        list_page_done(watch);
    }
}

/* --- requests --- */

static void on_check(struct kubernetes_watch *watch)
{
    int status = http_call_status(watch->call);
    uint64_t age = clock_monotonic_ns() - watch->started_ns;

    if (status == 200 && watch->request == REQUEST_WATCH) {
        watch_well(watch); /* and it has lasted: there is nothing to say at present */
        return;
    }
    if (watch->values != watch->values_checked) {
        watch->values_checked = watch->values;
        watch->started_ns = clock_monotonic_ns();
    }
    if (age < ANSWER_TIMEOUT || (status && watch->request == REQUEST_LIST)) {
        loop_timer_after(watch->timer, CHECK_INTERVAL);
        return;
    }
    http_call_cancel(&watch->call);
    if (status && watch->request == REQUEST_STREAMING_LIST)
        use_pages(watch, "its end does not come");
    else
        watch_fail(watch, KUBERNETES_UNREACHABLE, 0, TEXT("no answer within 30s"));
}

static void on_timer(void *context)
{
    struct kubernetes_watch *watch = context;

    if (watch->call)
        on_check(watch);
    else
        watch_start(watch);
}

static int make_url(struct kubernetes_watch *watch, unsigned watch_seconds, struct buffer *url)
{
    if (watch->request == REQUEST_LIST)
        return kubernetes_url_list(&watch->query, watch->list_from,
                                   watch->no_pages ? 0 : PAGE_OBJECTS, watch->continue_token, url);
    bool initial = watch->request == REQUEST_STREAMING_LIST;
    return kubernetes_url_watch(&watch->query, initial ? watch->list_from : watch->version, initial,
                                watch_seconds, url);
}

static void watch_prepare(struct kubernetes_watch *watch)
{
    if (watch->version)
        watch->request = REQUEST_WATCH;
    else
        watch->request = watch->no_streaming_list ? REQUEST_LIST : REQUEST_STREAMING_LIST;
    json_splitter_free(&watch->splitter);
    json_splitter_init(&watch->splitter, watch->request == REQUEST_LIST ? JSON_ITEMS : JSON_LINES,
                       KUBERNETES_MAX_OBJECT, on_value, watch);
    buffer_clear(&watch->error_body);
    watch->said = (struct kubernetes_status){0};
    watch->status = watch->body_error = 0;
    watch->values = watch->values_checked = 0;
    watch->answered = false;
    watch->started_ns = clock_monotonic_ns();
    if (!watch->version && !watch->continue_token)
        watch->handler.on_list(watch->handler.context);
}

static void watch_start(struct kubernetes_watch *watch)
{
    static const struct http_header headers[] = {{"Accept", "application/json"}};
    unsigned seconds = WATCH_LEAST_SECONDS + (unsigned)random_below(WATCH_LEAST_SECONDS);
    autobuffer struct buffer url;

    watch_prepare(watch);
    buffer_init(&url, KUBERNETES_MAX_URL);
    int error = make_url(watch, seconds, &url);
    bool list = watch->request == REQUEST_LIST;
    struct http_request request = {
        .method = "GET",
        .url = url.bytes,
        .config = watch->query.http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .accept_gzip = list,
        .timeout_ns = list ? LIST_TIMEOUT : seconds * NS_PER_SECOND + WATCH_GRACE,
        .max_response_bytes = SIZE_MAX,
        .on_head = on_head,
        .on_body = on_body,
        .on_done = on_done,
        .context = watch,
    };
    if (!error)
        error = http_client_start(watch->environment.http, &request, &watch->call);
    if (error)
        watch_fail(watch, KUBERNETES_UNREACHABLE, 0, text_of(strerror(-error)));
    else
        loop_timer_after(watch->timer, CHECK_INTERVAL);
}

/* --- the whole --- */

static int watch_fill(struct kubernetes_watch *watch, const struct kubernetes_query *query)
{
    autobuffer struct buffer place;

    buffer_init(&place, KUBERNETES_MAX_URL);
    int error = kubernetes_query_copy(&watch->query, query);
    if (!error)
        error = kubernetes_url_begin(query, &place);
    if (error)
        return error;
    watch->place = http_url_redacted(place.bytes);
    set_text(&watch->list_from, "0");
    if (!watch->place || !watch->list_from)
        return -ENOMEM;
    return loop_timer_new(watch->environment.loop, on_timer, watch, &watch->timer);
}

int kubernetes_watch_new(const struct kubernetes_watch_environment *environment,
                         const struct kubernetes_query *query,
                         const struct kubernetes_watch_handler *handler,
                         struct kubernetes_watch **out)
{
    struct kubernetes_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->environment = *environment;
    watch->handler = *handler;
    buffer_init(&watch->error_body, MAX_ERROR_BODY);
    int error = watch_fill(watch, query);
    if (error) {
        kubernetes_watch_free(&watch);
        return error;
    }
    loop_timer_after(watch->timer, 0);
    *out = watch;
    return 0;
}

void kubernetes_watch_free(struct kubernetes_watch **out)
{
    struct kubernetes_watch *watch = *out;

    *out = NULL;
    if (!watch)
        return;
    http_call_cancel(&watch->call);
    loop_timer_free(&watch->timer);
    json_splitter_free(&watch->splitter);
    buffer_free(&watch->error_body);
    kubernetes_query_free(&watch->query);
    free(watch->place);
    free(watch->version);
    free(watch->list_from);
    free(watch->page_version);
    free(watch->continue_token);
    free(watch);
}
