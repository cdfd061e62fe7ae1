/* SPDX-License-Identifier: Apache-2.0 */
/* What a page has beside its samples: exemplars, each once for as long as the target shows it, and
 * when counts began. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "page_fixture.h"

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

/* "index{labels} value @ms|..." and " index=created_ms ...". */
static void describe(const struct page_fixture *fixture, struct buffer *out)
{
    struct sample_record record = scrape_page_record(&fixture->page);

    buffer_clear(out);
    for (size_t i = 0; i < record.exemplar_count; i++) {
        const struct exemplar *exemplar = &record.exemplars[i];
        assert_in_range(exemplar->sample, 0, record.count - 1);
        buffer_printf(out, "%zu", exemplar->sample);
        labels_write(exemplar->labels, out);
        buffer_printf(out, " %g @%lld|", exemplar->value, (long long)exemplar->timestamp_ms);
    }
    for (size_t i = 0; i < record.created_count; i++)
        buffer_printf(out, " %zu=%lld", record.created[i].sample,
                      (long long)record.created[i].created_ms);
}

static void check(struct page_fixture *fixture, const char *page, size_t piece,
                  const char *expected)
{
    autobuffer struct buffer out;

    buffer_init(&out, 1 << 16);
    page_fixture_scrape(fixture, SCRAPE_OPENMETRICS, text_of(page), piece);
    describe(fixture, &out);
    scrape_page_free(&fixture->page);
    assert_string_equal(out.bytes ? out.bytes : "", expected);
}

static void test_exemplars_over_scrapes(void **state)
{
    static const struct {
        const char *page, *expected;
    } steps[] = {
        {"a 1\nb_total 2 # {id=\"x\"} 0.5 2\n# EOF\n", "1{id=\"x\"} 0.5 @2000|"},
        {"a 1\nb_total 3 # {id=\"x\"} 0.5 2\n# EOF\n", ""}, /* the same */
        {"b_total 3 # {id=\"x\"} 0.5 3\n# EOF\n", "0{id=\"x\"} 0.5 @3000|"},
        {"b_total 3 # {id=\"y\"} 0.5 3\n# EOF\n", "0{id=\"y\"} 0.5 @3000|"},
        {"b_total 3 # {id=\"y\"} 0.7 3\n# EOF\n", "0{id=\"y\"} 0.7 @3000|"},
        {"b_total 3 # {id=\"z\"} 0.7 2.9\n# EOF\n", ""}, /* older than the last */
        {"b_total 3 # {id=\"z\"} 0.7\n# EOF\n", "0{id=\"z\"} 0.7 @1700000077777|"},
        {"b_total 3 # {id=\"z\"} 0.7\n# EOF\n", ""},   /* another time, but not its own */
        {"b_total 3 # {id=\"z\"} 0.7 4\n# EOF\n", ""}, /* older than the last again */
        {"b_total 3\n# EOF\n", ""},
        {"b_total 3 # {id=\"z\"} 0.7 4\n# EOF\n", "0{id=\"z\"} 0.7 @4000|"}, /* forgotten */
        {"b_total 3 # {id=\"z\"} 0.7 4\n# EOF\n", ""},
        {"b_total 3 # {id=\"z\"} 0.8\nbad\n# EOF\n",
         "0{id=\"z\"} 0.8 @1700000077777|"}, /* it fails */
        {"b_total 3 # {id=\"z\"} 0.8\n# EOF\n", "0{id=\"z\"} 0.8 @1700000077777|"},
        {"b_total 3 # {} 1\nc_total{d=\"e\"} 1 # {b=\"1\",a=\"2\"} 2\n# EOF\n",
         "0{} 1 @1700000077777|1{a=\"2\",b=\"1\"} 2 @1700000077777|"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        check(*state, steps[i].page, 1 + i % 7, steps[i].expected);
}

/* A histogram has several; that some are the older ones of the scrape before is nothing to count.
 */
static void test_out_of_order(void **state)
{
    static const struct {
        int64_t times[4]; /* of sample 0, and behind a 0 those of sample 1 */
        size_t kept, out_of_order;
    } pages[] = {
        {{1, 2, 3}, 3, 0}, {{1, 2, 3}, 0, 0}, {{2, 3, 4}, 1, 0}, {{1, 3}, 0, 2},
        {{4, 0, 5}, 1, 0}, {{3, 0, 5}, 0, 1}, {{3, 0, 4}, 0, 2},
    };
    struct scrape_exemplars *exemplars;
    size_t count;

    (void)state;
    assert_int_equal(scrape_exemplars_new(&exemplars), 0);
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        struct sample sample = {.series = 1};
        scrape_exemplars_begin(exemplars);
        for (size_t k = 0; k < ARRAY_SIZE(pages[i].times); k++) {
            static struct exposition_exemplar exemplar = {.verbatim = true, .has_timestamp = true};
            exemplar.timestamp_ms = pages[i].times[k];
            if (exemplar.timestamp_ms)
                scrape_exemplars_add(exemplars, sample.series - 1, &sample, &exemplar);
            else
                sample.series = 2;
        }
        scrape_exemplars_list(exemplars, &count);
        assert_int_equal(count, pages[i].kept);
        assert_int_equal(scrape_exemplars_end(exemplars, false), pages[i].out_of_order);
    }
    scrape_exemplars_free(&exemplars);
}

static void test_long_exemplars_are_dropped(void **state)
{
    autobuffer struct buffer page;

    for (int over = 0; over < 2; over++) {
        buffer_init(&page, 4096);
        buffer_append_string(&page, "a 1 # {i=\"");
        for (int i = 0; i < SCRAPE_EXEMPLAR_MAX_RUNES - 1 + over; i++)
            buffer_append_string(&page, "\xc3\xa4"); /* one rune */
        buffer_append_string(&page, "\"} 1\nb 1 # {i=\"x\"} 1\n# EOF\n");
        page_fixture_scrape(*state, SCRAPE_OPENMETRICS, buffer_text(&page), page.length);
        struct page_fixture *fixture = *state;
        struct sample_record record = scrape_page_record(&fixture->page);
        assert_string_equal(fixture->page.reason, "");
        assert_int_equal(record.exemplar_count, over ? 0 : 2);
        scrape_page_free(&fixture->page);
        buffer_free(&page);
    }
}

static void test_unwanted_exemplars(void **state)
{
    struct page_fixture *fixture = *state;

    fixture->shared.exemplars = false;
    check(fixture, "a 1 # {id=\"x\"} 0.5\n# EOF\n", 4096, "");
}

static void test_created(void **state)
{
    static const struct {
        const char *page, *expected;
    } rows[] = {
        {"# TYPE a counter\na_total 1\na_created 1.5\n# EOF\n", " 0=1500"},
        {"# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"1\"} 1.5\na_total{x=\"2\"} 1\n"
         "a_created{x=\"2\"} 2.5\n# EOF\n",
         " 0=1500 2=2500"},
        {"# TYPE a counter\na_total{x=\"1\"} 1\na_created{x=\"2\"} 1.5\n# EOF\n", ""},
        {"# TYPE a counter\na_created 1.5\na_total 1\n# EOF\n", ""},
        {"# TYPE a histogram\na_bucket{le=\"1\",x=\"1\"} 1\na_bucket{le=\"+Inf\",x=\"1\"} 1\n"
         "a_count{x=\"1\"} 1\na_sum{x=\"1\"} 1\na_created{x=\"1\"} 3\n# EOF\n",
         " 0=3000 1=3000 2=3000 3=3000"},
        {"# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 1\na_count 1\na_created 3\n# EOF\n",
         " 0=3000 1=3000 2=3000"},
        {"# TYPE a gauge\na 1\na_created 1.5\n# EOF\n", ""},
        {"a_total 1\na_created 1.5\n# EOF\n", ""},
        {"# TYPE b counter\na_total 1\na_created 1.5\n# EOF\n", ""},
        {"# TYPE a counter\na_total 1\na_created 0\n# EOF\n", ""},
        {"# TYPE a counter\na_total 1\na_created NaN\n# EOF\n", ""},
        {"# TYPE a counter\na_total 1\na_created 1e300\n# EOF\n", ""},
        {"b 1\n# TYPE a counter\na_total 1\na_created 1\n# EOF\n", " 1=1000"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int again = 0; again < 3; again++)
            check(*state, rows[i].page, again ? 4096 : 1, rows[i].expected);
}

/* _created stays a sample, too, as in Prometheus. */
static void test_created_is_a_sample(void **state)
{
    struct page_fixture *fixture = *state;

    page_fixture_scrape(fixture, SCRAPE_OPENMETRICS,
                        TEXT("# TYPE a counter\na_total 1\na_created 1.5\n# EOF\n"), 4096);
    assert_int_equal(fixture->page.samples.count, 2);
    assert_float_equal(fixture->page.samples.list[1].value, 1.5, 0);
    scrape_page_free(&fixture->page);
}

static void test_end_of_openmetrics(void **state)
{
    static const struct {
        const char *page, *reason;
    } rows[] = {
        {"a 1\n# EOF\n", ""},
        {"a 1\n# EOF", ""},
        {"", ""}, /* an empty body is an empty page, whatever its type */
        {"a 1\n", "line 1: data does not end with # EOF"},
        {"a 1", "line 1: data does not end with # EOF while parsing: \"a 1\""},
        {"a 1\n# EOF\n\n", "line 3: unexpected data after # EOF while parsing: \"\""},
        {"a 1\n# EOF\nb 1\n", "line 3: unexpected data after # EOF while parsing: \"\""},
        {"a 1\n# EO", "line 2: expected HELP, TYPE, UNIT, EOF, a metric name or {, got \"#\" while "
                      "parsing: \"#\""},
    };
    struct page_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct text page = text_of(rows[i].page);
        for (size_t piece = 1; piece <= page.length + 1; piece++) {
            page_fixture_scrape(fixture, SCRAPE_OPENMETRICS, page, piece);
            assert_string_equal(fixture->page.reason, rows[i].reason);
            scrape_page_free(&fixture->page);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exemplars_over_scrapes, setup, teardown),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test_setup_teardown(test_long_exemplars_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwanted_exemplars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_created, setup, teardown),
        cmocka_unit_test_setup_teardown(test_created_is_a_sample, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_openmetrics, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
