/* SPDX-License-Identifier: Apache-2.0 */
/* model/float_text: Go's forms, the shortest digits, and the way back to the same bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/float_text.h"

#define RANDOM_VALUES 30000

static const struct {
    double value;
    const char *text;
    const char *openmetrics; /* NULL: the same */
} cases[] = {
    {0, "0", "0.0"},
    {-0.0, "-0", "0.0"},
    {1, "1", "1.0"},
    {-1, "-1", "-1.0"},
    {10, "10", "10.0"},
    {12345, "12345", "12345.0"},
    {100000, "100000", "100000.0"},
    {999999, "999999", "999999.0"},
    {1000000, "1e+06", NULL},
    {1234567, "1.234567e+06", NULL},
    {1e15, "1e+15", NULL},
    {9007199254740991, "9.007199254740991e+15", NULL},
    {9007199254740992, "9.007199254740992e+15", NULL},
    {1e20, "1e+20", NULL},
    {1e21, "1e+21", NULL},
    {1e23, "1e+23", NULL},
    {1e100, "1e+100", NULL},
    {0.005, "0.005", NULL},
    {0.01, "0.01", NULL},
    {0.025, "0.025", NULL},
    {0.1, "0.1", NULL},
    {2.5, "2.5", NULL},
    {7.5, "7.5", NULL},
    {-7.5, "-7.5", NULL},
    {0.1 + 0.2, "0.30000000000000004", NULL},
    {1.0 / 3, "0.3333333333333333", NULL},
    {0.0001, "0.0001", NULL},
    {0.00001, "1e-05", NULL},
    {0.000123, "0.000123", NULL},
    {0.0000123, "1.23e-05", NULL},
    {123456.789, "123456.789", NULL},
    {1234567.89, "1.23456789e+06", NULL},
    {1763683200.123, "1.763683200123e+09", NULL},
    {3.141592653589793, "3.141592653589793", NULL},
    {0x1p-44, "5.684341886080802e-14", NULL},
    {0x1p-1022, "2.2250738585072014e-308", NULL},
    {0x0.fffffffffffffp-1022, "2.225073858507201e-308", NULL},
    {5e-324, "5e-324", NULL},
    {1e-323, "1e-323", NULL},
    {DBL_MAX, "1.7976931348623157e+308", NULL},
    {-DBL_MAX, "-1.7976931348623157e+308", NULL},
    {INFINITY, "+Inf", NULL},
    {-INFINITY, "-Inf", NULL},
    {NAN, "NaN", NULL},
    {-NAN, "NaN", NULL},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[FLOAT_TEXT_SIZE];
        size_t length = float_text(cases[i].value, text);
        assert_int_equal(length, strlen(text));
        assert_string_equal(text, cases[i].text);
        const char *wanted = cases[i].openmetrics ? cases[i].openmetrics : cases[i].text;
        length = float_text_openmetrics(cases[i].value, text);
        assert_int_equal(length, strlen(text));
        assert_string_equal(text, wanted);
    }
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static size_t digit_count(const char *text)
{
    char digits[FLOAT_TEXT_SIZE];
    size_t count = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (count || *text != '0'))
            digits[count++] = *text;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count ? count : 1;
}

/* Reads back as the same bits, and printf finds nothing shorter that does. */
static void assert_shortest(double value)
{
    char text[FLOAT_TEXT_SIZE], shorter[FLOAT_TEXT_SIZE];
    size_t length = float_text(value, text);
    assert_int_equal(length, strlen(text));
    double back = strtod(text, NULL);
    assert_memory_equal(&back, &value, sizeof(value));
    size_t count = digit_count(text);
    assert_in_range(count, 1, 17);
    if (count == 1)
        return;
    snprintf(shorter, sizeof(shorter), "%.*e", (int)count - 2, value);
    if (strtod(shorter, NULL) == value)
        fail_msg("%s is shorter than %s", shorter, text);
}

static void test_random_bits(void **state)
{
    (void)state;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < RANDOM_VALUES; i++) {
        double value = double_of(random_next(&random));
        if (isfinite(value))
            assert_shortest(value);
    }
}

static void test_random_metric_like_values(void **state)
{
    (void)state;
    uint64_t random = UINT64_C(0xdeadbeefcafe1234);
    for (int i = 0; i < RANDOM_VALUES; i++) {
        uint64_t integer = random_next(&random) >> (random_next(&random) % 64);
        assert_shortest((double)integer);
        assert_shortest((double)(integer % 1000000000) / 1000);
        assert_shortest(double_of(integer % (UINT64_C(1) << 52)));
    }
}

static void test_powers(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        assert_shortest(ldexp(1, exponent));
        assert_shortest(nextafter(ldexp(1, exponent), 0));
        assert_shortest(nextafter(ldexp(1, exponent), INFINITY));
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char wanted[FLOAT_TEXT_SIZE], text[FLOAT_TEXT_SIZE];
        snprintf(wanted, sizeof(wanted), "1e%+03d", exponent);
        float_text(strtod(wanted, NULL), text);
        if (exponent < -4 || exponent >= 6)
            assert_string_equal(text, wanted);
        assert_shortest(strtod(wanted, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_random_bits),
        cmocka_unit_test(test_random_metric_like_values),
        cmocka_unit_test(test_powers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
