/* SPDX-License-Identifier: Apache-2.0 */
/* edgemeter top: readings to tables, what is drawn of hostile names, and what the keys do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "top/terminal.h"
#include "top/top_json.h"
#include "top/top_keys.h"
#include "top/top_quantile.h"
#include "top/top_text.h"

#define ENTRY(role, labels, status, count, buckets)                                          \
    "{\"role\":\"" role "\",\"labels\":{" labels "},\"method\":\"GET\",\"status\":\"" status \
    "\",\"count\":" count ",\"requestBytes\":10,\"responseBytes\":" count                    \
    "00,\"buckets\":[" buckets "]}"
#define ANSWER(time, requests, unanswered)                              \
    "{\"status\":\"success\",\"data\":{\"enabled\":true,\"time\":" time \
    ",\"bounds\":[0.1,1],\"requests\":[" requests "],\"unanswered\":[" unanswered "]}}"
#define WEB "\"namespace\":\"shop\",\"pod\":\"web-1\",\"container\":\"c\""

static struct top_reading *parse(const char *json)
{
    struct top_reading *reading = NULL;
    const char *why = NULL;
    assert_int_equal(top_reading_parse(text_of(json), &reading, &why), 0);
    return reading;
}

static struct top_table *build(const char *before, const char *now, const struct top_view *view)
{
    struct top_table *table = NULL;
    autoreading struct top_reading *first = before ? parse(before) : NULL;
    autoreading struct top_reading *second = parse(now);
    assert_int_equal(top_table_build(first, second, view, &table), 0);
    return table;
}

static void test_refused_readings(void **state)
{
    static const char *const refused[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"data\":[]}",
        "{\"data\":{\"enabled\":true,\"time\":\"1\",\"requests\":[]}}",
        ANSWER("1", "7", ""),
        ANSWER("1", "{\"role\":\"server\"}", ""),
        ANSWER("1", ENTRY("server", WEB, "200", "1", "1"), ""),
        ANSWER("1", ENTRY("server", WEB, "200", "1", "1,0,0,0"), ""),
        "{\"data\":{\"time\":1,\"bounds\":[2,1],\"requests\":[]}}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct top_reading *reading = NULL;
        const char *why = NULL;
        print_message("%s\n", refused[i]);
        assert_int_equal(top_reading_parse(text_of(refused[i]), &reading, &why), -EINVAL);
        assert_non_null(why);
        assert_null(reading);
    }
}

static void test_rates_and_sums(void **state)
{
    const struct top_view view = {.sort = TOP_RATE};
    autotable struct top_table *table =
        build(ANSWER("100", ENTRY("server", WEB, "200", "10", "10,0,0"), ""),
              ANSWER("104",
                     ENTRY("server", WEB, "200", "40", "20,20,0") "," ENTRY(
                         "server", WEB, "500", "10",
                         "0,0,10") "," ENTRY("client", WEB, "200", "7",
                                             "7,0,0") "," ENTRY("server", "\"service\":\"cron\"",
                                                                "200", "2", "2,0,0"),
                     "{\"role\":\"server\",\"labels\":{" WEB "},\"count\":3}"),
              &view);
    (void)state;

    assert_int_equal(table->count, 2);
    const struct top_line *web = &table->lines[0];
    assert_string_equal(web->name, "shop/web-1");
    assert_string_equal(table->lines[1].name, "cron");
    assert_float_equal(top_line_value(table, web, TOP_RATE), 10, 0);
    assert_float_equal(top_line_value(table, web, TOP_ERRORS), 0.25, 0);
    assert_float_equal(top_line_value(table, web, TOP_OUT), 1000, 0);
    assert_float_equal(top_line_value(table, web, TOP_REQUESTS), 50, 0);
    assert_float_equal(top_line_value(table, web, TOP_UNANSWERED), 3, 0);
    /* 10 up to 0.1, 20 up to 1, 10 above: the 20th lies in the middle of the second bucket. */
    assert_float_equal(top_line_value(table, web, TOP_P50), 0.55, 1e-12);
    assert_float_equal(top_line_value(table, web, TOP_P99), 1, 0);
    assert_float_equal(top_line_value(table, &table->sum, TOP_RATE), 10.5, 0);
}

static void test_one_reading_has_no_rates(void **state)
{
    const struct top_view view = {.sort = TOP_RATE};
    autotable struct top_table *table =
        build(NULL, ANSWER("100", ENTRY("server", WEB, "200", "10", "10,0,0"), ""), &view);
    (void)state;
    assert_true(isnan(top_line_value(table, &table->lines[0], TOP_RATE)));
    assert_true(isnan(top_line_value(table, &table->lines[0], TOP_P50)));
    assert_float_equal(top_line_value(table, &table->lines[0], TOP_REQUESTS), 10, 0);
}

/* The agent was started again in between: what it has is what happened since. */
static void test_restart(void **state)
{
    const struct top_view view = {.sort = TOP_RATE};
    autotable struct top_table *table =
        build(ANSWER("100", ENTRY("server", WEB, "200", "10", "10,0,0"), ""),
              ANSWER("102", ENTRY("server", WEB, "200", "4", "4,0,0"), ""), &view);
    (void)state;
    assert_float_equal(top_line_value(table, &table->lines[0], TOP_RATE), 2, 0);
}

static void test_grouping_filter_and_order(void **state)
{
    static const char now[] =
        ANSWER("1",
               ENTRY("server", "\"cgroup\":\"/b\"", "200", "1", "1,0,0") "," ENTRY(
                   "server", "\"cgroup\":\"/a\"", "200", "2",
                   "2,0,0") "," ENTRY("server", WEB, "404", "3",
                                      "3,0,0") "," ENTRY("server", "", "200", "4", "4,0,0"),
               "");
    static const struct {
        struct top_view view;
        const char *names[5];
    } cases[] = {
        {{.sort = TOP_REQUESTS}, {"other", "shop/web-1", "/a", "/b"}},
        {{.sort = TOP_REQUESTS, .reverse = true}, {"/b", "/a", "shop/web-1", "other"}},
        {{.sort = TOP_NAME}, {"/a", "/b", "other", "shop/web-1"}},
        {{.sort = TOP_NAME, .reverse = true}, {"shop/web-1", "other", "/b", "/a"}},
        {{.sort = TOP_RATE}, {"/a", "/b", "other", "shop/web-1"}},
        {{.sort = TOP_NAME, .filter = "WEB"}, {"shop/web-1"}},
        {{.sort = TOP_NAME, .by = "status"}, {"200", "404"}},
        {{.sort = TOP_NAME, .by = "namespace,status"}, {"- 200", "shop 404"}},
        {{.sort = TOP_NAME, .role = TOP_CLIENT}, {NULL}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autotable struct top_table *table = build(NULL, now, &cases[i].view);
        size_t count = 0;
        while (cases[i].names[count])
            count++;
        print_message("case %zu\n", i);
        assert_int_equal(table->count, count);
        for (size_t j = 0; j < count; j++)
            assert_string_equal(table->lines[j].name, cases[i].names[j]);
    }
}

/* Values that a Prometheus gives for histogram_quantile() over the same buckets. */
static void test_quantiles(void **state)
{
    static const double bounds[] = {0.1, 0.2, 0.5};
    static const struct {
        double q;
        uint64_t counts[4];
        double value;
    } cases[] = {
        {0.5, {10, 0, 0, 0}, 0.05}, {0.9, {5, 5, 0, 0}, 0.18}, {0.5, {0, 0, 4, 4}, 0.5},
        {0.99, {0, 0, 0, 1}, 0.5},  {0.5, {1, 0, 1, 0}, 0.1},  {0.75, {1, 0, 1, 0}, 0.35},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_float_equal(top_quantile(cases[i].q, bounds, 3, cases[i].counts), cases[i].value,
                           1e-12);
    assert_true(isnan(top_quantile(0.5, bounds, 3, (const uint64_t[4]){0})));
}

static void assert_put(const char *text, size_t length, size_t width, const char *wanted)
{
    autobuffer struct buffer out;
    buffer_init(&out, 1000);
    top_text_put(&out, (struct text){text, length}, width);
    assert_string_equal(out.bytes, wanted);
}

#define PUT(text, width, wanted) assert_put(text, sizeof(text) - 1, width, wanted)

static void test_text_is_harmless(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    setenv("LC_ALL", "C.UTF-8", 1);
    top_text_setup();
    PUT("abc", 5, "abc  ");
    PUT("abcdef", 4, "abc…");
    PUT("a\033[2Jb", 8, "a\uFFFD[2Jb  ");
    PUT("a\nb\0c\x7f", 6, "a\uFFFDb\uFFFDc\uFFFD");
    PUT("\xc2\x9b"
        "31m",
        4, "\uFFFD31m");                    /* a C1 control: CSI */
    PUT("a\xe2\x80\xaexe", 4, "a\uFFFDxe"); /* right to left from here on */
    PUT("\xff\xfe", 2, "\uFFFD\uFFFD");     /* no UTF-8 */
    PUT("\xe6\x97\xa5\xe6\x9c\xac", 6, "\xe6\x97\xa5\xe6\x9c\xac  "); /* two columns each */
    PUT("\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5…");
    PUT("\xe6\x97\xa5\xe6\x9c\xac", 2, "… ");
    setenv("LC_ALL", "C", 1);
    top_text_setup();
    PUT("\xc3\xa9t\xc3\xa9", 4, "?t? ");
    PUT("abcdef", 4, "abc~");
}

static void test_numbers(void **state)
{
    static const struct {
        void (*write)(double value, char out[TOP_NUMBER_SIZE]);
        double value;
        const char *text;
    } cases[] = {
        {top_text_count, NAN, "-"},       {top_text_count, 0, "0"},
        {top_text_count, 0.5, "0.50"},    {top_text_count, 42, "42"},
        {top_text_count, 999.7, "1.00k"}, {top_text_count, 1234567, "1.23M"},
        {top_text_bytes, 1536, "1.50K"},  {top_text_bytes, 20, "20"},
        {top_text_share, 0, "0%"},        {top_text_share, 0.125, "12.5%"},
        {top_text_share, 1, "100%"},      {top_text_share, 1e-5, "0.00%"},
        {top_text_count, 1e30, "1e+18"},
    };
    char out[TOP_NUMBER_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        cases[i].write(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
    top_text_seconds(0.0012, 10, out);
    assert_string_equal(out, "1.20ms");
    top_text_seconds(2.5, 10, out);
    assert_string_equal(out, "2.50s");
    top_text_seconds(10, 10, out);
    assert_string_equal(out, ">10.0s");
}

static void test_keys_are_told_apart(void **state)
{
    static const char typed[] = "q\033[A\033[5~\033OB\033\033[200~x";
    static const int wanted[] = {'q', KEY_UP, KEY_PAGE_UP, KEY_DOWN, KEY_ESCAPE, KEY_OTHER, 'x', 0};
    const char *at = typed;
    size_t left = sizeof(typed) - 1;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        assert_int_equal(terminal_take_key(&at, &left), wanted[i]);
}

static void press(struct top_screen *screen, const char *keys)
{
    size_t left = strlen(keys);
    int key;
    while ((key = terminal_take_key(&keys, &left)))
        assert_true(top_key(screen, key, 24));
}

static void test_keys(void **state)
{
    struct top_screen screen = {.view = {.sort = TOP_RATE}};
    (void)state;
    press(&screen, "/we\xc3\xa9\x7f\x7f"
                   "b\r");
    assert_string_equal(screen.filter, "wb");
    press(&screen, "\033[C\033[C\033[D>");
    assert_int_equal(screen.view.sort, TOP_P50);
    press(&screen, "rc ");
    assert_true(screen.view.reverse && screen.paused && screen.view.role == TOP_CLIENT);
    press(&screen, "b");
    assert_string_equal(screen.view.by, "namespace,pod,container");
    press(&screen, "bbbb");
    assert_null(screen.view.by);
    press(&screen, "\033[6~");
    assert_int_equal(screen.first, 20);
    press(&screen, "\033[A");
    assert_int_equal(screen.first, 19);
    press(&screen, "\033");
    assert_string_equal(screen.filter, "");
    assert_false(top_key(&screen, 'q', 24));
}

/* As many lines as the terminal has, none wider than it, whatever its size. */
static void test_screen_fits(void **state)
{
    const struct top_view view = {.sort = TOP_RATE};
    struct top_screen screen = {.view = view, .source = "http://127.0.0.1:9595"};
    autoreading struct top_reading *reading = parse(ANSWER(
        "1",
        ENTRY("server", "\"pod\":\"a-rather-long-name-of-a-pod-0123456789\"", "500", "1", "1,0,0"),
        ""));
    autotable struct top_table *table = NULL;
    autobuffer struct buffer out;
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    top_text_setup();
    buffer_init(&out, 1 << 20);
    assert_int_equal(top_table_build(reading, reading, &view, &table), 0);
    for (size_t columns = 1; columns < 200; columns++) {
        size_t newlines = 0, width = 0;
        buffer_clear(&out);
        top_screen_draw(&screen, table, 12, columns, &out);
        for (const char *at = out.bytes; *at; at++) {
            if (*at == '\033') {
                at += strcspn(at, "HKJm");
            } else if (*at == '\n') {
                newlines++;
                assert_true(width <= columns || columns < 40);
                width = 0;
            } else if (*at != '\r' && ((unsigned char)*at & 0xc0) != 0x80) {
                width++;
            }
        }
        assert_int_equal(newlines, 11);
        assert_true(columns < 80 || strstr(out.bytes, "a-rather"));
    }
}

static void test_json(void **state)
{
    const struct top_view view = {.sort = TOP_RATE};
    autotable struct top_table *table = build(
        NULL, ANSWER("1", ENTRY("server", "\"pod\":\"a\\\"b\\u001b\"", "500", "2", "2,0,0"), ""),
        &view);
    autobuffer struct buffer out;
    (void)state;
    buffer_init(&out, 10000);
    assert_int_equal(top_json_write(table, &view, 1.5, &out), 0);
    assert_string_equal(out.bytes,
                        "{\"time\":1.5,\"seconds\":0,\"role\":\"server\",\"lines\":[{\"name\":"
                        "\"a\\\"b\\u001b\",\"requestsPerSecond\":null,\"errorShare\":null,"
                        "\"p50\":null,\"p90\":null,\"p99\":null,\"requestBytesPerSecond\":null,"
                        "\"responseBytesPerSecond\":null,\"requests\":2,\"errors\":2,"
                        "\"unanswered\":0,\"requestBytes\":10,\"responseBytes\":200}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_readings),
        cmocka_unit_test(test_rates_and_sums),
        cmocka_unit_test(test_one_reading_has_no_rates),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_grouping_filter_and_order),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_text_is_harmless),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_keys_are_told_apart),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_screen_fits),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
