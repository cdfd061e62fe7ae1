/* SPDX-License-Identifier: Apache-2.0 */
/* Classic histograms that become native ones, over several scrapes: what one page alone shows is in
 * the recordings of a real Prometheus. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "page_fixture.h"

#define HISTOGRAM(name, count)                                                                    \
    "# TYPE " name " histogram\n" name "_bucket{le=\"1\"} 1\n" name "_bucket{le=\"+Inf\"} " count \
    "\n" name "_sum 1.5\n" name "_count " count "\n"

static int setup(void **state)
{
    struct page_fixture *fixture = page_fixture_new();

    fixture->config.protocols.convert_histograms = true;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    page_fixture_free(*state);
    return 0;
}

/* A page, which the caller frees. Gives how many series ended. */
static size_t scrape(struct page_fixture *fixture, const char *page)
{
    return page_fixture_scrape(fixture, SCRAPE_TEXT, text_of(page), strlen(page));
}

/* Each sample with its series: a float's value, or a histogram's count in brackets. */
static void write_samples(const struct page_fixture *fixture, struct buffer *out)
{
    const struct sample_list *samples = &fixture->page.samples;

    buffer_clear(out);
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->list[i];
        const struct labels *labels = series_table_labels(fixture->series, sample->series);
        buffer_append_text(out, labels_get(labels, TEXT(LABEL_METRIC_NAME)));
        buffer_append_text(out, labels_get(labels, TEXT("le")));
        buffer_append_text(out, labels_get(labels, TEXT("a")));
        if (sample->type == SAMPLE_HISTOGRAM)
            buffer_printf(out, "[%g]",
                          sample->histogram->is_float ? sample->histogram->count_float
                                                      : (double)sample->histogram->count);
        else
            buffer_printf(out, "=%g", sample->value);
        if (sample->timestamp_ms != PAGE_FIXTURE_TIME_MS)
            buffer_printf(out, "@%lld", (long long)sample->timestamp_ms);
        buffer_append_char(out, ' ');
    }
    buffer_append_char(out, '\0');
}

static void assert_samples(const struct page_fixture *fixture, const char *expected)
{
    autobuffer struct buffer written;

    buffer_init(&written, 1 << 16);
    write_samples(fixture, &written);
    assert_string_equal(fixture->page.reason, "");
    assert_string_equal(written.bytes, expected);
}

static void assert_scrape(struct page_fixture *fixture, const char *page, const char *expected,
                          size_t ended)
{
    assert_int_equal(scrape(fixture, page), ended);
    assert_samples(fixture, expected);
    scrape_page_free(&fixture->page);
}

/* Known or not, in the order of the scrape before or not. */
static void test_over_scrapes(void **state)
{
    struct page_fixture *fixture = *state;
    const char *around = "# TYPE f gauge\nf 1\n" HISTOGRAM("h", "5") "# TYPE g gauge\ng 1\nx 7\n";

    for (int i = 0; i < 4; i++)
        assert_scrape(fixture, around, "f=1 h[5] g=1 x=7 ", 0);
    assert_scrape(fixture,
                  "# TYPE f gauge\nf 1\nx 7\n" HISTOGRAM("h", "6") HISTOGRAM("i", "7") "other 1\n",
                  "f=1 x=7 h[6] i[7] other=1 ", 1);
    assert_scrape(fixture, HISTOGRAM("i", "7") "# TYPE f gauge\nf 2\n", "i[7] f=2 ", 3);
    assert_scrape(fixture, around, "f=1 h[5] g=1 x=7 ", 1);
    assert_int_equal(scrape_cache_count(fixture->cache), 4);
    assert_int_equal(series_table_count(fixture->series), 4);
}

/* Of counts: what is converted is one sample. */
static void test_counts(void **state)
{
    struct page_fixture *fixture = *state;

    for (int i = 0; i < 2; i++) {
        scrape(fixture, "f 1\n" HISTOGRAM("h", "5") HISTOGRAM("i", "5"));
        assert_int_equal(fixture->page.scraped, 3);
        assert_int_equal(fixture->page.kept, 3);
        assert_int_equal(fixture->page.added, i ? 0 : 3);
        scrape_page_free(&fixture->page);
    }
    fixture->config.limits.sample_limit = 2;
    scrape(fixture, "f 1\n" HISTOGRAM("h", "5"));
    assert_false(fixture->page.failed);
    scrape_page_free(&fixture->page);
    scrape(fixture, "f 1\n" HISTOGRAM("h", "5") HISTOGRAM("i", "5"));
    assert_string_equal(fixture->page.reason, "sample limit exceeded");
    scrape_page_free(&fixture->page);
    fixture->config.limits.sample_limit = 0;
    fixture->config.limits.native_histogram_bucket_limit = 1;
    scrape(fixture, "y 1\n" HISTOGRAM("j", "5") "# TYPE z gauge\nz 1\n"); /* z is not added */
    assert_string_equal(fixture->page.reason, "histogram bucket limit exceeded");
    assert_int_equal(fixture->page.added, 1);
    scrape_page_free(&fixture->page);
}

static void test_classic_kept_too(void **state)
{
    struct page_fixture *fixture = *state;
    const char *page = "f 1\n" HISTOGRAM("h", "5") "# TYPE g gauge\ng 1\n";
    const char *both = "f=1 h_bucket1.0=1 h_bucket+Inf=5 h_sum=1.5 h_count=5 h[5] g=1 ";

    fixture->config.protocols.classic_histograms = true;
    for (int i = 0; i < 3; i++)
        assert_scrape(fixture, page, both, 0);
    assert_scrape(fixture, HISTOGRAM("i", "1"),
                  "i_bucket1.0=1 i_bucket+Inf=1 i_sum=1.5 i_count=1 i[1] ", 7);
}

/* What was a gauge is a histogram from one scrape to the next, and the other way round. */
static void test_type_changes(void **state)
{
    struct page_fixture *fixture = *state;
    const char *gauge = "f 1\n# TYPE h gauge\nh_count 3\ng 1\n";
    const char *histogram = "f 1\n# TYPE h histogram\nh_count 3\ng 1\n";

    assert_scrape(fixture, gauge, "f=1 h_count=3 g=1 ", 0);
    assert_scrape(fixture, histogram, "f=1 h[3] g=1 ", 1);
    assert_scrape(fixture, histogram, "f=1 h[3] g=1 ", 0);
    assert_scrape(fixture, gauge, "f=1 h_count=3 g=1 ", 1);
}

/* One that is none neither stays nor spoils what follows, as it does in Prometheus 3.5. */
static void test_bad_ones(void **state)
{
    struct page_fixture *fixture = *state;

    assert_scrape(fixture,
                  "# TYPE h histogram\nh_bucket{le=\"-Inf\"} 1\nh_count 1\n" HISTOGRAM("i", "2"),
                  "i[2] ", 0);
    assert_scrape(fixture,
                  "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_count 1\n" HISTOGRAM("i", "2"),
                  "i[2] ", 0);
    assert_scrape(
        fixture, "# TYPE h histogram\nh_bucket{a=\"\",le=\"1\"} 5\nh_count 5\nh_count{a=\"b\"} 6\n",
        "h[5] hb[6] ", 1);
}

/* Each at its own time, not at that of the series behind it. */
static void test_own_times(void **state)
{
    struct page_fixture *fixture = *state;

    assert_scrape(fixture,
                  "# TYPE h histogram\nh_bucket{a=\"b\",le=\"1\"} 5 1000\nh_count{a=\"b\"} 5 1000\n"
                  "h_bucket{a=\"c\",le=\"1\"} 6 2000\nh_count{a=\"c\"} 6 2000\ng 1\n",
                  "hb[5]@1000 hc[6]@2000 g=1 ", 0);
    fixture->config.honor_timestamps = false;
    assert_scrape(fixture, "# TYPE h histogram\nh_count{a=\"b\"} 5 1000\nf 1\n", "hb[5] f=1 ", 0);
}

/* However the page is cut, comments that say nothing and blank lines end nothing. */
static void test_pieces(void **state)
{
    struct page_fixture *fixture = *state;
    struct text page =
        TEXT("f 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 5\n\n # a\n# b\n#\nh_count 5\n"
             "\n#c\n# TYPE g gauge\ng 1\n");

    for (size_t piece = 1; piece <= page.length; piece++) {
        page_fixture_scrape(fixture, SCRAPE_TEXT, page, piece);
        assert_samples(fixture, "f=1 h[5] g=1 ");
        scrape_page_free(&fixture->page);
    }
}

/* One without labels. */
static void test_bare_exemplar(void **state)
{
    struct page_fixture *fixture = *state;
    struct text page = TEXT("# TYPE h histogram\nh_bucket{le=\"1\"} 3 # {} 0.5 1600\n# EOF\n");

    page_fixture_scrape(fixture, SCRAPE_OPENMETRICS, page, page.length);
    struct sample_record record = scrape_page_record(&fixture->page);
    assert_int_equal(record.exemplar_count, 1);
    assert_int_equal(labels_count(record.exemplars[0].labels), 0);
    scrape_page_free(&fixture->page);
}

static void test_too_many_buckets(void **state)
{
    struct page_fixture *fixture = *state;
    autobuffer struct buffer page;

    buffer_init(&page, 8 << 20);
    buffer_append_string(&page, "# TYPE h histogram\n");
    for (unsigned i = 0; i <= 1 << 16; i++)
        buffer_printf(&page, "h_bucket{le=\"%u\"} 1\n", i);
    page_fixture_scrape(fixture, SCRAPE_TEXT, buffer_text(&page), page.length);
    assert_string_equal(fixture->page.reason,
                        "line 65538: a histogram has more than 65536 buckets");
    scrape_page_free(&fixture->page);
}

/* When it began goes with it; where classic series are kept, so does the series that says so. */
static void test_created(void **state)
{
    struct page_fixture *fixture = *state;
    struct text page = TEXT("# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_count 5\nh_created 1.5\n"
                            "# TYPE c counter\nc_total 1\nc_created 2.5\n# EOF\n");

    for (int kept = 0; kept < 2; kept++) {
        fixture->config.protocols.classic_histograms = kept;
        page_fixture_scrape(fixture, SCRAPE_OPENMETRICS, page, page.length);
        assert_samples(fixture, kept ? "h_bucket1.0=5 h_count=5 h[5] h_created=1.5 c_total=1 "
                                       "c_created=2.5 "
                                     : "h[5] c_total=1 c_created=2.5 ");
        struct sample_record record = scrape_page_record(&fixture->page);
        assert_int_equal(record.created_count, kept ? 4 : 2);
        assert_int_equal(record.created[kept ? 2 : 0].created_ms, 1500);
        assert_int_equal(record.created[kept ? 2 : 0].sample, kept ? 2 : 0);
        scrape_page_free(&fixture->page);
    }
}

/* Sorted by time, each once, and on the histogram alone. */
static void test_exemplars(void **state)
{
    struct page_fixture *fixture = *state;
    struct text page = TEXT("# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {id=\"late\"} 0.5 3\n"
                            "h_bucket{le=\"2\"} 2 # {id=\"no time\"} 1.5\n"
                            "h_bucket{le=\"4\"} 3 # {id=\"ea\\\"rly\"} 2.5 1\n"
                            "h_bucket{le=\"8\"} 3 # {id=\"late\"} 0.5 3\n# EOF\n");

    for (int kept = 0; kept < 2; kept++) {
        fixture->config.protocols.classic_histograms = kept;
        page_fixture_scrape(fixture, SCRAPE_OPENMETRICS, page, page.length);
        struct sample_record record = scrape_page_record(&fixture->page);
        assert_int_equal(record.count, kept ? 5 : 1);
        assert_int_equal(record.exemplar_count, kept ? 0 : 2); /* known from the scrape before */
        for (size_t i = 0; i < record.exemplar_count; i++) {
            assert_int_equal(record.exemplars[i].sample, 0);
            assert_int_equal(record.exemplars[i].timestamp_ms, i ? 3000 : 1000);
        }
        if (!kept) {
            struct text id = labels_get(record.exemplars[0].labels, TEXT("id"));
            assert_true(text_equal(id, TEXT("ea\"rly")));
        }
        scrape_page_free(&fixture->page);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_over_scrapes),     TEST(test_counts),    TEST(test_classic_kept_too),
        TEST(test_type_changes),     TEST(test_bad_ones),  TEST(test_own_times),
        TEST(test_too_many_buckets), TEST(test_created),   TEST(test_pieces),
        TEST(test_bare_exemplar),    TEST(test_exemplars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
