/* SPDX-License-Identifier: Apache-2.0 */
/* Three lists are filled side by side and put together at the end. */
#include "serve/targets_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json_text.h"
#include "serve/go_time.h"

#define LIST_MAX (64u << 20) /* bytes */
#define HOST_MAX 256

struct targets_page {
    bool show_active, show_dropped;
    char *wanted_pool; /* NULL: all */
    char *pool;        /* the present one */
    bool pool_shown;
    char host[HOST_MAX]; /* ours, for others */
    char port[8];
    struct buffer active, dropped, counts;
};

/* ---- what is asked for ---- */

static void read_request(struct targets_page *page, const struct server_request *request)
{
    const char *state = server_argument(request, "state");
    const char *pool = server_argument(request, "scrapePool");

    state = state ? state : "";
    page->show_active = !*state || !strcasecmp(state, "any") || !strcasecmp(state, "active");
    page->show_dropped = !*state || !strcasecmp(state, "any") || !strcasecmp(state, "dropped");
    page->wanted_pool = pool && *pool ? strdup(pool) : NULL;
}

int targets_page_new(const struct server_request *request, const char *own_address,
                     struct targets_page **out)
{
    struct targets_page *page = calloc(1, sizeof(*page));
    const char *colon = strrchr(own_address, ':');

    if (!page)
        return -ENOMEM;
    read_request(page, request);
    if (gethostname(page->host, sizeof(page->host) - 1))
        snprintf(page->host, sizeof(page->host), "localhost");
    snprintf(page->port, sizeof(page->port), "%.5s", colon ? colon + 1 : "");
    buffer_init(&page->active, LIST_MAX);
    buffer_init(&page->dropped, LIST_MAX);
    buffer_init(&page->counts, LIST_MAX);
    *out = page;
    return 0;
}

void targets_page_free(struct targets_page **page)
{
    if (!*page)
        return;
    free((*page)->wanted_pool);
    free((*page)->pool);
    buffer_free(&(*page)->active);
    buffer_free(&(*page)->dropped);
    buffer_free(&(*page)->counts);
    free(*page);
    *page = NULL;
}

/* ---- pieces of JSON ---- */

static void append_labels(struct buffer *out, const struct labels *labels)
{
    const char *separator = "{";

    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        buffer_append_string(out, separator);
        json_append_string(out, c.label.name);
        buffer_append_char(out, ':');
        json_append_string(out, c.label.value);
        separator = ",";
    }
    buffer_append_string(out, *separator == '{' ? "{}" : "}");
}

static void append_field(struct buffer *out, const char *name, const char *value)
{
    buffer_printf(out, ",\"%s\":", name);
    json_append_string(out, text_of(value));
}

static void append_time(struct buffer *out, const char *name, int64_t ns)
{
    char text[GO_TIME_SIZE];

    go_time(ns, text);
    append_field(out, name, text);
}

/* ---- URLs for others ---- */

static bool is_local(struct text host)
{
    return text_equal(host, TEXT("127.0.0.1")) || text_equal(host, TEXT("localhost")) ||
           text_equal(host, TEXT("[::1]"));
}

/* As Prometheus does it: of a target on this host with a port of its own, the host's name instead;
 * a URL without a port stays as it is. */
static void append_global_url(const struct targets_page *page, struct buffer *out, const char *url)
{
    autobuffer struct buffer global;
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    const char *end = host + strcspn(host, "/?#");
    const char *port = memrchr(host, ':', (size_t)(end - host));
    buffer_init(&global, LIST_MAX);
    bool local = port && is_local((struct text){host, (size_t)(port - host)});
    if (!local)
        buffer_append_string(&global, url);
    else if (text_equal((struct text){port + 1, (size_t)(end - port - 1)}, text_of(page->port)))
        buffer_printf(&global, "http://%s:%s%s", page->host, page->port, end);
    else
        buffer_printf(&global, "%.*s%s%s", (int)(host - url), url, page->host, port);
    append_field(out, "globalUrl", global.bytes ? global.bytes : "");
}

/* ---- the lists ---- */

void targets_page_add_pool(struct targets_page *page, const char *pool, size_t dropped)
{
    page->pool_shown = !page->wanted_pool || !strcmp(page->wanted_pool, pool);
    free(page->pool);
    page->pool = strdup(pool);
    page->counts.failed |= !page->pool;
    if (!page->show_dropped)
        return;
    if (page->counts.length)
        buffer_append_char(&page->counts, ',');
    json_append_string(&page->counts, text_of(pool));
    buffer_printf(&page->counts, ":%zu", dropped);
}

void targets_page_add_target(struct targets_page *page, const struct shown_target *target)
{
    struct buffer *out = &page->active;

    if (!page->show_active || !page->pool_shown)
        return;
    buffer_append_string(out, out->length ? ",{" : "{");
    buffer_append_string(out, "\"discoveredLabels\":");
    append_labels(out, target->discovered);
    buffer_append_string(out, ",\"labels\":");
    append_labels(out, target->labels);
    append_field(out, "scrapePool", target->pool);
    append_field(out, "scrapeUrl", target->url);
    append_global_url(page, out, target->url);
    append_field(out, "lastError", target->error);
    append_time(out, "lastScrape", target->last_scrape_ns);
    buffer_append_string(out, ",\"lastScrapeDuration\":");
    json_append_number(out, target->last_scrape_seconds);
    append_field(out, "health", target->health);
    append_field(out, "scrapeInterval", target->interval);
    append_field(out, "scrapeTimeout", target->timeout);
    buffer_append_char(out, '}');
}

void targets_page_add_dropped(struct targets_page *page, const struct labels *discovered)
{
    struct buffer *out = &page->dropped;

    if (!page->show_dropped || !page->pool_shown)
        return;
    buffer_append_string(out, out->length ? ",{" : "{");
    buffer_append_string(out, "\"discoveredLabels\":");
    append_labels(out, discovered);
    append_field(out, "scrapePool", page->pool ? page->pool : "");
    buffer_append_char(out, '}');
}

static void append_list(struct buffer *out, const char *name, const struct buffer *list)
{
    buffer_printf(out, "\"%s\":[", name);
    if (list->length)
        buffer_append_text(out, buffer_text(list));
    buffer_append_char(out, ']');
    out->failed |= list->failed;
}

void targets_page_write(struct targets_page *page, struct server_response *response)
{
    struct buffer *out = &response->body;

    response->content_type = "application/json";
    buffer_append_string(out, "{\"status\":\"success\",\"data\":{");
    append_list(out, "activeTargets", &page->active);
    buffer_append_char(out, ',');
    append_list(out, "droppedTargets", &page->dropped);
    if (page->show_dropped)
        buffer_printf(out, ",\"droppedTargetCounts\":{%s}}}",
                      page->counts.length ? page->counts.bytes : "");
    else
        buffer_append_string(out, ",\"droppedTargetCounts\":null}}");
    out->failed |= page->counts.failed;
}
