/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of exposition text, bit for bit against strtod. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/exposition.h"

static int parse(const char *number, uint64_t *bits)
{
    double value = 0;
    int error = exposition_parse_float(text_of(number), &value);
    memcpy(bits, &value, sizeof(value));
    return error;
}

static void check_like_strtod(const char *number)
{
    uint64_t bits, expected;
    double value = strtod(number, NULL);

    memcpy(&expected, &value, sizeof(value));
    int error = parse(number, &bits);
    if (isinf(value))
        assert_int_equal(error, -ERANGE);
    else if (error || bits != expected)
        fail_msg("%.60s: %d, %016llx is not %016llx", number, error, (unsigned long long)bits,
                 (unsigned long long)expected);
}

static void test_float_bits(void **state)
{
    static const char *const numbers[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1",
        "9007199254740992",
        "9007199254740993",
        "9007199254740995",
        "0.1",
        "0.30000000000000004",
        "1e22",
        "1e23",
        "123456789012345678",
        "1e-22",
        "1e-23",
        "8.3835e-05",
        "7.424100000000001e-05",
        "4.9e-324",
        "2.4e-324",
        "2.5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e-400",
        "18446744073709551615",
        "18446744073709551616",
        "0.000000000000000000000000000000001",
        "100000000000000000000000000000000000",
        "5e-1",
        "3.e2",
        ".25",
        /* halfway cases, decided by a late digit */
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
    };
    uint64_t bits;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        check_like_strtod(numbers[i]);
    assert_int_equal(parse("NaN", &bits), 0);
    assert_int_equal(bits, UINT64_C(0x7ff8000000000001));
    assert_int_equal(parse("-Inf", &bits), 0);
    assert_int_equal(bits, UINT64_C(0xfff0000000000000));
    assert_int_equal(parse("1 ", &bits), -EINVAL);
    assert_int_equal(parse("", &bits), -EINVAL);
}

static void test_float_random(void **state)
{
    uint64_t random = 0x9e3779b97f4a7c15;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        static const char *const formats[] = {"%.17g", "%.15g", "%.6g", "%.3f", "%.25e"};
        char number[512];
        double value;
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint64_t bits = random;
        if (i % 2) /* of everyday size */
            bits = (bits & ~(UINT64_C(0x7ff) << 52)) | ((1000 + (random >> 58)) << 52);
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        snprintf(number, sizeof(number), formats[i % ARRAY_SIZE(formats)], value);
        check_like_strtod(number);
    }
}

/* 19 digits and every power of ten around those that 128 bits can scale. */
static void test_float_wide(void **state)
{
    uint64_t random = 88172645463325252;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        char number[64];
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint64_t mantissa = random >> (i % 4 * 5);
        snprintf(number, sizeof(number), "%llue%d", (unsigned long long)mantissa, i % 61 - 30);
        check_like_strtod(number);
        /* the middle between two doubles, and its neighbours */
        mantissa = ((random >> 11 | UINT64_C(1) << 52) << 1) + 1;
        for (int k = -1; k <= 1; k++) {
            snprintf(number, sizeof(number), "%llu%s", (unsigned long long)(mantissa + (uint64_t)k),
                     i % 2 ? "" : "e0");
            check_like_strtod(number);
        }
    }
}

/* A number of `length` bytes made of `head`, a run of `fill` and `tail`. */
static char *long_number(size_t length, const char *head, char fill, const char *tail)
{
    char *number = malloc(length + 1);
    memset(number, fill, length);
    memcpy(number, head, strlen(head));
    memcpy(number + length - strlen(tail), tail, strlen(tail));
    number[length] = '\0';
    return number;
}

static void test_float_long(void **state)
{
    static const struct {
        size_t length;
        const char *head, *tail;
        char fill;
    } rows[] = {
        {200, "1", "", '0'},
        {400, "1", "e-390", '0'},
        {1000, "0.", "1e990", '0'},
        {1000, "0.", "9", '9'},
        {5000, "1.", "e5", '3'},
        {5000, "1", "e-4990", '7'},
        {100000, "0.", "5e99990", '0'},
        {100000, "1", "e-99990", '0'},
        /* halfway to the next double, and the digit that decides comes after 2000 others */
        {2000, "1.00000000000000011102230246251565404236316680908203125", "1", '0'},
        {2000, "1.00000000000000011102230246251565404236316680908203125", "0", '0'},
        {2000, "9007199254740993.", "1", '0'},
        {2000, "9007199254740993.", "", '0'},
        {2000, "9007199254740992.", "9", '9'},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        autofree char *number =
            long_number(rows[i].length, rows[i].head, rows[i].fill, rows[i].tail);
        check_like_strtod(number);
    }
}

/* A space, a number and a newline; what is behind that, or too few bytes, changes nothing. */
static void test_plain_values(void **state)
{
    static const char *const numbers[] = {
        "0",         "7",          "12",          "1234567",          "12345678",
        "123456789", "1.5",        "1.25e+09",    "0.00123456789",    "1e5",
        "-3",        "1234567.5",  "12345678.25", "1.23456789012345", "98765432109876543",
        "1e-310",    "2.5e-00007", "00000000012", "12345678e2",       "1.",
    };
    static const char *const others[] = {
        " 1",  "1\n", "  1\n",         " 1 5\n",        " 1 \n", " NaN\n",   " +Inf\n", " 1x\n",
        " \n", "\n",  " 12:4567890\n", " 12/4567890\n", " 1e\n", " 1e999\n", ""};
    static const char *const behind[] = {"", "1", "23456789", "0000000000000000000000"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(behind); k++) {
            autobuffer struct buffer line;
            double value, expected = strtod(numbers[i], NULL);
            buffer_init(&line, 100);
            buffer_printf(&line, " %s\n", numbers[i]);
            size_t length = line.length;
            buffer_printf(&line, "%s", behind[k]);
            autofree char *copy = memcpy(malloc(line.length), line.bytes, line.length);
            const char *end = exposition_plain_value(copy, copy + line.length, &value);
            if (end != copy + length || memcmp(&value, &expected, sizeof(value)))
                fail_msg("\"%.*s\"", TEXT_FORMAT(buffer_text(&line)));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        double value;
        const char *at = others[i];
        if (exposition_plain_value(at, at + strlen(at), &value))
            fail_msg("\"%s\" is taken", at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_bits),   cmocka_unit_test(test_float_random),
        cmocka_unit_test(test_float_wide),   cmocka_unit_test(test_float_long),
        cmocka_unit_test(test_plain_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
