/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that come in pieces, the limits of a page, and the cache over many scrapes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "labels_maker.h"
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

static void feed(struct page_fixture *fixture, struct text text)
{
    /* a copy of its own size, so that the sanitizer sees a read beyond it */
    autofree char *copy = malloc(text.length + !text.length);
    memcpy(copy, text.bytes, text.length);
    scrape_page_feed(&fixture->page, copy, text.length);
}

static size_t scrape(struct page_fixture *fixture, struct text page)
{
    page_fixture_begin(fixture);
    feed(fixture, page);
    size_t ended = page_fixture_end(fixture);
    scrape_page_free(&fixture->page);
    return ended;
}

static const struct {
    const char *bytes;
    uint32_t scraped;
    unsigned line;
    const char *reason;
} pages[] = {
    {"a 1\nb{c=\"d\"} 2\n\n# TYPE e gauge\ne 3\n", 3, 5, ""},
    {"a 1\nb{c=\"d\"} 2", 2, 2, ""},
    {"\n\n\n", 0, 3, ""},
    {"a{b=\"1\n2\n3\",c=\"\n\"} 1\nd{e=\"\n\"} 2\nf 3\n", 3, 7, ""},
    {"a{b=\"\\\"\n\\\"\"} 1\nc 2\n", 2, 3, ""},
    {"a 1\n\n# x\nb{c=\"1\n\"} 2\n", 2, 5, ""},
    {"a 1\nb x\nc 3\n", 1, 2, "line 2: value \"x\": invalid syntax while parsing: \"b x\""},
    {"a{b=\"\n\"} 1\nb x\nc 3\n", 1, 3,
     "line 3: value \"x\": invalid syntax while parsing: \"b x\""},
    {"a 1\nb{c=\"d} 1\ne 1\n", 1, 2,
     "line 2: label value without its closing quote while parsing: \"b{c=\\\"d} 1\""},
};

/* However the page is cut into two or into single bytes, the outcome is the same. */
static void test_pieces(void **state)
{
    struct page_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        struct text whole = text_of(pages[i].bytes);
        for (size_t cut = 0; cut <= whole.length + 1; cut++) {
            page_fixture_begin(fixture);
            if (cut <= whole.length) {
                feed(fixture, (struct text){whole.bytes, cut});
                feed(fixture, (struct text){whole.bytes + cut, whole.length - cut});
            } else {
                for (size_t k = 0; k < whole.length; k++)
                    feed(fixture, (struct text){whole.bytes + k, 1});
            }
            page_fixture_end(fixture);
            if (fixture->page.scraped != pages[i].scraped || fixture->page.line != pages[i].line ||
                strcmp(fixture->page.reason, pages[i].reason))
                fail_msg("page %zu cut at %zu: %u samples, line %u, \"%s\"", i, cut,
                         fixture->page.scraped, fixture->page.line, fixture->page.reason);
            assert_int_equal(fixture->page.failed, *pages[i].reason != '\0');
            assert_int_equal(fixture->page.samples.count, pages[i].scraped);
            scrape_page_free(&fixture->page);
        }
    }
}

static void test_line_limit(void **state)
{
    struct page_fixture *fixture = *state;
    autofree char *line = malloc(SCRAPE_MAX_LINE);

    memset(line, 'a', SCRAPE_MAX_LINE);
    for (int over = 0; over < 2; over++) {
        page_fixture_begin(fixture);
        scrape_page_feed(&fixture->page, "b 1\n", 4);
        scrape_page_feed(&fixture->page, line, SCRAPE_MAX_LINE);
        assert_false(fixture->page.failed);
        if (over)
            scrape_page_feed(&fixture->page, "a", 1);
        page_fixture_end(fixture);
        assert_true(fixture->page.failed);
        assert_string_equal(over ? fixture->page.reason : "line 2: longer than 1048576 bytes",
                            "line 2: longer than 1048576 bytes");
        scrape_page_free(&fixture->page);
    }
}

static void write_page(struct buffer *page, unsigned from, unsigned to, bool backwards)
{
    buffer_clear(page);
    for (unsigned i = 0; i < to - from; i++) {
        unsigned number = backwards ? to - 1 - i : from + i;
        buffer_printf(page, "series{number=\"%u\",text=\"%.*s\"} %u\n", number, (int)(number % 50),
                      "..................................................", number);
    }
}

/* Which sample belongs to which series, whatever the order of the page. */
static void check_samples(struct page_fixture *fixture, unsigned count)
{
    assert_int_equal(fixture->page.samples.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &fixture->page.samples.list[i];
        const struct labels *labels = series_table_labels(fixture->series, sample->series);
        struct text number = labels_get(labels, TEXT("number"));
        double expected;
        assert_int_equal(exposition_parse_float(number, &expected), 0);
        assert_float_equal(expected, sample->value, 0);
    }
}

static void test_cache_over_scrapes(void **state)
{
    struct page_fixture *fixture = *state;
    autobuffer struct buffer page;
    static const struct {
        unsigned from, to;
        bool backwards;
        uint32_t added;
        size_t ended;
    } steps[] = {
        {0, 3000, false, 3000, 0},       {0, 3000, false, 0, 0},   {0, 3000, true, 0, 0},
        {1000, 4000, false, 1000, 1000}, {1000, 4000, true, 0, 0}, {2500, 2600, false, 0, 2900},
        {0, 5000, true, 4900, 0},        {0, 0, false, 0, 5000},   {0, 10, false, 10, 0},
    };

    buffer_init(&page, 1 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        write_page(&page, steps[i].from, steps[i].to, steps[i].backwards);
        page_fixture_begin(fixture);
        if (page.length)
            feed(fixture, buffer_text(&page));
        scrape_page_end(&fixture->page);
        check_samples(fixture, steps[i].to - steps[i].from);
        assert_int_equal(fixture->page.added, steps[i].added);
        assert_int_equal(page_fixture_end(fixture), steps[i].ended);
        scrape_page_free(&fixture->page);
        assert_int_equal(scrape_cache_count(fixture->cache), steps[i].to - steps[i].from);
        assert_int_equal(series_table_count(fixture->series), steps[i].to - steps[i].from);
    }
}

/* What is known from the scrape before is not read line by line, and counts its lines all the same.
 */
static void test_line_in_known_page(void **state)
{
    struct page_fixture *fixture = *state;
    static const char *const before[] = {"a 1\n", "# HELP a x\n# TYPE a gauge\na 1 1000\n",
                                         "\n\na 1.5e0\n"};

    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        autobuffer struct buffer page;
        char reason[32];
        buffer_init(&page, 1000);
        buffer_printf(&page, "%sb 1\n# TYPE c gauge\nc 1\n", before[i]);
        scrape(fixture, buffer_text(&page));
        assert_false(fixture->page.failed);
        unsigned lines = fixture->page.line;
        buffer_append_string(&page, "d x\n");
        scrape(fixture, buffer_text(&page));
        snprintf(reason, sizeof(reason), "line %u: ", lines + 1);
        assert_memory_equal(fixture->page.reason, reason, strlen(reason));
    }
}

/* Only the line that came in two pieces is put together, not what stands behind it. */
static void test_much_behind_half_a_line(void **state)
{
    struct page_fixture *fixture = *state;
    autobuffer struct buffer page;

    buffer_init(&page, 4 * SCRAPE_MAX_LINE);
    for (unsigned i = 0; page.length < 2 * SCRAPE_MAX_LINE; i++)
        buffer_printf(&page, "series_with_a_long_name{number=\"%u\"} %u\n", i, i);
    page_fixture_begin(fixture);
    feed(fixture, (struct text){page.bytes, 5});
    feed(fixture, (struct text){page.bytes + 5, page.length - 5});
    page_fixture_end(fixture);
    assert_string_equal(fixture->page.reason, "");
    scrape_page_free(&fixture->page);
}

/* A piece is its comments and its series, in one form, before more of the page. */
static void test_piece_begins(void **state)
{
    struct page_fixture *fixture = *state;
    struct page_pieces *pieces = fixture->shared.pieces;
    static const char page[] = "# TYPE a gauge\n# HELP a x\na{b=\"c\"} 1";
    struct page_run run = {.text = {page, 26}};
    struct text series = {page + 26, 8}, whole = {page, 36};
    struct page_piece *piece, *again;

    assert_int_equal(page_pieces_intern(pieces, SCRAPE_TEXT, &run, series, &piece), 0);
    assert_int_equal(piece->run_lines, 2);
    assert_true(text_equal(page_piece_series(piece), TEXT("a{b=\"c\"}")));
    assert_true(page_piece_begins(piece, SCRAPE_TEXT, whole));
    assert_false(page_piece_begins(piece, SCRAPE_OPENMETRICS, whole));
    assert_false(page_piece_begins(piece, SCRAPE_TEXT, (struct text){page, 34}));
    assert_false(page_piece_begins(piece, SCRAPE_TEXT, series));
    assert_int_equal(page_pieces_intern(pieces, SCRAPE_TEXT, &run, series, &again), 0);
    assert_ptr_equal(again, piece);
    page_pieces_release(pieces, again);
    assert_int_equal(page_pieces_intern(pieces, SCRAPE_OPENMETRICS, &run, series, &again), 0);
    assert_ptr_not_equal(again, piece);
    page_pieces_release(pieces, again);
    page_pieces_release(pieces, piece);
}

/* Failing pages that bring new series each time do not grow the cache without end. */
static void test_cache_of_failures(void **state)
{
    struct page_fixture *fixture = *state;
    autobuffer struct buffer page;

    buffer_init(&page, 1 << 20);
    assert_int_equal(scrape(fixture, TEXT("a 1\nb 1\n")), 0);
    for (unsigned i = 0; i < 50; i++) {
        write_page(&page, i * 100, i * 100 + 100, false);
        buffer_append_string(&page, "bad\n");
        assert_int_equal(scrape(fixture, buffer_text(&page)), i ? 0 : 2);
        assert_in_range(scrape_cache_count(fixture->cache), 100, 1002);
    }
    scrape(fixture, TEXT("a 1\n"));
    assert_int_equal(scrape_cache_count(fixture->cache), 1);
}

/* External labels are put on what is sent, and are not the target's. */
static void test_limits_are_not_of_external_labels(void **state)
{
    struct page_fixture *fixture = *state;
    autofree struct labels *external = make_labels("a_long_name", "a value longer than all", NULL);
    const struct scrape_page *page = &fixture->page;

    scrape_labels_free(&fixture->shared.labels);
    assert_int_equal(scrape_labels_new(external, &fixture->shared.labels), 0);
    fixture->config.limits.label_limit = 3; /* __name__, job and instance */
    fixture->config.limits.label_name_length_limit = 8;
    fixture->config.limits.label_value_length_limit = 5;
    page_fixture_scrape(fixture, SCRAPE_TEXT, TEXT("a 1\n"), 4);
    assert_string_equal(page->reason, "");
    const struct labels *labels =
        series_table_labels(fixture->series, page->samples.list[0].series);
    assert_int_equal(labels_get(labels, TEXT("a_long_name")).length, 23);
    scrape_page_free(&fixture->page);
}

/* What repeats a sample of the page is none of sample_limit's, on lines that are known too. */
static void test_sample_limit_and_repeated_samples(void **state)
{
    static const char *const pages[] = {"a 1\na 2\nb 1\n", "a 1\na 2\nb 1\nb 2\n",
                                        "a 1\nb 1\na 3\nc 1\n"};
    struct page_fixture *fixture = *state;
    const struct scrape_page *page = &fixture->page;

    fixture->config.limits.sample_limit = 2;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        page_fixture_scrape(fixture, SCRAPE_TEXT, text_of(pages[i]), strlen(pages[i]));
        assert_string_equal(page->reason, i < 2 ? "" : "sample limit exceeded");
        assert_int_equal(page->kept, i ? 4 : 3);
        assert_int_equal(page->samples.count, i < 2 ? 2 : 0);
        scrape_page_free(&fixture->page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_over_scrapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_in_known_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_much_behind_half_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_piece_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_of_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_are_not_of_external_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sample_limit_and_repeated_samples, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
