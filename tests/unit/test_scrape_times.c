/* SPDX-License-Identifier: Apache-2.0 */
/* Samples that bring their own time: of a series only what is newer than all before goes on, as in
 * an agent of Prometheus, stale markers included. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "page_fixture.h"

#define NOW PAGE_FIXTURE_TIME_MS

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

/* The times of the page's samples as text, with the number of series that end behind a /. */
static const char *scrape(struct page_fixture *fixture, int64_t at_ms, const char *page)
{
    static char times[256];
    size_t length = 0;

    scrape_page_begin(&fixture->page, &fixture->shared, fixture->target, fixture->cache,
                      NOW + at_ms);
    scrape_page_set_format(&fixture->page, SCRAPE_TEXT);
    scrape_page_feed(&fixture->page, page, strlen(page));
    size_t ended = page_fixture_end(fixture);
    const struct sample_list *samples = &fixture->page.samples;
    for (size_t i = 0; i < samples->count && !fixture->page.failed; i++)
        length += (size_t)snprintf(times + length, sizeof(times) - length, "%lld ",
                                   (long long)(samples->list[i].timestamp_ms - NOW));
    snprintf(times + length, sizeof(times) - length, "%s/ %zu",
             fixture->page.failed ? "failed " : "", ended);
    scrape_page_free(&fixture->page);
    return times;
}

/* `line` with a time `at_ms` from NOW. */
static const char *page_at(int64_t at_ms)
{
    static char page[64];
    snprintf(page, sizeof(page), "a 1 %lld\n", (long long)(NOW + at_ms));
    return page;
}

static void test_forward_alone(void **state)
{
    struct page_fixture *fixture = *state;
    assert_string_equal(scrape(fixture, 0, page_at(-50)), "-50 / 0");
    assert_string_equal(scrape(fixture, 10, page_at(-50)), "/ 0");
    assert_string_equal(scrape(fixture, 20, page_at(-60)), "/ 0");
    assert_string_equal(scrape(fixture, 30, page_at(-40)), "-40 / 0");
    assert_string_equal(scrape(fixture, 40, ""), "/ 0");
    assert_int_equal(fixture->page.scraped, 0);
}

/* Neither a sample at the time of the scrape nor a marker, while that is older. */
static void test_mixed_times(void **state)
{
    struct page_fixture *fixture = *state;
    assert_string_equal(scrape(fixture, 0, "a 1\n"), "0 / 0");
    assert_string_equal(scrape(fixture, 10, page_at(500)), "500 / 0");
    assert_string_equal(scrape(fixture, 20, "a 1\n"), "/ 0");
    assert_string_equal(scrape(fixture, 600, "a 1\n"), "600 / 0");
    assert_string_equal(scrape(fixture, 610, page_at(900)), "900 / 0");
}

static void test_marker_counts(void **state)
{
    struct page_fixture *fixture = *state;
    fixture->config.track_timestamps_staleness = true;
    assert_string_equal(scrape(fixture, 0, page_at(-50)), "-50 / 0");
    assert_string_equal(scrape(fixture, 10, ""), "/ 1");
    assert_string_equal(scrape(fixture, 20, page_at(5)), "5 / 0"); /* its text is forgotten */
    assert_string_equal(scrape(fixture, 30, "b 1\nb x\n"), "failed / 1");
    assert_string_equal(scrape(fixture, 40, page_at(25)), "/ 0");
    assert_string_equal(scrape(fixture, 50, page_at(35)), "35 / 0");
}

/* What a page that failed has said is said again by the next one. */
static void test_failed_page(void **state)
{
    struct page_fixture *fixture = *state;
    char page[128];

    assert_string_equal(scrape(fixture, 0, page_at(-50)), "-50 / 0");
    snprintf(page, sizeof(page), "%sa x\n", page_at(-10));
    assert_string_equal(scrape(fixture, 10, page), "failed / 0");
    assert_string_equal(scrape(fixture, 20, page_at(-10)), "-10 / 0");
}

/* Entries move when others go. */
static void test_sweep(void **state)
{
    struct page_fixture *fixture = *state;
    char page[256];

    snprintf(page, sizeof(page), "b 1\nc 1\n%sd 1 %lld\n", page_at(-50), (long long)NOW - 30);
    assert_string_equal(scrape(fixture, 0, page), "0 0 -50 -30 / 0");
    snprintf(page, sizeof(page), "d 1 %lld\nnew 1 %lld\n", (long long)NOW - 30,
             (long long)NOW - 90);
    assert_string_equal(scrape(fixture, 10, page), "-90 / 2");
    snprintf(page, sizeof(page), "d 1 %lld\nnew 1 %lld\n", (long long)NOW - 20,
             (long long)NOW - 90);
    assert_string_equal(scrape(fixture, 20, page), "-20 / 0");
}

int main(void)
{
#define TIMES_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TIMES_TEST(test_forward_alone), TIMES_TEST(test_mixed_times),
        TIMES_TEST(test_marker_counts), TIMES_TEST(test_failed_page),
        TIMES_TEST(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
