/* SPDX-License-Identifier: Apache-2.0 */
/* Series to series for one remote: rewritten, dropped, cached, numbers given out again, and nothing
 * held for ever. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "labels_maker.h"
#include "rules_maker.h"
#include "ship/remote_relabel.h"

struct fixture {
    struct series_table *table;
    struct relabel_rules rules;
    struct remote_relabel *relabel;
};

/* Drops what has drop="yes", drops the label n, and adds one. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    add_rule(&f->rules, RELABEL_DROP, "drop", "yes", "", "$1");
    add_rule(&f->rules, RELABEL_LABELDROP, NULL, "n", "", "$1");
    add_rule(&f->rules, RELABEL_REPLACE, "v", "(.+)", "w", "$1$1");
    assert_int_equal(series_table_new(100000, &f->table), 0);
    assert_int_equal(remote_relabel_new(f->table, &f->rules, &f->relabel), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    remote_relabel_free(&f->relabel);
    assert_int_equal(series_table_count(f->table), 0);
    series_table_free(&f->table);
    relabel_rules_free(&f->rules);
    free(f);
    return 0;
}

static series_id intern(struct fixture *f, const char *name, const char *value)
{
    autofree struct labels *labels = make_labels("__name__", "m", name, value, NULL);
    series_id series;

    assert_int_equal(series_table_intern(f->table, labels, &series), 0);
    return series;
}

static series_id relabel(struct fixture *f, series_id series)
{
    series_id result = 12345;
    assert_int_equal(remote_relabel_series(f->relabel, series, &result), 0);
    return result;
}

static struct text value(struct fixture *f, series_id series, const char *name)
{
    return labels_get(series_table_labels(f->table, series), text_of(name));
}

static void test_results(void **state)
{
    struct fixture *f = *state;
    series_id kept = intern(f, "other", "1"), dropped = intern(f, "drop", "yes");
    series_id rewritten = intern(f, "v", "ab"), fewer = intern(f, "n", "1");

    for (int i = 0; i < 3; i++) {
        assert_int_equal(relabel(f, kept), kept);
        assert_int_equal(relabel(f, dropped), 0);
        series_id result = relabel(f, rewritten);
        assert_int_not_equal(result, rewritten);
        assert_true(text_equal(value(f, result, "w"), TEXT("abab")));
        assert_true(text_equal(value(f, result, "v"), TEXT("ab")));
        assert_int_equal(value(f, relabel(f, fewer), "n").length, 0);
    }
    assert_int_equal(series_table_count(f->table), 6);
    for (series_id series = 1; series <= 4; series++)
        series_table_release(f->table, series);
}

/* The number of a series that is gone comes back with other labels. */
static void test_number_reused(void **state)
{
    struct fixture *f = *state;
    series_id first = intern(f, "drop", "yes");

    assert_int_equal(relabel(f, first), 0);
    series_table_release(f->table, first);
    series_id second = intern(f, "v", "1");
    assert_int_equal(second, first);
    assert_true(text_equal(value(f, relabel(f, second), "w"), TEXT("11")));
    series_table_release(f->table, second);
    series_id third = intern(f, "drop", "yes");
    assert_int_equal(relabel(f, third), 0);
    series_table_release(f->table, third);
}

static void test_metadata(void **state)
{
    struct fixture *f = *state;
    series_id series = intern(f, "v", "1"), result = relabel(f, series);
    const struct metadata metadata = {.family = TEXT("m"), .help = TEXT("h")};

    assert_int_equal(series_table_metadata_id(f->table, result), 0);
    assert_int_equal(series_table_describe(f->table, series, &metadata), 0);
    assert_int_equal(relabel(f, series), result);
    assert_int_equal(series_table_metadata_id(f->table, result),
                     series_table_metadata_id(f->table, series));
    series_table_release(f->table, series);
}

/* What stays as it is is not kept alive either. */
static void test_unchanged(void **state)
{
    struct fixture *f = *state;
    series_id series = intern(f, "other", "1");

    assert_int_equal(relabel(f, series), series);
    series_table_release(f->table, series);
    assert_int_equal(series_table_count(f->table), 0);
}

/* Series that come and go leave nothing behind but what is in use. */
static void test_churn(void **state)
{
    struct fixture *f = *state;
    series_id kept = intern(f, "v", "kept");
    char text[32];
    uint32_t most = 0;

    for (int round = 0; round < 1000; round++) {
        series_id series[100];
        for (int i = 0; i < 100; i++) {
            snprintf(text, sizeof(text), "%d", round * 100 + i);
            series[i] = intern(f, "v", text);
            relabel(f, series[i]);
        }
        for (int i = 0; i < 100; i++)
            series_table_release(f->table, series[i]);
        if (series_table_count(f->table) > most)
            most = series_table_count(f->table);
    }
    assert_in_range(most, 100, 1000);
    for (int i = 0; i < 20000; i++)
        relabel(f, kept);
    assert_int_equal(series_table_count(f->table), 2);
    series_table_release(f->table, kept);
}

static void test_full_table(void **state)
{
    struct fixture *f = *state;
    struct series_table *small;
    struct remote_relabel *relabel;
    series_id series, result;
    autofree struct labels *labels = make_labels("v", "1", NULL);

    assert_int_equal(series_table_new(1, &small), 0);
    assert_int_equal(remote_relabel_new(small, &f->rules, &relabel), 0);
    assert_int_equal(series_table_intern(small, labels, &series), 0);
    assert_int_equal(remote_relabel_series(relabel, series, &result), -E2BIG);
    series_table_release(small, series);
    remote_relabel_free(&relabel);
    series_table_free(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_results),   TEST(test_number_reused), TEST(test_metadata),
        TEST(test_unchanged), TEST(test_churn),         TEST(test_full_table),
    };
    return cmocka_run_group_tests_name("remote_relabel", tests, NULL, NULL);
}
