/* SPDX-License-Identifier: Apache-2.0 */
/* Comments of a page: the metadata of its series over many scrapes, however the page is cut, and
 * the runs of comments that are known again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "page_fixture.h"
#include "scrape/scrape_report.h"

static int setup(void **state)
{
    *state = page_fixture_new();
    return 0;
}

static int teardown(void **state)
{
    page_fixture_free(*state);
    return 0;
}

/* "name type help unit|...", each sample's own. */
static void describe(const struct page_fixture *fixture, struct buffer *out)
{
    const struct sample_list *samples = &fixture->page.samples;

    buffer_clear(out);
    for (size_t i = 0; i < samples->count; i++) {
        series_id series = samples->list[i].series;
        const struct labels *labels = series_table_labels(fixture->series, series);
        const struct metadata *metadata = series_table_metadata(
            fixture->series, series_table_metadata_id(fixture->series, series));
        buffer_append_text(out, labels_get(labels, TEXT("__name__")));
        if (metadata)
            buffer_printf(out, " %d %.*s %.*s", metadata->type, TEXT_FORMAT(metadata->help),
                          TEXT_FORMAT(metadata->unit));
        buffer_append_char(out, '|');
    }
}

static void check(struct page_fixture *fixture, enum scrape_format format, const char *page,
                  size_t piece, const char *expected)
{
    autobuffer struct buffer out;

    buffer_init(&out, 1 << 16);
    page_fixture_scrape(fixture, format, text_of(page), piece);
    assert_string_equal(fixture->page.reason, "");
    describe(fixture, &out);
    if (strcmp(out.bytes ? out.bytes : "", expected))
        fail_msg("in pieces of %zu: \"%s\" is not \"%s\" of:\n%s", piece, out.bytes, expected,
                 page);
    scrape_page_free(&fixture->page);
}

static const struct {
    enum scrape_format format;
    const char *page, *expected;
} pages[] = {
    {SCRAPE_TEXT, "a 1\n", "a|"},
    {SCRAPE_TEXT, "# TYPE a counter\na 1\n", "a 1  |"},
    {SCRAPE_TEXT, "# HELP a x\\ny\\\"\\\\\n# TYPE a gauge\na 1\n", "a 2 x\ny\\\"\\ |"},
    {SCRAPE_TEXT, "# TYPE a gauge\n# HELP a x\na 1\n", "a 2 x |"},
    {SCRAPE_TEXT, "# HELP a x\n# TYPE b gauge\na 1\nb 1\n", "a|b 2  |"},
    {SCRAPE_TEXT, "# TYPE a gauge\n# TYPE b gauge\n# HELP a x\na 1\n", "a 0 x |"},
    {SCRAPE_TEXT, "# TYPE a gauge\n# a comment\n\na 1\nb 2\n", "a 2  |b|"},
    {SCRAPE_TEXT, "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\na_max 1\na 1\n",
     "a_bucket 3  |a_sum 3  |a_count 3  |a_max|a 3  |"},
    {SCRAPE_TEXT, "# TYPE a summary\na{quantile=\"1\"} 1\na_sum 1\na_count 1\na_bucket 1\n",
     "a 5  |a_sum 5  |a_count 5  |a_bucket|"},
    {SCRAPE_TEXT, "# TYPE a_total counter\na_total 1\na 1\n", "a_total 1  |a 1  |"},
    {SCRAPE_TEXT, "# TYPE a untyped\na 1\na_total 1\n", "a 0  |a_total|"},
    {SCRAPE_OPENMETRICS, "# TYPE a_s counter\n# UNIT a_s s\n# HELP a_s x\\\"\na_s_total 1\n# EOF\n",
     "a_s_total 1 x\" s|"},
    {SCRAPE_OPENMETRICS,
     "# TYPE a gaugehistogram\na_bucket{le=\"1\"} 1\na_gsum 1\na_gcount 1\na_sum 1\n"
     "# TYPE b info\nb_info 1\n# TYPE c stateset\nc{c=\"x\"} 1\n# EOF\n",
     "a_bucket 4  |a_gsum 4  |a_gcount 4  |a_sum|b_info 6  |c 7  |"},
};

/* The first scrape parses every comment, the later ones know some or all of them. */
static void test_pages(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        for (size_t piece = 1; piece <= strlen(pages[i].page); piece++)
            for (int again = 0; again < 3; again++)
                check(*state, pages[i].format, pages[i].page, again == 2 ? 4096 : piece,
                      pages[i].expected);
        teardown(state); /* a series keeps its metadata: each page gets its own table */
        setup(state);
    }
}

/* What a family is said to be may change, and its place may. */
static void test_changes(void **state)
{
    static const struct {
        const char *page, *expected;
    } steps[] = {
        {"# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n# TYPE c gauge\nc 1\n", "a 1  |b 2  |c 2  |"},
        {"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE c gauge\nc 1\n", "a 2  |b 2  |c 2  |"},
        {"# TYPE b gauge\nb 1\n# TYPE c gauge\nc 1\n# HELP a x\n# TYPE a gauge\na 1\n",
         "b 2  |c 2  |a 2 x |"},
        {"# TYPE c gauge\nc 1\n# HELP a x\n# TYPE a gauge\na 1\n", "c 2  |a 2 x |"},
        {"# TYPE c gauge\nc 1\n# HELP a x\n# TYPE a gauge\n# HELP a y\na 1\n", "c 2  |a 2 y |"},
        {"# TYPE c gauge\nc 1\n# HELP a x\n# TYPE a gauge\n# HELP a y\na 1\na{new=\"1\"} 1\n",
         "c 2  |a 2 y |a 2 y |"},
        {"a 1\nb 1\nc 1\n", "a 2 y |b|c 2  |"},
        {"# TYPE a counter\n# TYPE b counter\nb 1\na 1\n", "b 1  |a 2 y |"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        for (int again = 0; again < 2; again++)
            check(*state, SCRAPE_TEXT, steps[i].page, 4096, steps[i].expected);
}

/* le and quantile are written as OpenMetrics does, by the last TYPE line, known again or not. */
static void test_bounds(void **state)
{
    struct page_fixture *fixture = *state;
    const char *page = "# TYPE a histogram\na_bucket{le=\"1\"} 1\n# HELP b x\nb{le=\"1\"} 1\n"
                       "# TYPE c summary\nc{quantile=\"1\"} 1\nc{le=\"1\"} 1\n"
                       "# TYPE d gauge\nd{le=\"1\",quantile=\"1\"} 1\n";
    static const char *const expected[] = {"1.0", "1.0", "1.0", "1", "1"};
    static const char *const names[] = {"le", "le", "quantile", "le", "le"};

    for (int again = 0; again < 3; again++) {
        page_fixture_scrape(fixture, SCRAPE_TEXT, text_of(page), again ? 4096 : 1);
        assert_int_equal(fixture->page.samples.count, ARRAY_SIZE(expected));
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
            series_id series = fixture->page.samples.list[i].series;
            struct text bound =
                labels_get(series_table_labels(fixture->series, series), text_of(names[i]));
            assert_true(text_equal(bound, text_of(expected[i])));
        }
        scrape_page_free(&fixture->page);
        assert_int_equal(scrape_cache_reset(fixture->cache), 0); /* every series is new again */
    }
}

/* Random pages, one after the other, against a fixture that sees each page as its first. */
static void test_random_pages(void **state)
{
    autobuffer struct buffer page, expected;

    (void)state;
    buffer_init(&page, 1 << 20);
    buffer_init(&expected, 1 << 20);
    srandom(7);
    struct page_fixture *fixture = page_fixture_new();
    for (int round = 0; round < 300; round++) {
        buffer_clear(&page);
        for (unsigned family = 0; family < 40; family++) {
            unsigned number = random() % 8 ? family : (unsigned)random() % 40;
            if (random() % 6)
                buffer_printf(&page, "# HELP f%u help %u\n", number, (unsigned)random() % 20 / 19);
            if (random() % 6)
                buffer_printf(&page, "# TYPE f%u %s\n", number,
                              random() % 20 ? "gauge" : "counter");
            for (unsigned i = 0; i < 3; i++)
                buffer_printf(&page, "f%u{i=\"%u\",round=\"%d\"} 1\n", number, i, round);
        }
        struct page_fixture *fresh = page_fixture_new();
        page_fixture_scrape(fresh, SCRAPE_TEXT, buffer_text(&page), page.length);
        describe(fresh, &expected);
        scrape_page_free(&fresh->page);
        page_fixture_free(fresh);
        check(fixture, SCRAPE_TEXT, page.bytes, 1 + (size_t)random() % 4096, expected.bytes);
    }
    page_fixture_free(fixture);
}

static void test_families_of_a_series(void **state)
{
    static const struct {
        enum metadata_type type;
        const char *family, *name;
        bool has;
    } rows[] = {
        {METADATA_COUNTER, "a", "a_total", true},
        {METADATA_COUNTER, "a_total", "a_total", true},
        {METADATA_COUNTER, "a_total", "a", true},
        {METADATA_COUNTER, "a", "a_created", false},
        {METADATA_COUNTER, "a", "ab_total", false},
        {METADATA_GAUGE, "a", "a_total", false},
        {METADATA_HISTOGRAM, "a", "a_bucket", true},
        {METADATA_HISTOGRAM, "a", "a_count", true},
        {METADATA_HISTOGRAM, "a", "a_gcount", false},
        {METADATA_GAUGE_HISTOGRAM, "a", "a_gcount", true},
        {METADATA_GAUGE_HISTOGRAM, "a", "a_sum", false},
        {METADATA_SUMMARY, "a", "a_sum", true},
        {METADATA_SUMMARY, "a", "a_bucket", false},
        {METADATA_INFO, "a", "a_info", true},
        {METADATA_UNKNOWN, "a", "a", true},
        {METADATA_UNKNOWN, "a", "a_info", false},
        {METADATA_STATESET, "", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct metadata family = {.family = text_of(rows[i].family), .type = rows[i].type};
        if (scrape_family_has(&family, text_of(rows[i].name)) != rows[i].has)
            fail_msg("row %zu: %s of %s", i, rows[i].name, rows[i].family);
    }
}

/* up and its like: remote write 2.0 sends metadata with them, too. */
static void test_report(void **state)
{
    struct page_fixture *fixture = *state;
    struct scrape_report report;

    fixture->config.extra_metrics = true;
    struct target *target = page_fixture_target(&fixture->config);
    assert_int_equal(scrape_report_init(&report, &fixture->shared, target), 0);
    assert_int_equal(report.count, SCRAPE_REPORT_COUNT);
    for (size_t i = 0; i < report.count; i++) {
        const struct series_table *series = fixture->series;
        const struct metadata *metadata =
            series_table_metadata(series, series_table_metadata_id(series, report.series[i]));
        const struct labels *labels = series_table_labels(series, report.series[i]);
        assert_non_null(metadata);
        assert_true(text_equal(metadata->family, labels_get(labels, TEXT(LABEL_METRIC_NAME))));
        assert_int_equal(metadata->type, METADATA_GAUGE);
        assert_true(metadata->help.length && metadata->unit.length);
    }
    scrape_report_free(&report, fixture->series);
    target_free(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report, setup, teardown),
        cmocka_unit_test(test_random_pages),
        cmocka_unit_test(test_families_of_a_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
