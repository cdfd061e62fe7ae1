/* SPDX-License-Identifier: Apache-2.0 */
/* From discovered labels to a target: defaults, the URL, what stays of the labels, and refusals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "labels_maker.h"
#include "scrape/target.h"

#define autotarget __attribute__((cleanup(target_free)))

static struct scrape_config plain = {
    .job_name = "j",
    .scrape_interval_ns = 15 * NS_PER_SECOND,
    .scrape_timeout_ns = 10 * NS_PER_SECOND,
    .metrics_path = "/metrics",
    .scheme = "http",
};

static void assert_labels(const struct labels *labels, const char *expected)
{
    autobuffer struct buffer text;

    buffer_init(&text, 1 << 20);
    assert_int_equal(labels_write(labels, &text), 0);
    assert_string_equal(text.bytes, expected);
}

/* Takes the labels. */
static struct target *make_target(struct labels *group, struct labels *own)
{
    char reason[TARGET_REASON_SIZE] = "";
    struct target *target = NULL;

    if (target_new(&plain, group, own, &target, reason))
        fail_msg("%s", reason);
    free(group);
    free(own);
    return target;
}

static void test_defaults(void **state)
{
    (void)state;
    autotarget struct target *target = make_target(NULL, make_labels("__address__", "h:1", NULL));

    assert_string_equal(target->url, "http://h:1/metrics");
    assert_labels(target->labels, "{instance=\"h:1\",job=\"j\"}");
    assert_labels(target->discovered,
                  "{__address__=\"h:1\",__metrics_path__=\"/metrics\",__scheme__=\"http\","
                  "__scrape_interval__=\"15s\",__scrape_timeout__=\"10s\",job=\"j\"}");
    assert_int_equal(target->scrape_interval_ns, 15 * NS_PER_SECOND);
    assert_int_equal(target->scrape_timeout_ns, 10 * NS_PER_SECOND);
    assert_false(target->dropped);
}

static void test_labels_win_over_the_job(void **state)
{
    (void)state;
    autotarget struct target *target = make_target(
        make_labels("job", "group", "x", "group", "y", "group", NULL),
        make_labels("__address__", "[::1]:1", "__scheme__", "https", "__metrics_path__", "a b",
                    "__param_q", "1 2", "__scrape_interval__", "1m", "__scrape_timeout__",
                    "1s500ms", "__meta_z", "z", "__tmp_t", "t", "instance", "i", "x", "own", NULL));

    assert_string_equal(target->url, "https://[::1]:1/a%20b?q=1+2");
    assert_labels(target->labels, "{instance=\"i\",job=\"group\",x=\"own\",y=\"group\"}");
    assert_int_equal(target->scrape_interval_ns, 60 * NS_PER_SECOND);
    assert_int_equal(target->scrape_timeout_ns, 1500 * NS_PER_MS);
}

/* What a function below forgets to initialize is no zero then. */
static __attribute__((noinline)) void soil_stack(void)
{
    char dirt[64 * 1024];

    memset(dirt, 0xff, sizeof(dirt));
    __asm__ volatile("" : : "r"(dirt) : "memory");
}

/* The job's params, where a label stands instead of the first value. */
static void test_params(void **state)
{
    static char *match[] = {"{job!=\"\"}", "b"}, *empty[] = {""}, *one[] = {"1"};
    static struct scrape_param params[] = {{"0", NULL, 0},      {"a", one, 1},
                                           {"empty", empty, 1}, {"match[]", match, 2},
                                           {"none", NULL, 0},   {"z", one, 1}};
    struct scrape_config config = plain;
    char reason[TARGET_REASON_SIZE] = "";
    struct target *target = NULL;
    (void)state;

    config.params = (struct scrape_params){params, ARRAY_SIZE(params)};
    autofree struct labels *own = make_labels("__address__", "h:1", "__param_b", "2",
                                              "__param_match[]", "c d", "__param_zz", "3", NULL);
    soil_stack();
    assert_int_equal(target_new(&config, NULL, own, &target, reason), 0);
    assert_string_equal(target->url, "http://h:1/metrics?a=1&b=2&empty=&match%5B%5D=c+d&"
                                     "match%5B%5D=b&z=1&zz=3");
    assert_labels(target->discovered,
                  "{__address__=\"h:1\",__metrics_path__=\"/metrics\",__param_a=\"1\","
                  "__param_b=\"2\",\"__param_match[]\"=\"c d\",__param_z=\"1\","
                  "__param_zz=\"3\",__scheme__=\"http\",__scrape_interval__=\"15s\","
                  "__scrape_timeout__=\"10s\",job=\"j\"}");
    target_free(&target);
}

/* Meta labels do not tell targets apart; labels that start with __ do, as in Prometheus. */
static void test_equal(void **state)
{
    (void)state;
    autotarget struct target *a = make_target(NULL, make_labels("__address__", "h:1", NULL));
    autotarget struct target *meta =
        make_target(NULL, make_labels("__address__", "h:1", "__meta_a", "b", NULL));
    autotarget struct target *internal =
        make_target(NULL, make_labels("__address__", "h:1", "__tmp_a", "b", NULL));
    autotarget struct target *other =
        make_target(NULL, make_labels("__address__", "h:1", "a", "b", NULL));

    assert_true(target_equal(a, meta));
    assert_false(target_equal(a, internal));
    assert_false(target_equal(a, other));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *reason;
    } cases[] = {
        {"__address__", "", "no address: label __address__ is missing"},
        {"__address__", "http://h:1",
         "\"http://h:1\" is not a valid hostname: give host:port, without scheme and path"},
        {"__scrape_interval__", "often",
         "error parsing scrape interval: \"often\" in label __scrape_interval__ is not a duration "
         "such as 15s"},
        {"__scrape_interval__", "0", "scrape interval cannot be 0 (label __scrape_interval__)"},
        {"__scrape_timeout__", "10",
         "error parsing scrape timeout: \"10\" in label __scrape_timeout__ is not a duration such "
         "as 15s"},
        {"__scrape_timeout__", "0s", "scrape timeout cannot be 0 (label __scrape_timeout__)"},
        {"__scrape_timeout__", "16s",
         "scrape timeout cannot be greater than scrape interval (\"16s\" > \"15s\")"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autofree struct labels *labels =
            make_labels("__address__", "h:1", cases[i].name, cases[i].value, NULL);
        char reason[TARGET_REASON_SIZE] = "";
        autotarget struct target *target = NULL;
        assert_int_equal(target_new(&plain, NULL, labels, &target, reason), -EINVAL);
        assert_null(target);
        assert_string_equal(reason, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_labels_win_over_the_job),
        cmocka_unit_test(test_params),   cmocka_unit_test(test_equal),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
