/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text, read back by jansson. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json_text.h"
#include "model/utf8.h"

static json_t *round_trip(struct text text)
{
    autobuffer struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_int_equal(json_append_string(&out, text), 0);
    json_error_t error;
    json_t *value = json_loadb(out.bytes, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!value)
        fail_msg("%s: %s", error.text, out.bytes);
    return value;
}

static void assert_round_trip(struct text text)
{
    json_t *value = round_trip(text);
    assert_int_equal(json_string_length(value), text.length);
    assert_memory_equal(json_string_value(value), text.bytes, text.length);
    json_decref(value);
}

static void test_all_bytes(void **state)
{
    char all[128];
    (void)state;
    for (int i = 0; i < 128; i++)
        all[i] = (char)i;
    assert_round_trip((struct text){all, sizeof(all)});
    assert_round_trip(TEXT(""));
    assert_round_trip(TEXT("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"));
}

static void test_what_is_no_utf8(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\xff", "a\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc3(", "\xef\xbf\xbd("},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *value = round_trip(text_of(cases[i].in));
        assert_string_equal(json_string_value(value), cases[i].out);
        json_decref(value);
    }
}

static void test_random(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 5000; round++) {
        char bytes[40];
        size_t length = (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(rand() % 3 ? rand() % 128 : rand() % 256);
        struct text text = {bytes, length};
        if (utf8_is_valid(text))
            assert_round_trip(text);
        else
            json_decref(round_trip(text)); /* whatever it is, jansson can read it */
    }
}

static void test_numbers(void **state)
{
    static const double numbers[] = {0, 1.5, -2e-300, 0.1, 1e300, 0.004388847};
    autobuffer struct buffer out;
    (void)state;
    buffer_init(&out, 1 << 10);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        buffer_clear(&out);
        json_append_number(&out, numbers[i]);
        assert_true(strtod(out.bytes, NULL) == numbers[i]);
    }
    buffer_clear(&out);
    json_append_number(&out, NAN);
    json_append_number(&out, INFINITY);
    assert_string_equal(out.bytes, "nullnull");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_what_is_no_utf8),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
