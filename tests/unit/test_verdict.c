/* SPDX-License-Identifier: Apache-2.0 */
/* What every answer means for a request, in both protocols. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "ship/verdict.h"

static void test_statuses(void **state)
{
    static const struct {
        int status;
        enum verdict v1, v2; /* 2.0: with headers that say what was written */
    } table[] = {
        {0, VERDICT_RETRY, VERDICT_RETRY},           {200, VERDICT_TAKEN, VERDICT_TAKEN},
        {202, VERDICT_TAKEN, VERDICT_TAKEN},         {204, VERDICT_TAKEN, VERDICT_TAKEN},
        {299, VERDICT_TAKEN, VERDICT_TAKEN},         {301, VERDICT_REFUSED, VERDICT_REFUSED},
        {304, VERDICT_REFUSED, VERDICT_REFUSED},     {400, VERDICT_REFUSED, VERDICT_REFUSED},
        {401, VERDICT_REFUSED, VERDICT_REFUSED},     {403, VERDICT_REFUSED, VERDICT_REFUSED},
        {404, VERDICT_REFUSED, VERDICT_REFUSED},     {408, VERDICT_REFUSED, VERDICT_REFUSED},
        {409, VERDICT_REFUSED, VERDICT_REFUSED},     {413, VERDICT_TOO_LARGE, VERDICT_TOO_LARGE},
        {415, VERDICT_REFUSED, VERDICT_UNSUPPORTED}, {422, VERDICT_REFUSED, VERDICT_REFUSED},
        {429, VERDICT_RETRY, VERDICT_RETRY},         {500, VERDICT_RETRY, VERDICT_RETRY},
        {501, VERDICT_RETRY, VERDICT_RETRY},         {503, VERDICT_RETRY, VERDICT_RETRY},
        {599, VERDICT_RETRY, VERDICT_RETRY},         {600, VERDICT_REFUSED, VERDICT_REFUSED},
        {999, VERDICT_REFUSED, VERDICT_REFUSED},
    };
    static const struct written written = {.given = true};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        int status = table[i].status;
        assert_int_equal(verdict_of(status, REMOTE_WRITE_V1, true, &written), table[i].v1);
        assert_int_equal(verdict_of(status, REMOTE_WRITE_V2, true, &written), table[i].v2);
    }
}

static void test_too_many_requests(void **state)
{
    static const struct written none = {};
    (void)state;
    assert_int_equal(verdict_of(429, REMOTE_WRITE_V1, true, &none), VERDICT_RETRY);
    assert_int_equal(verdict_of(429, REMOTE_WRITE_V1, false, &none), VERDICT_REFUSED);
    assert_int_equal(verdict_of(429, REMOTE_WRITE_V2, false, &none), VERDICT_REFUSED);
    assert_int_equal(verdict_of(503, REMOTE_WRITE_V1, false, &none), VERDICT_RETRY);
}

static void test_success_without_counts(void **state)
{
    static const struct written none = {};
    (void)state;
    assert_int_equal(verdict_of(204, REMOTE_WRITE_V1, true, &none), VERDICT_TAKEN);
    assert_int_equal(verdict_of(204, REMOTE_WRITE_V2, true, &none), VERDICT_UNSUPPORTED);
    assert_int_equal(verdict_of(400, REMOTE_WRITE_V2, true, &none), VERDICT_REFUSED);
}

static void test_header_values(void **state)
{
    static const struct {
        const char *value;
        bool given;
        uint64_t count;
    } table[] = {
        {NULL, false, 0},
        {"", false, 0},
        {"0", true, 0},
        {"12", true, 12},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1x", false, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct written written = {};
        written_parse(&written, &written.counts.floats, table[i].value);
        assert_int_equal(written.given, table[i].given);
        assert_int_equal(written.counts.floats, table[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_too_many_requests),
        cmocka_unit_test(test_success_without_counts),
        cmocka_unit_test(test_header_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
