/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch asks for next, by what was answered before, and what it hands over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "discover/kubernetes_object.h"
#include "discover/kubernetes_watch.h"
#include "kubernetes_fixture.h"

#define META(name, version) \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" META(name, version) "}\n"
#define BOOKMARK(version) \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define LISTED(version)                                                               \
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version \
    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define ERROR_EVENT(code, more) \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" code more "}}\n"
#define PAGE(version, more, items)                                                        \
    STREAM "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\"" more \
           "},\"items\":[" items "]}" CUT
#define INITIAL "sendInitialEvents=true"

static void on_list(void *context)
{
    buffer_append_string(&((struct kubernetes_fixture *)context)->seen, "(");
}

static void on_listed(void *context)
{
    buffer_append_string(&((struct kubernetes_fixture *)context)->seen, ") ");
}

static void note_object(void *context, char sign, const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");

    buffer_printf(&((struct kubernetes_fixture *)context)->seen, "%c%.*s%.*s ", sign,
                  TEXT_FORMAT(kubernetes_text(metadata, "name")),
                  TEXT_FORMAT(kubernetes_text(metadata, "resourceVersion")));
}

static void on_put(void *context, const json_t *object)
{
    note_object(context, '+', object);
}

static void on_delete(void *context, const json_t *object)
{
    note_object(context, '-', object);
}

static void run_script(const struct step *script, size_t steps, const char *expected)
{
    struct kubernetes_fixture fixture;
    struct kubernetes_watch *watch;
    struct http_config http;
    char address[64];

    kubernetes_fixture_start(&fixture, script, steps);
    http_config_init(&http);
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", fixture.server.port);
    const struct kubernetes_query query = {.server = address, .http = &http, .resource = "pods"};
    const struct kubernetes_watch_handler handler = {on_list, on_put, on_delete, on_listed,
                                                     &fixture};
    const struct kubernetes_watch_environment environment = {fixture.loop, fixture.client, NULL};
    assert_int_equal(kubernetes_watch_new(&environment, &query, &handler, &watch), 0);
    fixture.wanted = steps;
    expect_seen(&fixture, expected);
    kubernetes_watch_free(&watch);
    http_config_free(&http);
    kubernetes_fixture_end(&fixture);
}
#define RUN(expected, ...)                                 \
    do {                                                   \
        static const struct step script[] = {__VA_ARGS__}; \
        run_script(script, ARRAY_SIZE(script), expected);  \
    } while (0)

/* Objects of a streaming list come in any order: where it stands is what its last bookmark says. */
static void test_streaming_list(void **state)
{
    (void)state;
    RUN("(+a9 +b2 ) +a7 -b8 +c11 ",
        {"resourceVersion=0&" INITIAL "&resourceVersionMatch=NotOlderThan", NULL,
         STREAM EVENT("ADDED", "a", "9") BOOKMARK("3") EVENT("ADDED", "b", "2") LISTED("5")
             EVENT("MODIFIED", "a", "7") EVENT("DELETED", "b", "8") BOOKMARK("10") CUT},
        {"resourceVersion=10", INITIAL, STREAM EVENT("ADDED", "c", "11")});
}

/* One that is cut is begun anew, and nobody takes what came for all there is. */
static void test_streaming_list_cut(void **state)
{
    (void)state;
    RUN("(+a9 (+a9 ) ",
        {INITIAL, NULL,
         "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" EVENT("ADDED", "a", "9") CUT},
        {INITIAL, NULL, STREAM EVENT("ADDED", "a", "9") LISTED("5")});
}

static void test_pages(void **state)
{
    (void)state;
    RUN("(+a1 (+a1 +b2 ) ", {INITIAL, NULL, STREAM EVENT("ADDED", "a", "1") CUT},
        {"?limit=500&resourceVersion=0", INITIAL,
         PAGE("7", ",\"continue\":\"t/\"", META("a", "1"))},
        {"continue=t%2F", "resourceVersion", PAGE("7", ",\"continue\":\"\"", META("b", "2"))},
        {"watch=true", INITIAL, STREAM});
    RUN("((() () ", {INITIAL, NULL, STATUS(422, "forbidden")},
        {"?limit=500", "continue", PAGE("7", ",\"continue\":\"t\"", "")},
        {"continue=t", NULL, STATUS(500, "busy")}, /* the same page again */
        {"continue=t", NULL, "HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n<html>" CUT},
        {"?limit=0", "Version", PAGE("9", "", "")},
        {"resourceVersion=9", NULL, STREAM ERROR_EVENT("410", "")},
        {"?limit=500", "Version", PAGE("11", "", "")}, {"resourceVersion=11", NULL, STREAM});
}

/* Pages of two lists, a list without its end: neither is taken for all there is. */
static void test_broken_lists(void **state)
{
    (void)state;
    RUN("((+a1 (+b2 (+b2 ) ", {INITIAL, NULL, STATUS(422, "forbidden")},
        {"?limit=500&resourceVersion=0", NULL, PAGE("7", ",\"continue\":\"t\"", META("a", "1"))},
        {"continue=t", NULL, PAGE("8", "", "")},
        {"?limit=0", "Version", STREAM "{\"items\":[" META("b", "2") CUT},
        {"?limit=0", "Version", PAGE("9", "", META("b", "2"))},
        {"resourceVersion=9", NULL, STREAM});
}

/* What is no event ends the watch, and all is listed. */
static void test_garbage(void **state)
{
    (void)state;
    RUN("() +a6 () () ", {INITIAL, NULL, STREAM LISTED("5") EVENT("ADDED", "a", "6") "<html>"},
        {INITIAL, "resourceVersion=", STREAM LISTED("7") EVENT("NEW", "a", "8")},
        {INITIAL, "resourceVersion=", STREAM LISTED("9")});
}

/* A version that is forgotten, in both forms, or not reached yet: all is listed, from the newest.
 */
static void test_versions(void **state)
{
    (void)state;
    RUN("() () () () ", {INITIAL, NULL, STREAM LISTED("5") ERROR_EVENT("410", "")},
        {INITIAL, "resourceVersion=", STREAM LISTED("6") CUT},
        {"resourceVersion=6", INITIAL, STATUS(410, "gone")},
        {INITIAL, "resourceVersion=",
         STREAM LISTED("7") ERROR_EVENT(
             "504", ",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}")},
        {INITIAL, "resourceVersion=", STREAM LISTED("8")});
}

/* What stands behind that version cannot be watched, whatever the reason: the next watch would end
 * in the same way. A server that is merely busy is asked for it again. */
static void test_error_events(void **state)
{
    (void)state;
    RUN("() () +a9 ", {INITIAL, NULL, STREAM LISTED("5") ERROR_EVENT("429", "")},
        {"resourceVersion=5", INITIAL, STREAM ERROR_EVENT("500", "")},
        {INITIAL, "resourceVersion=", STREAM LISTED("8") EVENT("ADDED", "a", "9")});
}

/* A server is not asked again at once that ends a watch as it begins, or that asks for time. */
static void test_pauses(void **state)
{
    uint64_t began_ns = clock_monotonic_ns();

    (void)state;
    RUN("() +a9 ", {INITIAL, NULL, STREAM LISTED("5") CUT},
        {"resourceVersion=5", INITIAL,
         "HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"},
        {"resourceVersion=5", INITIAL, STREAM EVENT("ADDED", "a", "9")});
    assert_true(clock_monotonic_ns() - began_ns > 1300 * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streaming_list), cmocka_unit_test(test_streaming_list_cut),
        cmocka_unit_test(test_pages),          cmocka_unit_test(test_broken_lists),
        cmocka_unit_test(test_garbage),        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_error_events),   cmocka_unit_test(test_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
