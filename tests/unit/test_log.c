/* SPDX-License-Identifier: Apache-2.0 */
/* base/log: each line as it arrives on stderr, in both formats. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static char captured[65536];
static int capture_file = -1;
static int real_stderr = -1;

static void capture_begin(void)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    capture_file = dup(fileno(file));
    fclose(file);
    real_stderr = dup(STDERR_FILENO);
    assert_true(dup2(capture_file, STDERR_FILENO) >= 0);
}

static const char *capture_end(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t length = pread(capture_file, captured, sizeof(captured) - 1, 0);
    close(capture_file);
    assert_true(length >= 0);
    captured[length] = '\0';
    return captured;
}

/* The line after its time stamp, which is checked for its shape. */
static const char *after_time(const char *line, const char *format)
{
    int end = 0;
    int year, month, day, hour, minute, second, ms;
    sscanf(line, format, &year, &month, &day, &hour, &minute, &second, &ms, &end);
    assert_true(end > 0);
    assert_true(year > 2020 && month <= 12 && day <= 31 && hour < 24 && minute < 60);
    return line + end;
}

static const char *log_one(enum log_format format, struct log_field field)
{
    log_setup(LOG_LEVEL_INFO, format);
    capture_begin();
    log_info("test", "m", field);
    const char *line = capture_end();
    return format == LOG_FORMAT_JSON
               ? after_time(line, "{\"ts\":\"%4d-%2d-%2dT%2d:%2d:%2d.%3dZ\",%n")
               : after_time(line, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n");
}

static void test_fields_in_both_formats(void **state)
{
    const struct {
        struct log_field field;
        const char *logfmt;
        const char *json;
    } cases[] = {
        {LOG_STR("k", "plain"), "plain", "\"plain\""},
        {LOG_STR("k", "http://a:1/b?c"), "http://a:1/b?c", "\"http://a:1/b?c\""},
        {LOG_STR("k", ""), "\"\"", "\"\""},
        {LOG_STR("k", NULL), "\"\"", "\"\""},
        {LOG_STR("k", "two words"), "\"two words\"", "\"two words\""},
        {LOG_STR("k", "a=b"), "\"a=b\"", "\"a=b\""},
        {LOG_STR("k", "say \"x\"\\"), "\"say \\\"x\\\"\\\\\"", "\"say \\\"x\\\"\\\\\""},
        {LOG_STR("k", "a\nb\r\tc\x01\x7f"), "\"a\\nb\\r\\tc\\u0001\\u007f\"",
         "\"a\\nb\\r\\tc\\u0001\\u007f\""},
        {LOG_STR("k", "\xc3\xa9"), "\"\xc3\xa9\"", "\"\xc3\xa9\""},
        {LOG_STR("k", "a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"",
         "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {LOG_STR("k", "\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {LOG_VIEW("k", TEXT("a\0b")), "\"a\\u0000b\"", "\"a\\u0000b\""},
        {LOG_INT("k", -42), "-42", "-42"},
        {LOG_INT("k", INT64_MIN), "-9223372036854775808", "-9223372036854775808"},
        {LOG_UINT("k", UINT64_MAX), "18446744073709551615", "18446744073709551615"},
        {LOG_REAL("k", 0.25), "0.25", "0.25"},
        {LOG_REAL("k", NAN), "NaN", "\"NaN\""},
        {LOG_REAL("k", -INFINITY), "-Inf", "\"-Inf\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char expected[256];
        snprintf(expected, sizeof(expected), "level=info component=test msg=m k=%s\n",
                 cases[i].logfmt);
        assert_string_equal(log_one(LOG_FORMAT_LOGFMT, cases[i].field), expected);
        snprintf(expected, sizeof(expected),
                 "\"level\":\"info\",\"component\":\"test\",\"msg\":\"m\",\"k\":%s}\n",
                 cases[i].json);
        assert_string_equal(log_one(LOG_FORMAT_JSON, cases[i].field), expected);
    }
}

static void test_levels(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    assert_false(log_enabled(LOG_LEVEL_INFO));
    assert_true(log_enabled(LOG_LEVEL_WARN));
    capture_begin();
    errno = ENOENT;
    log_debug("test", "hidden");
    log_info("test", "hidden");
    log_warn("test", "shown");
    log_error("test", "shown too", LOG_INT("code", 1), LOG_STR("why", "x"));
    int after = errno;
    const char *lines = capture_end();
    assert_int_equal(after, ENOENT);
    assert_null(strstr(lines, "hidden"));
    assert_non_null(strstr(lines, " level=warn component=test msg=shown\nts="));
    assert_non_null(strstr(lines, " level=error component=test msg=\"shown too\" code=1 why=x\n"));
}

static void test_names_are_parsed(void **state)
{
    static const char *const bad[] = {"", "INFO", "information", "json", "warning"};
    enum log_level level = LOG_LEVEL_DEBUG;
    enum log_format format = LOG_FORMAT_LOGFMT;
    (void)state;
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(log_level_parse(bad[i], &level), -EINVAL);
    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("xml", &format), -EINVAL);
    assert_int_equal(format, LOG_FORMAT_JSON);
}

/* A value is cut, never in the middle of a character, and a line always ends. */
static void test_long_values_are_bounded(void **state)
{
    static char value[100001];
    struct log_field fields[20];
    (void)state;
    for (size_t i = 0; i < sizeof(value) - 1; i++)
        value[i] = i % 2 ? '\xa9' : '\xc3';
    value[0] = 'x'; /* the cut would fall into a sequence */
    value[1] = 'x';
    for (size_t i = 0; i < 19; i++)
        fields[i] = LOG_STR("k", value + 1);
    fields[19] = (struct log_field){.key = NULL};
    for (int format = LOG_FORMAT_LOGFMT; format <= LOG_FORMAT_JSON; format++) {
        log_setup(LOG_LEVEL_INFO, (enum log_format)format);
        capture_begin();
        log_event(LOG_LEVEL_INFO, "test", "m", fields);
        const char *line = capture_end();
        size_t length = strlen(line);
        assert_in_range(length, 10000, 16384 + 2);
        assert_int_equal(line[length - 1], '\n');
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
        assert_null(strstr(line, "\xef\xbf\xbd"));
        /* Whole fields up to the end, each of one length. */
        const char *key = format == LOG_FORMAT_JSON ? ",\"k\":" : " k=";
        const char *first = strstr(line, key);
        const char *end = strrchr(line, format == LOG_FORMAT_JSON ? '}' : '\n');
        ptrdiff_t field_length = strstr(first + 1, key) - first;
        assert_true(field_length > 2000);
        assert_int_equal((end - first) % field_length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_in_both_formats),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_names_are_parsed),
        cmocka_unit_test(test_long_values_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
