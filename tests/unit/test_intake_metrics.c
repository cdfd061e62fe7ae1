/* SPDX-License-Identifier: Apache-2.0 */
/* What came in, under the names that Prometheus gives it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "ship/intake_metrics.h"

static void assert_lines(struct metric_registry *registry, const char *const *lines, size_t count)
{
    autobuffer struct buffer page;

    buffer_init(&page, 1 << 20);
    assert_int_equal(metric_registry_write(registry, &page), 0);
    for (size_t i = 0; i < count; i++)
        if (!strstr(page.bytes, lines[i]))
            fail_msg("no%s in\n%s", lines[i], page.bytes);
}

static void test_each_is_counted(void **state)
{
    static const char *const lines[] = {
        "\nprometheus_remote_storage_samples_in_total 5\n",
        "\nprometheus_remote_storage_histograms_in_total 7\n",
        "\nprometheus_remote_storage_exemplars_in_total 9\n",
        "\nprometheus_agent_samples_appended_total{type=\"float\"} 5\n",
        "\nprometheus_agent_samples_appended_total{type=\"histogram\"} 7\n",
        "\nprometheus_agent_exemplars_appended_total 9\n",
        "\nprometheus_remote_storage_highest_timestamp_in_seconds 1.7e+09\n",
    };
    struct metric_registry *registry = NULL;
    struct intake_metrics metrics;
    autobuffer struct buffer page;

    (void)state;
    assert_int_equal(metric_registry_new(&registry), 0);
    assert_int_equal(intake_metrics_init(&metrics, registry), 0);
    intake_metrics_count(&metrics, (struct sample_counts){1, 2, 3}, INT64_C(1700000000999));
    intake_metrics_count(&metrics, (struct sample_counts){4, 5, 6}, INT64_C(1600000000000));
    assert_lines(registry, lines, ARRAY_SIZE(lines));
    intake_metrics_free(&metrics);
    buffer_init(&page, 1 << 20);
    assert_int_equal(metric_registry_write(registry, &page), 0);
    assert_int_equal(page.length, 0);
    metric_registry_free(&registry);
}

static void test_without_a_registry(void **state)
{
    struct intake_metrics metrics;

    (void)state;
    assert_int_equal(intake_metrics_init(&metrics, NULL), 0);
    intake_metrics_count(&metrics, (struct sample_counts){1, 2, 3}, 1000);
    intake_metrics_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_counted),
        cmocka_unit_test(test_without_a_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
