/* SPDX-License-Identifier: Apache-2.0 */
/* model/metric, model/metric_write: registration, counting, and the page to the byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/metric.h"

static const double bounds[] = {0.005, 0.1, 1, 1000000};

static const struct metric_family sent = {
    .name = "edgemeter_sent_total",
    .help = "Samples sent.",
    .type = METRIC_COUNTER,
};
static const struct metric_family pending = {
    .name = "edgemeter_pending",
    .help = "Samples in the \"queue\",\na path C:\\x.",
    .type = METRIC_GAUGE,
};
static const struct metric_family seconds = {
    .name = "edgemeter_send_seconds",
    .help = "Time of a send.",
    .type = METRIC_HISTOGRAM,
    .bounds = bounds,
    .bound_count = ARRAY_SIZE(bounds),
};

static struct metric_registry *registry;

static int setup(void **state)
{
    (void)state;
    return metric_registry_new(&registry);
}

static int teardown(void **state)
{
    (void)state;
    metric_registry_free(&registry);
    assert_null(registry);
    return 0;
}

static struct metric *metric_of(const struct metric_family *family, const char *const *labels)
{
    struct metric *metric = NULL;
    assert_int_equal(metric_new(registry, family, labels, &metric), 0);
    assert_non_null(metric);
    return metric;
}

static void assert_page(const char *wanted)
{
    autobuffer struct buffer page;
    buffer_init(&page, 64 * 1024);
    assert_int_equal(metric_registry_write(registry, &page), 0);
    assert_string_equal(page.bytes ? page.bytes : "", wanted);
}

static void test_empty(void **state)
{
    (void)state;
    assert_page("");
}

static void test_counter_and_gauge(void **state)
{
    (void)state;
    struct metric *plain = metric_of(&sent, NULL);
    struct metric *gauge = metric_of(&pending, METRIC_LABELS("remote", "a\\b\"c\nd", "kind", ""));
    metric_add(plain, 1);
    metric_add(plain, 1234567);
    metric_set(gauge, 7);
    metric_add(gauge, -9.5);
    assert_true(metric_get(plain) == 1234568);
    assert_true(metric_get(gauge) == -2.5);
    assert_page("# HELP edgemeter_pending Samples in the \"queue\",\\na path C:\\\\x.\n"
                "# TYPE edgemeter_pending gauge\n"
                "edgemeter_pending{kind=\"\",remote=\"a\\\\b\\\"c\\nd\"} -2.5\n"
                "# HELP edgemeter_sent_total Samples sent.\n"
                "# TYPE edgemeter_sent_total counter\n"
                "edgemeter_sent_total 1.234568e+06\n");
}

static void test_special_values(void **state)
{
    (void)state;
    metric_set(metric_of(&pending, METRIC_LABELS("v", "a")), NAN);
    metric_set(metric_of(&pending, METRIC_LABELS("v", "b")), INFINITY);
    metric_set(metric_of(&pending, METRIC_LABELS("v", "c")), -INFINITY);
    assert_page("# HELP edgemeter_pending Samples in the \"queue\",\\na path C:\\\\x.\n"
                "# TYPE edgemeter_pending gauge\n"
                "edgemeter_pending{v=\"a\"} NaN\n"
                "edgemeter_pending{v=\"b\"} +Inf\n"
                "edgemeter_pending{v=\"c\"} -Inf\n");
}

static void test_histogram(void **state)
{
    (void)state;
    struct metric *plain = metric_of(&seconds, NULL);
    struct metric *labelled = metric_of(&seconds, METRIC_LABELS("remote", "x"));
    static const double values[] = {0.005, 0.0050001, 0.1, 0.5, 2, 2000000, -1};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        metric_observe(plain, values[i]);
    assert_true(metric_get(plain) == ARRAY_SIZE(values));
    metric_observe(labelled, NAN);
    assert_page("# HELP edgemeter_send_seconds Time of a send.\n"
                "# TYPE edgemeter_send_seconds histogram\n"
                "edgemeter_send_seconds_bucket{le=\"0.005\"} 2\n"
                "edgemeter_send_seconds_bucket{le=\"0.1\"} 4\n"
                "edgemeter_send_seconds_bucket{le=\"1\"} 5\n"
                "edgemeter_send_seconds_bucket{le=\"1e+06\"} 6\n"
                "edgemeter_send_seconds_bucket{le=\"+Inf\"} 7\n"
                "edgemeter_send_seconds_sum 2.0000016100001e+06\n"
                "edgemeter_send_seconds_count 7\n"
                "edgemeter_send_seconds_bucket{remote=\"x\",le=\"0.005\"} 0\n"
                "edgemeter_send_seconds_bucket{remote=\"x\",le=\"0.1\"} 0\n"
                "edgemeter_send_seconds_bucket{remote=\"x\",le=\"1\"} 0\n"
                "edgemeter_send_seconds_bucket{remote=\"x\",le=\"1e+06\"} 0\n"
                "edgemeter_send_seconds_bucket{remote=\"x\",le=\"+Inf\"} 1\n"
                "edgemeter_send_seconds_sum{remote=\"x\"} NaN\n"
                "edgemeter_send_seconds_count{remote=\"x\"} 1\n");
}

static void test_summary(void **state)
{
    static const double quantiles[] = {0.01, 0.5, 0.99};
    static const struct metric_family length = {
        .name = "edgemeter_length_seconds",
        .help = "x",
        .type = METRIC_SUMMARY,
        .bounds = quantiles,
        .bound_count = ARRAY_SIZE(quantiles),
    };
    (void)state;
    struct metric *metric = metric_of(&length, METRIC_LABELS("interval", "1s"));
    assert_page("# HELP edgemeter_length_seconds x\n"
                "# TYPE edgemeter_length_seconds summary\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.01\"} NaN\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.5\"} NaN\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.99\"} NaN\n"
                "edgemeter_length_seconds_sum{interval=\"1s\"} 0\n"
                "edgemeter_length_seconds_count{interval=\"1s\"} 0\n");
    for (int i = 50; i > 0; i--)
        metric_observe(metric, i);
    assert_true(metric_get(metric) == 50);
    assert_page("# HELP edgemeter_length_seconds x\n"
                "# TYPE edgemeter_length_seconds summary\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.01\"} 1\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.5\"} 25\n"
                "edgemeter_length_seconds{interval=\"1s\",quantile=\"0.99\"} 50\n"
                "edgemeter_length_seconds_sum{interval=\"1s\"} 1275\n"
                "edgemeter_length_seconds_count{interval=\"1s\"} 50\n");
    for (int i = 0; i < 100000; i++) /* a choice of them is kept, a fair one */
        metric_observe(metric, i % 1000);
    autobuffer struct buffer page;
    buffer_init(&page, 64 * 1024);
    assert_int_equal(metric_registry_write(registry, &page), 0);
    const char *median = strstr(page.bytes, "quantile=\"0.5\"} ");
    assert_non_null(median);
    assert_in_range(atof(median + strlen("quantile=\"0.5\"} ")), 200, 800);
}

static void test_families_sorted_children_in_order(void **state)
{
    static const struct metric_family families[] = {
        {"m_b", "", METRIC_GAUGE, NULL, 0}, {"m", "", METRIC_GAUGE, NULL, 0},
        {"z", "", METRIC_GAUGE, NULL, 0},   {"m_a", "", METRIC_GAUGE, NULL, 0},
        {"A", "", METRIC_GAUGE, NULL, 0},
    };
    (void)state;
    metric_of(&families[0], METRIC_LABELS("x", "2"));
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        metric_of(&families[i], METRIC_LABELS("x", "1"));
    assert_page("# HELP A \n# TYPE A gauge\nA{x=\"1\"} 0\n"
                "# HELP m \n# TYPE m gauge\nm{x=\"1\"} 0\n"
                "# HELP m_a \n# TYPE m_a gauge\nm_a{x=\"1\"} 0\n"
                "# HELP m_b \n# TYPE m_b gauge\nm_b{x=\"2\"} 0\nm_b{x=\"1\"} 0\n"
                "# HELP z \n# TYPE z gauge\nz{x=\"1\"} 0\n");
}

static void test_same_labels_same_child(void **state)
{
    (void)state;
    struct metric *first = metric_of(&sent, METRIC_LABELS("a", "1", "b", "2"));
    struct metric *second = metric_of(&sent, METRIC_LABELS("b", "2", "a", "1"));
    struct metric *other = metric_of(&sent, METRIC_LABELS("a", "2", "b", "1"));
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    metric_add(second, 3);
    metric_free(&first);
    assert_null(first);
    metric_free(&other);
    metric_free(&other);
    assert_page("# HELP edgemeter_sent_total Samples sent.\n"
                "# TYPE edgemeter_sent_total counter\n"
                "edgemeter_sent_total{a=\"1\",b=\"2\"} 3\n");
    metric_free(&second);
    assert_page("");
    assert_true(metric_get(metric_of(&sent, METRIC_LABELS("a", "1", "b", "2"))) == 0);
}

static void test_labels_are_copied(void **state)
{
    (void)state;
    char value[] = "before";
    metric_of(&sent, METRIC_LABELS("v", value));
    value[0] = 'X';
    assert_page("# HELP edgemeter_sent_total Samples sent.\n"
                "# TYPE edgemeter_sent_total counter\n"
                "edgemeter_sent_total{v=\"before\"} 0\n");
}

static void test_conflicting_families(void **state)
{
    static const double other_bounds[] = {1, 2, 3, 4};
    static const struct metric_family as_gauge = {"edgemeter_sent_total", "", METRIC_GAUGE, NULL,
                                                  0};
    static const struct metric_family same_again = {"edgemeter_sent_total", "", METRIC_COUNTER,
                                                    NULL, 0};
    static const struct metric_family fewer = {"edgemeter_send_seconds", "", METRIC_HISTOGRAM,
                                               bounds, 2};
    static const struct metric_family others = {"edgemeter_send_seconds", "", METRIC_HISTOGRAM,
                                                other_bounds, ARRAY_SIZE(other_bounds)};
    (void)state;
    struct metric *metric = metric_of(&sent, NULL), *none = NULL;
    metric_of(&seconds, NULL);
    assert_int_equal(metric_new(registry, &as_gauge, NULL, &none), -EINVAL);
    assert_int_equal(metric_new(registry, &fewer, NULL, &none), -EINVAL);
    assert_int_equal(metric_new(registry, &others, NULL, &none), -EINVAL);
    assert_null(none);
    assert_ptr_equal(metric_of(&same_again, NULL), metric);
}

static void set_from_hook(void *context)
{
    metric_set(context, metric_get(context) + 1);
}

static void test_hooks(void **state)
{
    (void)state;
    struct metric *gauge = metric_of(&pending, NULL);
    for (int i = 0; i < METRIC_MAX_HOOKS; i++)
        assert_int_equal(metric_registry_on_write(registry, set_from_hook, gauge), 0);
    assert_int_equal(metric_registry_on_write(registry, set_from_hook, gauge), -E2BIG);
    metric_registry_off_write(registry, set_from_hook, registry); /* another's: nothing happens */
    metric_registry_off_write(registry, set_from_hook, gauge);
    assert_int_equal(metric_registry_on_write(registry, set_from_hook, gauge), 0);
    assert_page("# HELP edgemeter_pending Samples in the \"queue\",\\na path C:\\\\x.\n"
                "# TYPE edgemeter_pending gauge\n"
                "edgemeter_pending 32\n");
}

static void test_maxima(void **state)
{
    (void)state;
    struct metric *metric = NULL;
    const char *many[2 * 17 + 1] = {NULL};
    for (size_t i = 0; i < 34; i++)
        many[i] = "x";
    assert_int_equal(metric_new(registry, &sent, many, &metric), -E2BIG);
    for (int i = 0; i < METRIC_MAX_CHILDREN; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i);
        metric_of(&sent, METRIC_LABELS("v", value));
    }
    assert_int_equal(metric_new(registry, &sent, NULL, &metric), -E2BIG);
    metric = metric_of(&sent, METRIC_LABELS("v", "17")); /* a known one needs no room */
    metric_free(&metric);
    metric = metric_of(&sent, METRIC_LABELS("v", "17"));
    metric_free(&metric);
    metric = metric_of(&sent, METRIC_LABELS("v", "17"));
    struct metric *same = metric;
    metric_free(&metric);
    metric_free(&same); /* the one that the loop made */
    metric_of(&sent, NULL);
}

static void test_page_past_the_maximum(void **state)
{
    (void)state;
    metric_observe(metric_of(&seconds, METRIC_LABELS("a", "b\n")), 1);
    metric_set(metric_of(&pending, NULL), 1);
    autobuffer struct buffer whole;
    buffer_init(&whole, 64 * 1024);
    assert_int_equal(metric_registry_write(registry, &whole), 0);
    for (size_t maximum = 0; maximum <= whole.length; maximum++) {
        autobuffer struct buffer page;
        buffer_init(&page, maximum);
        int wanted = maximum < whole.length ? -E2BIG : 0;
        assert_int_equal(metric_registry_write(registry, &page), wanted);
    }
}

static void test_null_is_ignored(void **state)
{
    (void)state;
    struct metric *metric = (struct metric *)&sent;
    assert_int_equal(metric_new(NULL, &sent, NULL, &metric), 0);
    assert_null(metric);
    assert_int_equal(metric_registry_on_write(NULL, set_from_hook, NULL), 0);
    metric_add(metric, 1);
    metric_set(metric, 1);
    metric_observe(metric, 1);
    assert_true(metric_get(metric) == 0);
    metric_free(&metric);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counter_and_gauge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_special_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histogram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_summary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_families_sorted_children_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_labels_same_child, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels_are_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conflicting_families, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hooks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maxima, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page_past_the_maximum, setup, teardown),
        cmocka_unit_test(test_null_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
