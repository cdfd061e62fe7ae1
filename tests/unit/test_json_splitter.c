/* SPDX-License-Identifier: Apache-2.0 */
/* discover/json_splitter: values and rest by tables, in every cut of the input. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/json_splitter.h"

#define MAX_VALUE 64

/* The values, each followed by a line break. */
static struct buffer seen;

static int on_value(void *context, struct text value)
{
    (void)context;
    assert_int_equal(buffer_append_text(&seen, value), 0);
    assert_int_equal(buffer_append_char(&seen, '\n'), 0);
    return 0;
}

struct split_case {
    enum json_splitter_mode mode;
    const char *input, *values, *rest;
    int error;
    bool complete;
    size_t skipped;
};

static const struct split_case cases[] = {
    {JSON_LINES, "", "", "", 0, true},
    {JSON_LINES, " \r\n\t", "", "", 0, true},
    {JSON_LINES, "{}", "{}\n", "", 0, true},
    {JSON_LINES, "{\"a\":1}\n{\"b\":[{}, 2]}\n", "{\"a\":1}\n{\"b\":[{}, 2]}\n", "", 0, true},
    {JSON_LINES, "{}{}", "{}\n{}\n", "", 0, true},
    {JSON_LINES, "{\"a\":\"}\\\"{\\\\\"}", "{\"a\":\"}\\\"{\\\\\"}\n", "", 0, true},
    {JSON_LINES, "{\"o\":{\"a\":\"\\n\"}}{}", "{\"o\":{\"a\":\"\\n\"}}\n{}\n", "", 0, true},
    {JSON_LINES, "{\"a\":{\"b\":\"]", "", "", 0, false},
    {JSON_LINES, "{\"items\":[{}]}", "{\"items\":[{}]}\n", "", 0, true},
    {JSON_LINES, "[{}]", "", "", -EBADMSG, true},
    {JSON_LINES, "<html>", "", "", -EBADMSG, true},
    {JSON_LINES, "{}x", "{}\n", "", -EBADMSG, true},
    {JSON_LINES, "{},{}", "{}\n", "", -EBADMSG, true},
    {JSON_LINES, "}", "", "", -EBADMSG, true},
    {JSON_LINES, "null", "", "", -EBADMSG, true},

    {JSON_ITEMS, "", "", "", 0, false},
    {JSON_ITEMS, "{}", "", "{}", 0, true},
    {JSON_ITEMS, "{\"kind\":\"L\",\"items\":[{\"a\":1},{\"b\":[]}],\"z\":{\"items\":[{}]}}\n",
     "{\"a\":1}\n{\"b\":[]}\n", "{\"kind\":\"L\",\"items\":[],\"z\":{\"items\":[{}]}}\n", 0, true},
    {JSON_ITEMS, "{ \"items\" : [ { } , { } ] }", "{ }\n{ }\n", "{ \"items\" : [] }", 0, true},
    {JSON_ITEMS, "{\"items\":[{\"a\":\"\\u007b\"},{}]}", "{\"a\":\"\\u007b\"}\n{}\n",
     "{\"items\":[]}", 0, true},
    {JSON_ITEMS, "{\"items\":[]}", "", "{\"items\":[]}", 0, true},
    {JSON_ITEMS, "{\"items\":null}", "", "{\"items\":null}", 0, true},
    {JSON_ITEMS, "{\"items\":{\"a\":[{}]}}", "", "{\"items\":{\"a\":[{}]}}", 0, true},
    {JSON_ITEMS, "{\"kind\":\"items\",\"a\":[{}]}", "", "{\"kind\":\"items\",\"a\":[{}]}", 0, true},
    {JSON_ITEMS, "{\"itemsabc\":[{}]}", "", "{\"itemsabc\":[{}]}", 0, true},
    {JSON_ITEMS, "{\"a\":{\"items\":[{}]}}", "", "{\"a\":{\"items\":[{}]}}", 0, true},
    {JSON_ITEMS, "{\"items\":[{\"a\":", "", "{\"items\":[", 0, false},
    {JSON_ITEMS, "{\"items\":[{}]", "{}\n", "{\"items\":[]", 0, false},
    {JSON_ITEMS, "{\"items\":[1]}", "", "{\"items\":[", -EBADMSG, false},
    {JSON_ITEMS, "{\"items\":[\"a\"]}", "", "{\"items\":[", -EBADMSG, false},
    {JSON_ITEMS, "{\"items\":[[]]}", "", "{\"items\":[", -EBADMSG, false},
    {JSON_ITEMS, "{}{}", "", "{}", -EBADMSG, true},
    {JSON_ITEMS, "[]", "", "", -EBADMSG, false},

    /* 65 bytes are too many, 64 are not */
    {JSON_LINES,
     "{\"a\":\"012345678901234567890123456789012345678901234567890123456\"}"
     "{\"a\":\"01234567890123456789012345678901234567890123456789012345\"}",
     "{\"a\":\"01234567890123456789012345678901234567890123456789012345\"}\n", "", 0, true, 1},
    {JSON_ITEMS,
     "{\"items\":[{\"a\":\"012345678901234567890123456789012345678901234567890123456\"},{}]}",
     "{}\n", "{\"items\":[]}", 0, true, 1},
};

static void check_case(const struct split_case *c, size_t piece)
{
    struct json_splitter splitter;
    size_t length = strlen(c->input);
    int error = 0;

    buffer_clear(&seen);
    buffer_append_string(&seen, "");
    json_splitter_init(&splitter, c->mode, MAX_VALUE, on_value, NULL);
    for (size_t at = 0; at < length && !error; at += piece) {
        /* a copy of its own: the sanitizer sees what is read beyond it */
        size_t count = length - at < piece ? length - at : piece;
        autofree char *copy = malloc(count);
        memcpy(copy, c->input + at, count);
        error = json_splitter_feed(&splitter, copy, count);
    }
    if (error != c->error || strcmp(seen.bytes, c->values) != 0 || splitter.skipped != c->skipped ||
        (!error && json_splitter_is_complete(&splitter) != c->complete) ||
        !text_equal(buffer_text(&splitter.rest), text_of(c->rest)))
        fail_msg("%s in pieces of %zu: error %d, values %s, rest %.*s, %zu skipped", c->input,
                 piece, error, seen.bytes, TEXT_FORMAT(buffer_text(&splitter.rest)),
                 splitter.skipped);
    json_splitter_free(&splitter);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (size_t piece = 1; piece <= strlen(cases[i].input) + 1; piece++)
            check_case(&cases[i], piece);
}

static void test_depth(void **state)
{
    (void)state;
    struct json_splitter splitter;
    json_splitter_init(&splitter, JSON_LINES, 4096, on_value, NULL);
    assert_int_equal(json_splitter_feed(&splitter, "{\"a\":", 5), 0);
    for (unsigned i = 1; i < JSON_SPLITTER_MAX_DEPTH; i++)
        assert_int_equal(json_splitter_feed(&splitter, "[", 1), 0);
    assert_int_equal(json_splitter_feed(&splitter, "[", 1), -EBADMSG);
    json_splitter_free(&splitter);
}

static int refuse(void *context, struct text value)
{
    (void)context;
    (void)value;
    return -ECANCELED;
}

static void test_refused(void **state)
{
    (void)state;
    struct json_splitter splitter;
    json_splitter_init(&splitter, JSON_LINES, MAX_VALUE, refuse, NULL);
    assert_int_equal(json_splitter_feed(&splitter, "{}", 2), -ECANCELED);
    json_splitter_free(&splitter);
}

static void test_large_rest(void **state)
{
    (void)state;
    static char spaces[1 << 16];
    struct json_splitter splitter;
    int error = 0;
    memset(spaces, ' ', sizeof(spaces));
    json_splitter_init(&splitter, JSON_ITEMS, MAX_VALUE, on_value, NULL);
    assert_int_equal(json_splitter_feed(&splitter, "{", 1), 0);
    for (unsigned i = 0; i < 64 && !error; i++)
        error = json_splitter_feed(&splitter, spaces, sizeof(spaces));
    assert_int_equal(error, -E2BIG);
    json_splitter_free(&splitter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_large_rest),
    };
    buffer_init(&seen, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_free(&seen);
    return failed;
}
