/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer: growth, the stated maximum, what a failed append leaves behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/buffer.h"

static void test_appends_add_up(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 100);
    assert_null(buffer.bytes);
    assert_int_equal(buffer_append(&buffer, "a\0b", 3), 0);
    assert_int_equal(buffer_append_text(&buffer, TEXT("-text")), 0);
    assert_int_equal(buffer_append_string(&buffer, "-string"), 0);
    assert_int_equal(buffer_append_char(&buffer, '!'), 0);
    assert_int_equal(buffer_printf(&buffer, "%d|%s", 42, "x"), 0);
    assert_true(text_equal(buffer_text(&buffer), TEXT("a\0b-text-string!42|x")));
    assert_int_equal(buffer.bytes[buffer.length], '\0');
    assert_false(buffer.failed);
}

static void test_nothing_appended_is_a_string(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
    assert_string_equal(buffer.bytes, "");
    assert_int_equal(buffer_printf(&buffer, "%s", ""), 0);
    assert_int_equal(buffer.length, 0);
}

static void test_maximum_zero(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(buffer_append_string(&buffer, ""), 0);
    assert_string_equal(buffer.bytes, "");
    assert_int_equal(buffer_append_char(&buffer, 'x'), -E2BIG);
}

static void test_maximum_is_exact(void **state)
{
    static const size_t maxima[] = {1, 63, 64, 65, 100, 1000, 4096, 5000};
    (void)state;
    for (size_t i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++) {
        autobuffer struct buffer buffer;
        buffer_init(&buffer, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(buffer_append_char(&buffer, 'x'), 0);
        assert_int_equal(buffer.length, maxima[i]);
        assert_false(buffer.failed);
        assert_int_equal(buffer_append_char(&buffer, 'y'), -E2BIG);
        assert_true(buffer.failed);
        assert_int_equal(buffer.length, maxima[i]);
        assert_true(buffer.capacity <= maxima[i]);
        assert_int_equal(strlen(buffer.bytes), maxima[i]);
    }
}

static void test_failed_append_changes_nothing(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_string(&buffer, "12345");
    assert_int_equal(buffer_append_string(&buffer, "6789"), -E2BIG);
    assert_int_equal(buffer_printf(&buffer, "%s", "6789"), -E2BIG);
    assert_null(buffer_reserve(&buffer, 4));
    assert_int_equal(buffer_append(&buffer, "", SIZE_MAX), -E2BIG);
    assert_string_equal(buffer.bytes, "12345");
    /* What fits is still taken, and the failure is not forgotten. */
    assert_int_equal(buffer_append_string(&buffer, "678"), 0);
    assert_string_equal(buffer.bytes, "12345678");
    assert_true(buffer.failed);
}

static void test_clear_keeps_memory(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_string(&buffer, "1234");
    buffer_append_string(&buffer, "567890");
    char *bytes = buffer.bytes;
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    assert_false(buffer.failed);
    assert_ptr_equal(buffer.bytes, bytes);
    assert_string_equal(buffer.bytes, "");
}

static void test_free_allows_use_again(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_string(&buffer, "123456789");
    buffer_free(&buffer);
    assert_null(buffer.bytes);
    assert_int_equal(buffer_append_string(&buffer, "12345678"), 0);
    assert_false(buffer.failed);
    assert_int_equal(buffer_append_char(&buffer, '9'), -E2BIG);
    buffer_free(&buffer);
    buffer_free(&buffer);
}

static void test_reserve_is_where_to_write(void **state)
{
    (void)state;
    autobuffer struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append_string(&buffer, "head ");
    char *room = buffer_reserve(&buffer, 900);
    assert_non_null(room);
    assert_int_equal(buffer.length, 5);
    memset(room, 'x', 900);
    buffer.length += 900;
    assert_int_equal(buffer_append_string(&buffer, " tail"), 0);
    assert_memory_equal(buffer.bytes, "head xxx", 8);
    assert_string_equal(buffer.bytes + 905, " tail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_add_up),
        cmocka_unit_test(test_nothing_appended_is_a_string),
        cmocka_unit_test(test_maximum_zero),
        cmocka_unit_test(test_maximum_is_exact),
        cmocka_unit_test(test_failed_append_changes_nothing),
        cmocka_unit_test(test_clear_keeps_memory),
        cmocka_unit_test(test_free_allows_use_again),
        cmocka_unit_test(test_reserve_is_where_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
