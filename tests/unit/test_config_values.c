/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' notations for single values, one by one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "config/config_values.h"

#define S NS_PER_SECOND
#define DAY (24 * 3600 * S)
#define KIB UINT64_C(1024)

struct number_case {
    const char *text;
    uint64_t value;
};

static void run_good(const struct number_case *cases, size_t count,
                     int (*parse)(struct text text, uint64_t *out))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 12345;
        if (parse(text_of(cases[i].text), &value) || value != cases[i].value)
            fail_msg("\"%s\" gave %llu", cases[i].text, (unsigned long long)value);
    }
}

static void run_bad(const char *const *texts, size_t count, int wanted,
                    int (*parse)(struct text text, uint64_t *out))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (parse(text_of(texts[i]), &value) != wanted)
            fail_msg("\"%s\" was not refused with %d", texts[i], wanted);
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct number_case good[] = {
        {"0", 0},
        {"0s", 0},
        {"15s", 15 * S},
        {"500ms", 500 * NS_PER_MS},
        {"1m", 60 * S},
        {"1h30m", 5400 * S},
        {"1d", DAY},
        {"1w", 7 * DAY},
        {"1y", 365 * DAY},
        {"1y2w3d4h5m6s7ms", 382 * DAY + 14706 * S + 7 * NS_PER_MS},
        {"1m1ms", 60 * S + NS_PER_MS},
        {"0007s", 7 * S},
        {"292y", 292 * 365 * DAY},
    };
    static const char *const bad[] = {"",      "15",  "s",    "1.5s",  "-5s",      "+5s",  " 5s",
                                      "5s ",   "5 s", "1S",   "1min",  "1s1m",     "5s5s", "1mo",
                                      "1ms1s", "00",  "1d1w", "1h-1m", "infinity", "0x5s"};
    static const char *const huge[] = {"293y", "99999999999999999999s", "9223372036s900ms"};
    run_good(good, ARRAY_SIZE(good), duration_parse);
    run_bad(bad, ARRAY_SIZE(bad), -EINVAL, duration_parse);
    run_bad(huge, ARRAY_SIZE(huge), -ERANGE, duration_parse);
}

static void test_duration_text(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"0s", 0},         {"15s", 15 * S},     {"1m", 60 * S},
        {"1m30s", 90 * S}, {"1w", 7 * DAY},     {"8d", 8 * DAY},
        {"1y", 365 * DAY}, {"366d", 366 * DAY}, {"1s5ms", S + 5 * NS_PER_MS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[DURATION_TEXT_SIZE];
        duration_text(cases[i].value, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct number_case good[] = {
        {"0", 0},
        {"0B", 0},
        {"5B", 5},
        {"1KB", KIB},
        {"1KiB", KIB},
        {"512MB", 512 * KIB * KIB},
        {"1GiB", KIB * KIB * KIB},
        {"1.5KB", 1536},
        {"1GB512MB", 1536 * KIB * KIB},
        {"2TB", 2 * KIB * KIB * KIB * KIB},
        {"1PB", KIB * KIB * KIB * KIB * KIB},
        {"7EiB", 7 * KIB * KIB * KIB * KIB * KIB * KIB},
    };
    static const char *const bad[] = {"",     "5",    "1K",     "1kb",   "1 KB", "-1KB", "KB",
                                      "1KB5", ".5KB", "1..5KB", "1KiB ", "1ki",  "0x1B"};
    static const char *const huge[] = {"8EB", "99999999999999999999B"};
    run_good(good, ARRAY_SIZE(good), config_size_parse);
    run_bad(bad, ARRAY_SIZE(bad), -EINVAL, config_size_parse);
    run_bad(huge, ARRAY_SIZE(huge), -ERANGE, config_size_parse);
}

static void test_booleans(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y", "Y"};
    static const char *const no[] = {"false", "False", "FALSE", "no", "NO", "off", "Off", "n", "N"};
    static const char *const bad[] = {"", "1", "0", "tRUE", "TRue", "truee", "t", "nope", "oN"};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        bool value = false;
        assert_int_equal(config_bool_parse(text_of(yes[i]), &value), 0);
        assert_true(value);
        assert_int_equal(config_bool_parse(text_of(no[i]), &value), 0);
        assert_false(value);
        assert_int_equal(config_bool_parse(text_of(bad[i]), &value), -EINVAL);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct number_case good[] = {
        {"0", 0}, {"7", 7}, {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1 ", "1_000"};
    static const char *const huge[] = {"18446744073709551616"};
    run_good(good, ARRAY_SIZE(good), config_uint_parse);
    run_bad(bad, ARRAY_SIZE(bad), -EINVAL, config_uint_parse);
    run_bad(huge, ARRAY_SIZE(huge), -ERANGE, config_uint_parse);

    static const struct number_case counts[] = {{"0", 0},
                                                {"7", 7},
                                                {"18446744073709551615", UINT64_MAX},
                                                {"+5", 5},
                                                {"1_0_0", 100},
                                                {"010", 8},
                                                {"0x1F", 31},
                                                {"0o17", 15},
                                                {"0b101", 5},
                                                {"1e3", 1000},
                                                {"1.5e1", 15},
                                                {"2.0", 2},
                                                {"08", 8},
                                                {"1e18", 1000000000000000000}};
    static const char *const no_counts[] = {"",   "-1",  "1.5", "x",   "_",    "_1",
                                            "0x", "0xg", "0b2", "0o8", "1e",   "e1",
                                            "1 ", " 1",  "++1", "+-1", "1e-1", "0x-1"};
    static const char *const huge_counts[] = {"18446744073709551616", "1e20", "1e999"};
    run_good(counts, ARRAY_SIZE(counts), config_count_parse);
    run_bad(no_counts, ARRAY_SIZE(no_counts), -EINVAL, config_count_parse);
    run_bad(huge_counts, ARRAY_SIZE(huge_counts), -ERANGE, config_count_parse);

    static const char *const bad_floats[] = {"",   "x",  ".inf", "inf", "nan", "0x1p2",
                                             " 1", "1 ", "1_0",  "e",   "1e",  "--1"};
    double value;
    for (size_t i = 0; i < ARRAY_SIZE(bad_floats); i++)
        assert_int_equal(config_float_parse(text_of(bad_floats[i]), &value), -EINVAL);
    assert_int_equal(config_float_parse(TEXT("1e999"), &value), -ERANGE);
    assert_int_equal(config_float_parse(TEXT("-2.5e-1"), &value), 0);
    assert_true(value == -0.25);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {
        "http://x",       "https://x.example:9090/api/v1/write?a=b#c",
        "http://[::1]",   "http://[::1]:80/",
        "http://u:p@x/",  "http://u:p%40@[::1]:80/",
        "http://x:/",     "http://u:p@q@x/",
        "HTTP://x/a@b:c", "http://x?y=z",
    };
    static const char *const bad[] = {
        "",
        "x",
        "http:/x",
        "http//x",
        "ftp://x",
        "http://",
        "http:///a",
        "http://:1",
        "http://@",
        "http://u@",
        "http://x:a",
        "http://x:65536",
        "http://[x",
        "http://[]",
        "http://x y",
        "http://x\n",
        "http://[::1]x",
        "http://x:1:2",
        "http://x\\y",
        "http://a$b",
        "http://<a>",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (config_url_fault(text_of(good[i])))
            fail_msg("%s %s", good[i], config_url_fault(text_of(good[i])));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (!config_url_fault(text_of(bad[i])))
            fail_msg("%s was taken", bad[i]);
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(config_edit_distance("same", "same", 9), 0);
    assert_int_equal(config_edit_distance("lables", "labels", 9), 1); /* a swap */
    assert_int_equal(config_edit_distance("scrape_intervall", "scrape_interval", 9), 1);
    assert_int_equal(config_edit_distance("ab", "xaby", 9), 2);
    assert_int_equal(config_edit_distance("", "abc", 9), 3);
    assert_int_equal(config_edit_distance("kitten", "sitting", 9), 3);
    assert_int_equal(config_edit_distance("kitten", "sitting", 2), 2); /* the limit */
}

static void count_empty(void *context, struct text name)
{
    (void)name;
    ++*(unsigned *)context;
}

/* The corner cases are those of Go's os.Expand. */
static void test_expand(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *wanted;
        unsigned empty;
    } cases[] = {
        {"", "", 0},
        {"plain", "plain", 0},
        {"$EM_A", "one", 0},
        {"${EM_A}two", "onetwo", 0},
        {"$EM_A-$EM_B", "one-", 1},
        {"a$$b", "a$b", 0},
        {"$$EM_A", "$EM_A", 0},
        {"${$}", "$", 0},
        {"end$", "end$", 0},
        {"$ x", "$ x", 0},
        {"$%", "$%", 0},
        {"${}x", "x", 0},
        {"${EM_A", "EM_A", 0},
        {"$1x", "x", 1},
        {"${no such}", "", 1},
        {"$EM_EMPTY", "", 1},
        {"\xc3\xa4$EM_A", "\xc3\xa4one", 0},
    };
    setenv("EM_A", "one", 1);
    setenv("EM_EMPTY", "", 1);
    unsetenv("EM_B");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned empty = 0;
        autofree char *got = config_expand_variables(cases[i].value, count_empty, &empty);
        assert_string_equal(got, cases[i].wanted);
        assert_int_equal(empty, cases[i].empty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),     cmocka_unit_test(test_duration_text),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_urls),
        cmocka_unit_test(test_edit_distance), cmocka_unit_test(test_expand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
