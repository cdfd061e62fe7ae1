/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of pages that must parse and pages that must not, as Prometheus decides them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/cleanup.h"
#include "guarded_page.h"
#include "model/exposition.h"

#define PAGE(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static struct exposition_entry entry;

/* Every entry in one line each: name{label=value,...} value @timestamp; escapes resolved. */
static int describe(struct text page, struct buffer *out, struct exposition_parser *parser)
{
    int result;

    exposition_begin(parser, EXPOSITION_TEXT, page);
    while ((result = exposition_next(parser, &entry)) > 0) {
        if (out->length)
            buffer_append_char(out, '|');
        if (entry.kind != EXPOSITION_SAMPLE) {
            buffer_append_string(out, entry.kind == EXPOSITION_TYPE ? "TYPE " : "HELP ");
            buffer_append_text(out, entry.name);
            buffer_append_char(out, ' ');
            exposition_unescape(entry.value_text, out);
            continue;
        }
        exposition_unescape(entry.name, out);
        for (size_t i = 0; i < entry.label_count; i++) {
            buffer_append_char(out, i ? ',' : '{');
            exposition_unescape(entry.labels[i].name, out);
            buffer_append_char(out, '=');
            exposition_unescape(entry.labels[i].value, out);
        }
        buffer_printf(out, "%s %.17g", entry.label_count ? "}" : "", entry.value);
        if (entry.has_timestamp)
            buffer_printf(out, " @%lld", (long long)entry.timestamp_ms);
    }
    return result;
}

static const struct {
    struct text page;
    const char *entries;
} accepted[] = {
    {PAGE(""), ""},
    {PAGE("\n"), ""},
    {PAGE(" \t \n\n"), ""},
    {PAGE("a 1\n"), "a 1"},
    {PAGE("a 1"), "a 1"},
    {PAGE("a 1 \t"), "a 1"},
    {PAGE("  a 1\n"), "a 1"},
    {PAGE("\ta\t1\t2\t\n"), "a 1 @2"},
    {PAGE("a   1   2   \nb 3"), "a 1 @2|b 3"},
    {PAGE("a 1\n\n\nb 2\n"), "a 1|b 2"},
    {PAGE(":a 1"), ":a 1"},
    {PAGE("a:b_C9 1"), "a:b_C9 1"},
    {PAGE("_ 1"), "_ 1"},
    {PAGE("a{} 1"), "a 1"},
    {PAGE("a {} 1"), "a 1"},
    {PAGE("a{ } 1"), "a 1"},
    {PAGE("a{b=\"c\"} 1"), "a{b=c} 1"},
    {PAGE("a{b=\"c\"}1"), "a{b=c} 1"},
    {PAGE("a{b=\"c\",} 1"), "a{b=c} 1"},
    {PAGE("a{b=\"c\",d=\"e\"} 1"), "a{b=c,d=e} 1"},
    {PAGE("a{b=\"c\" , d=\"e\" , } 1"), "a{b=c,d=e} 1"},
    {PAGE("a{b=\"c\" d=\"e\"} 1"), "a{b=c,d=e} 1"},
    {PAGE("a{b=\"c\"d=\"e\"} 1"), "a{b=c,d=e} 1"},
    {PAGE("a\t{\tb\t=\t\"c\"\t}\t1"), "a{b=c} 1"},
    {PAGE("a{_b9=\"c\"} 1"), "a{_b9=c} 1"},
    {PAGE("a{b=\"\"} 1"), "a{b=} 1"},
    {PAGE("a{b=\"{}=, #\"} 1"), "a{b={}=, #} 1"},
    {PAGE("a{b=\"x\\\"y\"} 1"), "a{b=x\"y} 1"},
    {PAGE("a{b=\"x\\\\\"} 1"), "a{b=x\\} 1"},
    {PAGE("a{b=\"\\\\\\\"\"} 1"), "a{b=\\\"} 1"},
    {PAGE("a{b=\"x\\ny\"} 1"), "a{b=x\ny} 1"},
    {PAGE("a{b=\"x\\ty\"} 1"), "a{b=x\\ty} 1"},
    {PAGE("a{b=\"x\ny\"} 1\nc 2"), "a{b=x\ny} 1|c 2"},
    {PAGE("a{b=\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"} 1"),
     "a{b=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80} 1"},
    {PAGE("a{b=\"c\",b=\"d\"} 1"), "a{b=c,b=d} 1"},
    {PAGE("a{__name__=\"b\"} 1"), "a{__name__=b} 1"},
    {PAGE("{\"my.metric\"} 1"), "my.metric 1"},
    {PAGE("{\"my.metric\",\"la bel\"=\"x\"} 1"), "my.metric{la bel=x} 1"},
    {PAGE("{\"a\",b=\"c\",} 1"), "a{b=c} 1"},
    {PAGE("{ \"a\" , b = \"c\" } 1"), "a{b=c} 1"},
    {PAGE("{b=\"c\",\"a\"} 1"), "a{b=c} 1"},
    {PAGE("{\"a\",} 1 5"), "a 1 @5"},
    {PAGE("{\"a\\\"b\\\\\\n\"} 1"), "a\"b\\\n 1"},
    {PAGE("a{\"b c\"=\"d\"} 1"), "a{b c=d} 1"},
    {PAGE("a 1 0"), "a 1 @0"},
    {PAGE("a 1 007"), "a 1 @7"},
    {PAGE("a 1 9223372036854775807"), "a 1 @9223372036854775807"},
    {PAGE("a +1"), "a 1"},
    {PAGE("a -1.5e3"), "a -1500"},
    {PAGE("a .5"), "a 0.5"},
    {PAGE("a 5."), "a 5"},
    {PAGE("a 1E3"), "a 1000"},
    {PAGE("a inf\nb -INF\nc +Infinity"), "a inf|b -inf|c inf"},
    {PAGE("a nan\nb NaN"), "a nan|b nan"},
    {PAGE("a 1e-400"), "a 0"},
    {PAGE("a 0e999999999999999999999"), "a 0"},
    {PAGE("# comment\na 1"), "a 1"},
    {PAGE("#comment\n#\n# \n##\n"), ""},
    {PAGE("  # comment\n"), ""},
    {PAGE("# \xff any bytes\na 1"), "a 1"},
    {PAGE("# TYPE a counter\na 1"), "TYPE a counter|a 1"},
    {PAGE("# TYPE a gauge"), "TYPE a gauge"},
    {PAGE("# TYPE a histogram\n# TYPE b summary\n# TYPE c untyped\n"),
     "TYPE a histogram|TYPE b summary|TYPE c untyped"},
    {PAGE("# \tTYPE a gauge"), "TYPE a gauge"},
    {PAGE("#\tTYPE\ta\tgauge"), "TYPE a gauge"},
    {PAGE("#  TYPE \t a gauge"), "TYPE a gauge"},
    {PAGE("\t# TYPE a gauge"), "TYPE a gauge"},
    {PAGE("# TYPE \"my.metric\" gauge"), "TYPE my.metric gauge"},
    {PAGE("# HELP \"my.metric\" text"), "HELP my.metric text"},
    {PAGE("# HELP a text with  spaces"), "HELP a text with  spaces"},
    {PAGE("# HELP a one\\ntwo\\\\"), "HELP a one\ntwo\\"},
    {PAGE("# HELP a"), "HELP a "},
    {PAGE("# HELP a  \n"), "HELP a "},
    {PAGE("# HELP\n# TYPE\n# HELPa b\n# TYPEX a b\n#TYPE a b\n# type a b\n"), ""},
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
        autobuffer struct buffer out;
        struct exposition_parser parser;
        buffer_init(&out, 4096);
        int result = describe(accepted[i].page, &out, &parser);
        if (result)
            fail_msg("row %zu: %s", i, parser.error);
        assert_string_equal(out.length ? out.bytes : "", accepted[i].entries);
    }
}

static void test_nul_in_values(void **state)
{
    static const struct text page = PAGE("# HELP a x\0y\na{b=\"c\0\"} 1\n# \0\nb 2\n");
    struct exposition_parser parser;

    (void)state;
    exposition_begin(&parser, EXPOSITION_TEXT, page);
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_true(text_equal(entry.value_text, (struct text){"x\0y", 3}));
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_true(text_equal(entry.labels[0].value, (struct text){"c\0", 2}));
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_int_equal(exposition_next(&parser, &entry), 0);
}

static const struct {
    struct text page;
    unsigned line;
    const char *error; /* what the message starts with */
} refused[] = {
    {PAGE("a"), 1, "expected value after metric, got the end while parsing: \"a\""},
    {PAGE("a\n"), 1, "expected value after metric, got \"\\n\" while parsing: \"a\""},
    {PAGE("a \n1"), 1, "expected value after metric"},
    {PAGE("a{b=\"c\"}"), 1, "expected value after metric"},
    {PAGE("a{b=\"c\"}\n"), 1, "expected value after metric"},
    {PAGE("x 1\na 1\r\n"), 2, "value \"1\\r\": invalid syntax while parsing: \"a 1\\r\""},
    {PAGE("a 1 2\r\n"), 1, "expected next entry after timestamp, got \"\\r\""},
    {PAGE("\r\n"), 1, "expected a metric name, { or #, got \"\\r\""},
    {PAGE("a true"), 1, "value \"true\": invalid syntax"},
    {PAGE("a 1_0"), 1, "unsupported character in float while parsing: \"a 1_0\""},
    {PAGE("a 0x1p-3"), 1, "unsupported character in float"},
    {PAGE("a 0x1P3"), 1, "unsupported character in float"},
    {PAGE("a 0x10"), 1, "value \"0x10\": invalid syntax"},
    {PAGE("a 1e400"), 1, "value \"1e400\": value out of range while parsing: \"a 1e400\""},
    {PAGE("a -1e309"), 1, "value \"-1e309\": value out of range"},
    {PAGE("a 1e99999999999999999999"), 1, "value"},
    {PAGE("a +nan"), 1, "value \"+nan\": invalid syntax"},
    {PAGE("a -nan"), 1, "value"},
    {PAGE("a nanx"), 1, "value"},
    {PAGE("a nan(1)"), 1, "value"},
    {PAGE("a in"), 1, "value"},
    {PAGE("a infin"), 1, "value"},
    {PAGE("a --1"), 1, "value"},
    {PAGE("a +"), 1, "value"},
    {PAGE("a ."), 1, "value"},
    {PAGE("a e1"), 1, "value"},
    {PAGE("a 1e"), 1, "value"},
    {PAGE("a 1e+"), 1, "value"},
    {PAGE("a 1.2.3"), 1, "value"},
    {PAGE("a 1e2e3"), 1, "value"},
    {PAGE("a 1,5"), 1, "value \"1,5\": invalid syntax"},
    {PAGE("a #x"), 1, "value"},
    {PAGE("a 1 -1"), 1, "expected timestamp or new record, got \"-\" while parsing: \"a 1 -\""},
    {PAGE("a 1 +1"), 1, "expected timestamp"},
    {PAGE("a 1 x"), 1, "expected timestamp"},
    {PAGE("a 1{"), 1, "expected timestamp or new record, got \"{\""},
    {PAGE("a 1 1.5"), 1, "expected next entry after timestamp, got \".\""},
    {PAGE("a 1 2 3"), 1, "expected next entry after timestamp, got \"3\""},
    {PAGE("a 0 1_2"), 1, "expected next entry after timestamp, got \"_\""},
    {PAGE("a 1 9223372036854775808"), 1, "timestamp out of range"},
    {PAGE("a 1 99999999999999999999"), 1, "timestamp out of range"},
    {PAGE("1a 1"), 1, "expected a metric name, { or #, got \"1\""},
    {PAGE("-a 1"), 1, "expected a metric name"},
    {PAGE("\"a\" 1"), 1, "expected a metric name"},
    {PAGE("\xc3\xa4 1"), 1, "expected a metric name, { or #, got \"\\xc3\""},
    {PAGE("\0"), 1, "expected a metric name"},
    {PAGE("a\0 1"), 1, "value"},
    {PAGE("a 1\0"), 1, "value"},
    {PAGE("a 0 1\0"), 1, "expected next entry after timestamp"},
    {PAGE("a-b 1"), 1, "value \"-b\": invalid syntax"},
    {PAGE("a{,} 1"), 1, "expected label name, got \",\" while parsing: \"a{,\""},
    {PAGE("a{b=\"c\",,} 1"), 1, "expected label name"},
    {PAGE("a{\nb=\"c\"} 1"), 1, "expected label name, got \"\\n\""},
    {PAGE("a{1b=\"c\"} 1"), 1, "expected label name"},
    {PAGE("a{=\"c\"} 1"), 1, "expected label name, got \"=\""},
    {PAGE("a{\xff=\"c\"} 1"), 1, "expected label name"},
    {PAGE("a{b=\"c\""), 1, "expected label name, got the end"},
    {PAGE("a{b=\"c\" 1"), 1, "expected label name"},
    {PAGE("a{"), 1, "expected label name"},
    {PAGE("a{b} 1"), 1, "expected equal, got \"}\""},
    {PAGE("a{b"), 1, "expected equal, got the end"},
    {PAGE("a{b:c=\"d\"} 1"), 1, "expected equal, got \":\""},
    {PAGE("a{b\0=\"c\"} 1"), 1, "expected equal"},
    {PAGE("a{b==\"c\"} 1"), 1, "expected label value"},
    {PAGE("a{b='c'} 1"), 1, "expected label value, got \"'\" while parsing: \"a{b='\""},
    {PAGE("a{b=c} 1"), 1, "expected label value, got \"c\""},
    {PAGE("a{b=\n"), 1, "expected label value, got \"\\n\""},
    {PAGE("a{b=\0\"c\"} 1"), 1, "expected label value"},
    {PAGE("a{b=\"c} 1\n"), 1, "label value without its closing quote while parsing: \"a{b="},
    {PAGE("a{b=\"c\\\"} 1\n"), 1, "label value without its closing quote"},
    {PAGE("a{b=\"c\"}} 1"), 1, "value \"}\": invalid syntax"},
    {PAGE("a{b=\"c\"}{d=\"e\"} 1"), 1, "expected value after metric, got \"{\""},
    {PAGE("a{b=\"\xff\"} 1"), 1, "invalid UTF-8 label value: \"\\xff\""},
    {PAGE("a{b=\"1234567\xc3\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{b=\"12345678\xc0\xaf\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{b=\"\xed\xa0\x80\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{b=\"\xe0\x9f\xbf\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{b=\"\xf4\x90\x80\x80\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{b=\"\x80\"} 1"), 1, "invalid UTF-8 label value"},
    {PAGE("a{\"\xff\"=\"c\"} 1"), 1, "invalid UTF-8 name"},
    {PAGE("{} 1"), 1, "metric name not set while parsing: \"{}\""},
    {PAGE("{b=\"c\"} 1"), 1, "metric name not set"},
    {PAGE("{__name__=\"c\"} 1"), 1, "metric name not set"},
    {PAGE("{\"\"} 1"), 1, "empty metric name"},
    {PAGE("a{\"\"=\"b\"} 1"), 1, "empty label name"},
    {PAGE("a{\"b\"} 1"), 1, "metric name already set"},
    {PAGE("{\"a\",\"b\"} 1"), 1, "metric name already set"},
    {PAGE("{\"a\" \"b\"=\"c\"} 1"), 1, "expected equal"},
    {PAGE("{\"a\", \"b = \"c\"}"), 1, "expected equal, got \"c\""},
    {PAGE("\n\n# TYPE a  counter\n"), 3, "invalid metric type \" counter\""},
    {PAGE("# TYPE a counter \n"), 1, "invalid metric type \"counter \""},
    {PAGE("# TYPE a counter\r\n"), 1, "invalid metric type \"counter\\r\""},
    {PAGE("# TYPE a Counter\n"), 1, "invalid metric type \"Counter\""},
    {PAGE("# TYPE a unknown\n"), 1, "invalid metric type \"unknown\""},
    {PAGE("# TYPE a info\n"), 1, "invalid metric type"},
    {PAGE("# TYPE a\n"), 1, "invalid metric type \"\""},
    {PAGE("# TYPE a  \n"), 1, "invalid metric type \"\""},
    {PAGE("# TYPE \n"), 1, "expected metric name after TYPE or HELP"},
    {PAGE("# TYPE #\n"), 1, "expected metric name after TYPE or HELP, got \"#\""},
    {PAGE("# TYPE 1 gauge\n"), 1, "expected metric name after TYPE or HELP"},
    {PAGE("# TYPE \"a gauge\n"), 1, "metric name without its closing quote"},
    {PAGE("# HELP \n"), 1, "expected metric name after TYPE or HELP"},
    {PAGE("# HELP a \xff\n"), 1, "help text is not valid UTF-8"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        autobuffer struct buffer out;
        struct exposition_parser parser;
        buffer_init(&out, 4096);
        if (describe(refused[i].page, &out, &parser) != -EINVAL)
            fail_msg("row %zu, \"%s\", was accepted", i, refused[i].page.bytes);
        if (strncmp(parser.error, refused[i].error, strlen(refused[i].error)))
            fail_msg("row %zu: \"%s\" is not \"%s\"", i, parser.error, refused[i].error);
        assert_int_equal(parser.line, refused[i].line);
    }
}

static void test_lines(void **state)
{
    static const struct text page = PAGE("\n# x\na 1\nb{c=\"d\ne\"} 2\n\nf 3\n\n");
    static const unsigned lines[] = {3, 5, 7};
    struct exposition_parser parser;

    (void)state;
    exposition_begin(&parser, EXPOSITION_TEXT, page);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_int_equal(exposition_next(&parser, &entry), 1);
        assert_int_equal(parser.line, lines[i]);
    }
    assert_int_equal(exposition_next(&parser, &entry), 0);
    assert_int_equal(parser.line, 8);
}

static void test_series_text(void **state)
{
    static const struct {
        struct text page;
        const char *series;
    } rows[] = {
        {PAGE(" a 1"), "a"},
        {PAGE("a{} 1"), "a{}"},
        {PAGE("a {b=\"c\"} 1"), "a {b=\"c\"}"},
        {PAGE("{\"a\", b=\"c\" } 1 2"), "{\"a\", b=\"c\" }"},
    };
    struct exposition_parser parser;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        exposition_begin(&parser, EXPOSITION_TEXT, rows[i].page);
        assert_int_equal(exposition_next(&parser, &entry), 1);
        assert_true(text_equal(entry.series, text_of(rows[i].series)));
    }
}

static void test_expected(void **state)
{
    static const struct {
        const char *expected;
        struct text line;
        bool taken;
        const char *series; /* NULL: refused */
    } rows[] = {
        {"a", PAGE("a 1"), true, "a"},
        {"a", PAGE("  a\t1"), true, "a"},
        {"a{}", PAGE("a{} 1"), true, "a{}"},
        {"a{b=\"c\"}", PAGE("a{b=\"c\"} 1"), true, "a{b=\"c\"}"},
        {"a{b=\"c\"}", PAGE("a{b=\"c\"}1"), true, "a{b=\"c\"}"},
        {"a{b=\"c\"}", PAGE("a{b=\"c\"} x"), true, NULL},
        {"a", PAGE("ab 1"), false, "ab"},
        {"a", PAGE("a{b=\"c\"} 1"), false, "a{b=\"c\"}"},
        {"a", PAGE("a {b=\"c\"} 1"), false, "a {b=\"c\"}"},
        {"a", PAGE("a"), false, NULL},
        {"a", PAGE("a "), false, NULL},
        {"a{b=\"c\"}", PAGE("a{b=\"c\"}"), false, NULL},
        {"a{b=\"c\"}", PAGE("a{b=\"d\"} 1"), false, "a{b=\"d\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct exposition_parser parser;
        exposition_begin(&parser, EXPOSITION_TEXT, rows[i].line);
        exposition_expect(&parser, text_of(rows[i].expected));
        int result = exposition_next(&parser, &entry);
        assert_int_equal(result, rows[i].series ? 1 : -EINVAL);
        if (!rows[i].series)
            continue;
        assert_true(text_equal(entry.series, text_of(rows[i].series)));
        assert_int_equal(entry.is_expected, rows[i].taken);
        assert_int_equal(entry.name.bytes == NULL, rows[i].taken);
        assert_float_equal(entry.value, 1, 0);
    }
}

static void test_expected_holds_once(void **state)
{
    struct text page = PAGE("# c\na{b=\"c\"} 1\na{b=\"c\"} 2\n");
    struct exposition_parser parser;

    (void)state;
    exposition_begin(&parser, EXPOSITION_TEXT, page);
    exposition_expect(&parser, TEXT("a{b=\"c\"}"));
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_int_equal(entry.label_count, 0);
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_int_equal(entry.label_count, 1);
}

static void test_unfinished(void **state)
{
    struct exposition_parser parser;
    struct text page = PAGE("a 1\n b{c=\"d\n");

    (void)state;
    exposition_begin(&parser, EXPOSITION_TEXT, page);
    assert_int_equal(exposition_next(&parser, &entry), 1);
    assert_false(parser.unfinished);
    assert_int_equal(exposition_next(&parser, &entry), -EINVAL);
    assert_true(parser.unfinished);
    assert_int_equal(parser.start - page.bytes, 5);
}

static void test_label_limit(void **state)
{
    (void)state;
    for (size_t count = EXPOSITION_MAX_LABELS; count <= EXPOSITION_MAX_LABELS + 1; count++) {
        autobuffer struct buffer page;
        struct exposition_parser parser;
        buffer_init(&page, 1 << 16);
        buffer_append_string(&page, "a{");
        for (size_t i = 0; i < count; i++)
            buffer_printf(&page, "l%zu=\"x\",", i);
        buffer_append_string(&page, "} 1\n");
        exposition_begin(&parser, EXPOSITION_TEXT, buffer_text(&page));
        int result = exposition_next(&parser, &entry);
        assert_int_equal(result, count > EXPOSITION_MAX_LABELS ? -EINVAL : 1);
    }
}

/* Every prefix of every page ends at a page that cannot be read: nothing is read beyond the end. */
static void test_reads_no_further(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
        read_guarded(EXPOSITION_TEXT, accepted[i].page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_nul_in_values),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_series_text),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_expected_holds_once),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_label_limit),
        cmocka_unit_test(test_reads_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
