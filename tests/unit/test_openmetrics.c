/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenMetrics parser: what each kind of line gives, and what is said of bad ones. Verdicts of
 * many more pages, as a real Prometheus gave them, are in test_exposition_recorded. */
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

static void describe_labels(struct buffer *out, const struct label *labels, size_t count)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_append_char(out, ',');
        exposition_unescape(labels[i].name, out);
        buffer_append_char(out, '=');
        exposition_unescape(labels[i].value, out);
    }
    buffer_append_char(out, '}');
}

static void describe_value(struct buffer *out, double value, bool has_timestamp, int64_t timestamp)
{
    buffer_printf(out, " %.17g", value);
    if (has_timestamp)
        buffer_printf(out, " @%lld", (long long)timestamp);
}

static void describe_entry(struct buffer *out)
{
    static const char *const heads[] = {
        [EXPOSITION_TYPE] = "TYPE ", [EXPOSITION_HELP] = "HELP ", [EXPOSITION_UNIT] = "UNIT "};

    if (out->length)
        buffer_append_char(out, '|');
    if (entry.kind != EXPOSITION_SAMPLE) {
        buffer_append_string(out, heads[entry.kind]);
        buffer_append_text(out, entry.name);
        buffer_append_char(out, ' ');
        if (entry.kind == EXPOSITION_TYPE)
            buffer_printf(out, "%d", entry.type);
        else
            exposition_unescape(entry.value_text, out);
        return;
    }
    exposition_unescape(entry.name, out);
    describe_labels(out, entry.labels, entry.label_count);
    describe_value(out, entry.value, entry.has_timestamp, entry.timestamp_ms);
    if (!entry.has_exemplar)
        return;
    buffer_append_string(out, " # ");
    describe_labels(out, entry.exemplar.labels, entry.exemplar.label_count);
    describe_value(out, entry.exemplar.value, entry.exemplar.has_timestamp,
                   entry.exemplar.timestamp_ms);
}

/* Every entry in one line each; 0 only with # EOF. */
static int describe(struct text page, struct buffer *out, struct exposition_parser *parser)
{
    int result;

    exposition_begin(parser, EXPOSITION_OPENMETRICS, page);
    while ((result = exposition_next(parser, &entry)) > 0)
        describe_entry(out);
    return result ? result : parser->ended ? 0 : -ENODATA;
}

static const struct {
    struct text page;
    const char *entries;
} accepted[] = {
    {PAGE("# EOF"), ""},
    {PAGE("# EOF\n"), ""},
    {PAGE("a 1\n# EOF\n"), "a{} 1"},
    {PAGE("a{} 1\n# EOF\n"), "a{} 1"},
    {PAGE("a{b=\"c\",} -1.5e3 1.5\n# EOF\n"), "a{b=c} -1500 @1500"},
    {PAGE("{\"my.metric\",\"la bel\"=\"x\"} +Inf\n# EOF\n"), "my.metric{la bel=x} inf"},
    {PAGE("{b=\"c\",\"a\"} 1\n# EOF\n"), "a{b=c} 1"},
    {PAGE("a{b=\"\\\"\\\\\\n\"} 1\n# EOF\n"), "a{b=\"\\\n} 1"},
    {PAGE("{\"a\nb\"} 1\nc 2\n# EOF\n"), "a\nb{} 1|c{} 2"},
    {PAGE("a 1 -0.0019\n# EOF\n"), "a{} 1 @-1"},
    {PAGE("a 1 1e300\n# EOF\n"), "a{} 1 @-9223372036854775808"},
    {PAGE("# TYPE a_s counter\n# HELP a_s x\\ny\n# UNIT a_s s\na_s_total 1\n# EOF\n"),
     "TYPE a_s 1|HELP a_s x\ny|UNIT a_s s|a_s_total{} 1"},
    {PAGE("# TYPE a unknown\n# TYPE b gauge\n# TYPE c histogram\n# TYPE d gaugehistogram\n"
          "# TYPE e summary\n# TYPE f info\n# TYPE g stateset\n# EOF\n"),
     "TYPE a 0|TYPE b 2|TYPE c 3|TYPE d 4|TYPE e 5|TYPE f 6|TYPE g 7"},
    {PAGE("# HELP \"my metric\" x\n# HELP a \n# UNIT a \n# EOF\n"),
     "HELP my metric x|HELP a |UNIT a "},
    {PAGE("a_total 1 # {id=\"x y\"} 0.5 1.5\n# EOF\n"), "a_total{} 1 # {id=x y} 0.5 @1500"},
    {PAGE("a_total 1 2 # {} 0.5\n# EOF\n"), "a_total{} 1 @2000 # {} 0.5"},
    {PAGE("a{b=\"c\"} 1 # {\"la bel\"=\"x\",d=\"e\",} 2\n# EOF\n"), "a{b=c} 1 # {la bel=x,d=e} 2"},
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

static const struct {
    struct text page;
    unsigned line;
    const char *error; /* what the message starts with; "": only # EOF is missing */
} refused[] = {
    {PAGE(""), 0, ""},
    {PAGE("a 1\n"), 1, ""},
    {PAGE("a 1"), 1, "data does not end with # EOF while parsing: \"a 1\""},
    {PAGE("a 1\n# EOF\na 1\n"), 3, "unexpected data after # EOF"},
    {PAGE("# EOF\n\n"), 2, "unexpected data after # EOF"},
    {PAGE("# EOFx"), 2, "unexpected data after # EOF"},
    {PAGE("\n# EOF\n"), 1, "expected a valid start token, got \"\\n\""},
    {PAGE(" a 1\n# EOF\n"), 1, "expected a valid start token, got \" \""},
    {PAGE("# comment\n# EOF\n"), 1, "expected HELP, TYPE, UNIT, EOF, a metric name or {"},
    {PAGE("#\n# EOF\n"), 1, "expected HELP"},
    {PAGE("# TYPE  a counter\n"), 1, "expected metric name after TYPE, HELP or UNIT, got \" \""},
    {PAGE("# TYPE a  counter\n"), 1, "invalid metric type \" counter\""},
    {PAGE("# TYPE a untyped\n"), 1, "invalid metric type \"untyped\""},
    {PAGE("# TYPE a\n"), 1, "expected a space behind the metric name, got \"\\n\""},
    {PAGE("# HELP a x"), 1, "data does not end with # EOF"},
    {PAGE("# HELP a \xff\n"), 1, "help text is not valid UTF-8"},
    {PAGE("# UNIT a_seconds s\n"), 1, "unit is not the end of the metric's name: \"s\""},
    {PAGE("# UNIT as s\n"), 1, "unit is not the end"},
    {PAGE("# UNIT s s\n"), 1, "unit is not the end"},
    {PAGE("x 1\na\n"), 2, "expected value after metric, got \"\\n\" while parsing: \"a\""},
    {PAGE("a  1\n"), 1, "expected value after metric, got \" \""},
    {PAGE("a\t1\n"), 1, "expected value after metric, got \"\\t\""},
    {PAGE("a {} 1\n"), 1, "value \"{}\": invalid syntax"},
    {PAGE("a{b=\"c\"}1\n"), 1, "expected value after metric, got \"1\""},
    {PAGE("a 1 \n"), 1, "expected timestamp, got \"\\n\""},
    {PAGE("a 1\r\n"), 1, "value \"1\\r\": invalid syntax"},
    {PAGE("a 0x1p2\n"), 1, "unsupported character in float"},
    {PAGE("a 1e400\n"), 1, "value \"1e400\": value out of range"},
    {PAGE("a 1 NaN\n"), 1, "invalid timestamp while parsing: \"a 1 NaN\""},
    {PAGE("a 1 Inf\n"), 1, "invalid timestamp"},
    {PAGE("a 1 x\n"), 1, "value \"x\": invalid syntax"},
    {PAGE("a 1 2 3\n"), 1, "expected next entry after timestamp, got \" \""},
    {PAGE("a{ b=\"c\"} 1\n"), 1, "expected label name, got \" \""},
    {PAGE("a{b =\"c\"} 1\n"), 1, "expected equal, got \" \""},
    {PAGE("a{b= \"c\"} 1\n"), 1, "expected label value, got \" \""},
    {PAGE("a{b=\"c\" } 1\n"), 1, "expected comma or brace close, got \" \""},
    {PAGE("a{b=\"c\"d=\"e\"} 1\n"), 1, "expected comma or brace close, got \"d\""},
    {PAGE("a{,} 1\n"), 1, "expected label name, got \",\""},
    {PAGE("a{b=\"c\n\"} 1\n"), 1, "label value without its closing quote"},
    {PAGE("a{b=\"\xff\"} 1\n"), 1, "invalid UTF-8 label value: \"\\xff\""},
    {PAGE("a{\"b\"} 1\n"), 1, "metric name already set"},
    {PAGE("{b=\"c\"} 1\n"), 1, "metric name not set"},
    {PAGE("{\"\"} 1\n"), 1, "empty name"},
    {PAGE("a 1 # {b=\"c\"}\n"), 1, "expected value after exemplar labels, got \"\\n\""},
    {PAGE("a 1 # {\"b\"} 1\n"), 1, "expected equal, got \"}\""},
    {PAGE("a 1 # {b=\"c\"} x\n"), 1, "value \"x\": invalid syntax"},
    {PAGE("a 1 # {b=\"c\"} 1 NaN\n"), 1, "invalid timestamp"},
    {PAGE("a 1 # {b=\"c\"} 1 2 3\n"), 1, "expected timestamp or comment, got \" \""},
    {PAGE("a 1 # {\"b\n\"=\"c\"} 1\n"), 1, "name without its closing quote"},
    {PAGE("a 1 # {b=\"c\"} 1"), 1, "data does not end with # EOF"},
    {PAGE("a 1 #{b=\"c\"} 1\n"), 1, "value \"#{b=\\\"c\\\"}\": invalid syntax"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        autobuffer struct buffer out;
        struct exposition_parser parser;
        buffer_init(&out, 4096);
        int result = describe(refused[i].page, &out, &parser);
        if (result != (*refused[i].error ? -EINVAL : -ENODATA))
            fail_msg("row %zu, \"%s\": %d, \"%s\"", i, refused[i].page.bytes, result, parser.error);
        if (strncmp(parser.error, refused[i].error, strlen(refused[i].error)))
            fail_msg("row %zu: \"%s\" is not \"%s\"", i, parser.error, refused[i].error);
        assert_int_equal(parser.line, refused[i].line);
    }
}

static void test_expected(void **state)
{
    static const struct {
        const char *expected;
        struct text line;
        bool taken;
    } rows[] = {
        {"a", PAGE("a 1 5 # {} 2\n"), true},
        {"a{b=\"c\"}", PAGE("a{b=\"c\"} 1 5 # {} 2\n"), true},
        {"a", PAGE("ab 1 5 # {} 2\n"), false},
        {"a", PAGE("a{b=\"c\"} 1 5 # {} 2\n"), false},
        {"a{b=\"c\"}", PAGE("a{b=\"d\"} 1 5 # {} 2\n"), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct exposition_parser parser;
        exposition_begin(&parser, EXPOSITION_OPENMETRICS, rows[i].line);
        exposition_expect(&parser, text_of(rows[i].expected));
        assert_int_equal(exposition_next(&parser, &entry), 1);
        assert_int_equal(entry.is_expected, rows[i].taken);
        assert_int_equal(entry.name.bytes == NULL, rows[i].taken);
        assert_float_equal(entry.value, 1, 0);
        assert_int_equal(entry.timestamp_ms, 5000);
        assert_float_equal(entry.exemplar.value, 2, 0);
    }
    struct exposition_parser parser;
    exposition_begin(&parser, EXPOSITION_OPENMETRICS, TEXT("a{b=\"c\"}1\n"));
    exposition_expect(&parser, TEXT("a{b=\"c\"}"));
    assert_int_equal(exposition_next(&parser, &entry), -EINVAL);
}

/* A quoted name may go on in the next line, a value may not. */
static void test_unfinished(void **state)
{
    static const struct {
        struct text page;
        bool unfinished;
    } rows[] = {
        {PAGE("{\"a\n"), true},
        {PAGE("# HELP \"a\n"), true},
        {PAGE("a{b=\"c\n"), false},
        {PAGE("a 1 # {\"b\n"), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct exposition_parser parser;
        exposition_begin(&parser, EXPOSITION_OPENMETRICS, rows[i].page);
        assert_int_equal(exposition_next(&parser, &entry), -EINVAL);
        assert_int_equal(parser.unfinished, rows[i].unfinished);
    }
}

/* Every prefix of every page ends at a page that cannot be read: nothing is read beyond the end. */
static void test_reads_no_further(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
        read_guarded(EXPOSITION_OPENMETRICS, accepted[i].page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_expected),         cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_reads_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
