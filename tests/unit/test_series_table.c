/* SPDX-License-Identifier: Apache-2.0 */
/* model/series_table: interning, references, reuse of numbers, metadata, a million series. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/metadata_table.h"
#include "model/series_table.h"

#define MILLION 1000000u
#define MAX_OVERHEAD 100         /* bytes a series, beside its label text */

static struct labels_builder *builder;

static int group_setup(void **state)
{
    (void)state;
    return labels_builder_new(&builder);
}

static int group_teardown(void **state)
{
    (void)state;
    labels_builder_free(&builder);
    return 0;
}

/* http_requests_total{code="200",instance="n",job="test",pod="web-N"}. The caller frees. */
static struct labels *numbered(uint32_t number)
{
    char pod[32];
    snprintf(pod, sizeof(pod), "web-%u", number);
    labels_builder_clear(builder);
    labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), TEXT("http_requests_total"));
    labels_builder_set(builder, TEXT("code"), TEXT("200"));
    labels_builder_set(builder, TEXT("instance"), TEXT("n"));
    labels_builder_set(builder, TEXT("job"), TEXT("test"));
    labels_builder_set(builder, TEXT("pod"), text_of(pod));
    struct labels *labels = NULL;
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    return labels;
}

static int intern(struct series_table *table, uint32_t number, series_id *out)
{
    autofree struct labels *labels = numbered(number);
    return series_table_intern(table, labels, out);
}

static void assert_is(const struct series_table *table, series_id series, uint32_t number)
{
    autofree struct labels *labels = numbered(number);
    const struct labels *found = series_table_labels(table, series);
    assert_non_null(found);
    assert_true(labels_equal(found, labels));
    assert_ptr_not_equal(found, labels);
}

static struct series_table *table_of(uint32_t max_series)
{
    struct series_table *table = NULL;
    assert_int_equal(series_table_new(max_series, &table), 0);
    return table;
}

static void test_same_set_same_number(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    series_id a, b, again;
    assert_int_equal(intern(table, 1, &a), 0);
    assert_int_equal(intern(table, 2, &b), 0);
    assert_int_equal(intern(table, 1, &again), 0);
    assert_int_not_equal(a, 0);
    assert_int_not_equal(b, 0);
    assert_int_not_equal(a, b);
    assert_int_equal(a, again);
    assert_int_equal(series_table_count(table), 2);
    assert_is(table, a, 1);
    assert_is(table, b, 2);
    series_table_free(&table);
    assert_null(table);
}

static void test_references(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    series_id a, again, b;
    assert_int_equal(intern(table, 1, &a), 0);
    assert_int_equal(intern(table, 1, &again), 0);
    series_table_hold(table, a);
    series_table_release(table, a);
    series_table_release(table, a);
    assert_is(table, a, 1);
    series_table_release(table, a);
    assert_null(series_table_labels(table, a));
    assert_int_equal(series_table_count(table), 0);
    assert_int_equal(intern(table, 2, &b), 0);
    assert_int_equal(b, a); /* the number is used again */
    assert_is(table, b, 2);
    series_table_free(&table);
}

static void test_numbers_not_in_use(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    series_id a;
    assert_int_equal(intern(table, 1, &a), 0);
    assert_null(series_table_labels(table, 0));
    assert_null(series_table_labels(table, a + 1));
    assert_null(series_table_labels(table, UINT32_MAX));
    series_table_free(&table);
    series_table_free(&table);
}

static void test_full(void **state)
{
    (void)state;
    struct series_table *table = table_of(3);
    series_id series[3], more;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(intern(table, i, &series[i]), 0);
    assert_int_equal(intern(table, 3, &more), -E2BIG);
    assert_int_equal(intern(table, 1, &more), 0); /* a known one needs no room */
    assert_int_equal(series_table_count(table), 3);
    series_table_release(table, series[2]);
    assert_int_equal(intern(table, 3, &more), 0);
    assert_is(table, more, 3);
    series_table_free(&table);
    assert_int_equal(series_table_new(UINT32_MAX, &table), -EINVAL);
    table = table_of(0);
    assert_int_equal(intern(table, 1, &more), -E2BIG);
    series_table_free(&table);
}

static void test_empty_set_is_a_series(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    labels_builder_clear(builder);
    autofree struct labels *empty = NULL;
    assert_int_equal(labels_builder_build(builder, &empty), 0);
    series_id a, b;
    assert_int_equal(series_table_intern(table, empty, &a), 0);
    assert_int_equal(series_table_intern(table, empty, &b), 0);
    assert_int_equal(a, b);
    series_table_free(&table);
}

static struct metadata requests_metadata(void)
{
    return (struct metadata){.family = TEXT("http_requests_total"),
                             .help = TEXT("All of them."),
                             .type = METADATA_COUNTER};
}

static const struct metadata *metadata_of(const struct series_table *table, series_id series)
{
    return series_table_metadata(table, series_table_metadata_id(table, series));
}

static void test_metadata_of_a_series(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    struct metadata metadata = requests_metadata(), other = metadata;
    series_id a, b;
    assert_int_equal(intern(table, 1, &a), 0);
    assert_int_equal(intern(table, 2, &b), 0);
    assert_int_equal(series_table_metadata_id(table, a), 0);
    assert_null(series_table_metadata(table, 0));
    char help[] = "All of them."; /* a copy is kept */
    metadata.help.bytes = help;
    assert_int_equal(series_table_describe(table, a, &metadata), 0);
    memset(help, 'x', sizeof(help));
    metadata = requests_metadata();
    assert_int_equal(series_table_describe(table, b, &metadata), 0);

    metadata_id shared = series_table_metadata_id(table, a);
    assert_int_not_equal(shared, 0);
    assert_int_equal(series_table_metadata_id(table, b), shared);
    const struct metadata *found = metadata_of(table, a);
    assert_true(text_equal(found->family, metadata.family));
    assert_true(text_equal(found->help, metadata.help));
    assert_int_equal(found->unit.length, 0);
    assert_int_equal(found->type, METADATA_COUNTER);

    other.unit = TEXT("requests");
    assert_int_equal(series_table_describe(table, b, &other), 0);
    assert_true(text_equal(metadata_of(table, b)->unit, other.unit));
    assert_int_equal(series_table_describe(table, b, &other), 0);
    assert_int_equal(series_table_metadata_id(table, a), shared);
    assert_int_equal(series_table_describe(table, a, NULL), 0);
    assert_int_equal(series_table_metadata_id(table, a), 0);
    assert_null(series_table_metadata(table, shared)); /* nobody has it any more */
    series_table_release(table, b);
    assert_int_equal(intern(table, 3, &a), 0);
    assert_int_equal(a, b);
    assert_int_equal(series_table_metadata_id(table, a), 0); /* the number's new series */
    series_table_free(&table);
}

/* Where one text ends and the next begins counts, and so does the type. */
static void test_metadata_differs(void **state)
{
    (void)state;
    static const struct metadata all[] = {
        {.family = {"ab", 2}, .help = {"c", 1}},
        {.family = {"f0", 2}, .type = METADATA_GAUGE}, /* a weak hash takes these two for one */
        {.family = {"f2", 2}, .type = METADATA_UNKNOWN},
        {.family = {"a", 1}, .help = {"bc", 2}},
        {.family = {"a", 1}, .help = {"b", 1}, .unit = {"c", 1}},
        {.family = {"a", 1}, .unit = {"bc", 2}},
        {.family = {"a", 1}, .unit = {"bc", 2}, .type = METADATA_GAUGE},
        {.help = {"abc", 3}},
        {.unit = {"abc", 3}},
        {.type = METADATA_STATESET},
    };
    struct series_table *table = table_of(10);
    metadata_id ids[ARRAY_SIZE(all)], again;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(series_table_intern_metadata(table, &all[i], &ids[i]), 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(ids[i], ids[k]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_int_equal(series_table_intern_metadata(table, &all[i], &again), 0);
        assert_int_equal(again, ids[i]);
        series_table_release_metadata(table, again);
        assert_non_null(series_table_metadata(table, ids[i]));
        series_table_release_metadata(table, ids[i]);
        assert_null(series_table_metadata(table, ids[i]));
    }
    series_table_free(&table);
}

/* Many families at a time, and their numbers used again. */
static void test_metadata_churn(void **state)
{
    (void)state;
    enum { FAMILIES = 3000, STEPS = 60000 };
    struct series_table *table = table_of(10);
    autofree metadata_id *ids = calloc(FAMILIES, sizeof(*ids));
    metadata_id highest = 0;
    assert_non_null(ids);
    srandom(12);
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)random() % FAMILIES;
        char name[32];
        snprintf(name, sizeof(name), "family_%u", i);
        if (ids[i]) {
            assert_true(text_equal(series_table_metadata(table, ids[i])->family, text_of(name)));
            series_table_release_metadata(table, ids[i]);
            ids[i] = 0;
        } else {
            struct metadata metadata = {.family = text_of(name)};
            assert_int_equal(series_table_intern_metadata(table, &metadata, &ids[i]), 0);
            highest = ids[i] > highest ? ids[i] : highest;
        }
    }
    assert_in_range(highest, FAMILIES / 2, FAMILIES);
    series_table_free(&table);
}

static void test_metadata_has_a_maximum(void **state)
{
    (void)state;
    struct series_table *table = table_of(10);
    autofree char *help = calloc(1, METADATA_TABLE_MAX_BYTES);
    struct metadata metadata = {.help = {help, METADATA_TABLE_MAX_BYTES}};
    struct metadata more = requests_metadata();
    series_id series;
    assert_int_equal(intern(table, 1, &series), 0);
    assert_int_equal(series_table_describe(table, series, &metadata), 0);
    assert_int_equal(series_table_describe(table, series, &more), -E2BIG);
    assert_int_equal(series_table_metadata_id(table, series), 0);
    assert_int_equal(series_table_describe(table, series, &more), 0); /* there is room again */
    series_table_free(&table);
}

/* Random adding and removing, sizes up and down, against an array. */
static void test_churn_against_model(void **state)
{
    (void)state;
    enum { SETS = 6000, STEPS = 150000 };
    struct series_table *table = table_of(SETS);
    autofree series_id *series = calloc(SETS, sizeof(*series));
    autofree uint32_t *references = calloc(SETS, sizeof(*references));
    assert_true(series && references);
    uint32_t live = 0;
    srandom(11);
    for (int step = 0; step < STEPS; step++) {
        bool growing = step / 15000 % 2 == 0;
        uint32_t i = (uint32_t)random() % SETS;
        bool add = (random() % 4 != 0) == growing;
        if (add && references[i] < 3) {
            series_id got;
            assert_int_equal(intern(table, i, &got), 0);
            if (references[i]++)
                assert_int_equal(got, series[i]);
            else
                live++;
            series[i] = got;
        } else if (!add && references[i]) {
            series_table_release(table, series[i]);
            live -= --references[i] == 0;
        }
        assert_int_equal(series_table_count(table), live);
    }
    for (uint32_t i = 0; i < SETS; i++)
        if (references[i])
            assert_is(table, series[i], i);
    for (uint32_t i = 0; i < SETS; i++)
        while (references[i] && references[i]--)
            series_table_release(table, series[i]);
    assert_int_equal(series_table_count(table), 0);
    series_table_free(&table);
}

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The text of the set: what remains when the table's overhead is taken away. */
static size_t text_bytes(const struct labels *labels)
{
    size_t bytes = 0;
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        bytes += c.label.name.length + c.label.value.length;
    return bytes;
}

static void test_a_million(void **state)
{
    (void)state;
    uint64_t start = clock_monotonic_ns();
    size_t before = heap_in_use(), text = 0;
    struct series_table *table = table_of(MILLION);
    series_id series;
    for (uint32_t i = 0; i < MILLION; i++) {
        autofree struct labels *labels = numbered(i);
        assert_int_equal(series_table_intern(table, labels, &series), 0);
        text += text_bytes(labels);
    }
    size_t used = heap_in_use() - before;
    assert_int_equal(series_table_count(table), MILLION);
    for (uint32_t i = 0; i < MILLION; i++) {
        assert_int_equal(intern(table, i, &series), 0);
        assert_int_equal(series, i + 1);
    }
    double overhead = ((double)used - (double)text) / MILLION;
    for (series = 1; series <= MILLION; series++) {
        series_table_release(table, series);
        series_table_release(table, series);
    }
    assert_int_equal(series_table_count(table), 0);
    double seconds = (double)(clock_monotonic_ns() - start) / NS_PER_SECOND;
    print_message("a million series: %.2f s, %.1f bytes a series beside the text\n", seconds,
                  overhead);
#ifndef __SANITIZE_ADDRESS__
    assert_true(overhead > 0 && overhead < MAX_OVERHEAD);
#endif
    series_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_set_same_number),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_numbers_not_in_use),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_empty_set_is_a_series),
        cmocka_unit_test(test_metadata_of_a_series),
        cmocka_unit_test(test_metadata_differs),
        cmocka_unit_test(test_metadata_churn),
        cmocka_unit_test(test_metadata_has_a_maximum),
        cmocka_unit_test(test_churn_against_model),
        cmocka_unit_test(test_a_million),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
