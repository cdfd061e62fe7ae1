/* SPDX-License-Identifier: Apache-2.0 */
/* http_metrics.relabel_configs: what rules see of a row, what they drop, and rows that become one
 * series. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows_fixture.h"
#include "rules_maker.h"

#define TOTAL_OF(labels) \
    "http_requests_total{" labels "cluster=\"c\",code=\"200\",instance=\"n\"," JOB "}"
#define JOB "job=\"http-metrics\",method=\"get\""

static uint64_t make_service(const char *name)
{
    char path[100];
    snprintf(path, sizeof(path), "/%s.service", name);
    return cgroup_make(path);
}

static void test_meta_labels(void **state)
{
    (void)state;
    uint64_t nginx = make_service("nginx"), apache = make_service("apache");

    add_rule(&config.relabels, RELABEL_REPLACE, "__meta_cgroup_path", "/(.*)\\.service", "app",
             "$1");
    add_rule(&config.relabels, RELABEL_DROP, "__meta_cgroup_service", "apache.*", "", "$1");
    add_rule(&config.relabels, RELABEL_LABELDROP, NULL, "cgroup|service", "", "$1");
    add_rule(&config.relabels, RELABEL_REPLACE, "app", "(.+)", "__tmp", "$1");
    count_requests(ROW(nginx, SERVER, GET, 200), 0, 3);
    count_requests(ROW(apache, SERVER, GET, 200), 0, 5);
    drain(1000, 2000);
    assert_sample(TOTAL_OF("app=\"nginx\","), 1000, 0);
    assert_sample(TOTAL_OF("app=\"nginx\","), 2000, 3);
    for (size_t i = 0; i < received.count; i++)
        if (strstr(received.list[i].series, "apache") || strstr(received.list[i].series, "__"))
            fail_msg("%s", received.list[i].series);

    /* dropped rows stay dropped, and cost nothing: they are known */
    count_requests(ROW(apache, SERVER, GET, 200), 0, 5);
    drain(2000, 3000);
    assert_sample(TOTAL_OF("app=\"nginx\","), 3000, 3);
    assert_int_equal(received_at(3000), received.count);
}

/* Rows that have equal labels after the rules are one series, their sum. */
static void test_merged(void **state)
{
    (void)state;
    uint64_t a = make_service("a"), b = make_service("b");

    add_rule(&config.relabels, RELABEL_LABELDROP, NULL, "cgroup|service", "", "$1");
    count_requests(ROW(a, SERVER, GET, 200), 0, 3);
    count_requests(ROW(b, SERVER, GET, 200), 1, 4);
    drain(1000, 2000);
    assert_sample(TOTAL_OF(""), 2000, 7);
    count_requests(ROW(b, SERVER, GET, 200), 1, 1);
    drain(2000, 3000);
    assert_sample(TOTAL_OF(""), 3000, 8);
}

/* What every row has is left to whoever scrapes the text; what rules made of it is not. */
static void test_text(void **state)
{
    autobuffer struct buffer text;
    uint64_t a = make_service("a"), b = make_service("b");

    (void)state;
    add_rule(&config.relabels, RELABEL_REPLACE, "service", "(b).*", "job", "job-$1");
    add_rule(&config.relabels, RELABEL_REPLACE, "service", "(b).*", "cluster", "own");
    add_rule(&config.relabels, RELABEL_REPLACE, "service", "(b).*", "instance", "host-$1");
    add_rule(&config.relabels, RELABEL_LABELDROP, NULL, "cgroup", "", "$1");
    count_requests(ROW(a, SERVER, GET, 200), 0, 3);
    count_requests(ROW(b, SERVER, GET, 200), 0, 4);
    buffer_init(&text, 1 << 20);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    static const char *const lines[] = {
        "\nhttp_requests_total{code=\"200\",method=\"get\",service=\"a.service\"} 3\n",
        "\nhttp_requests_total{cluster=\"own\",code=\"200\",instance=\"host-b\","
        "job=\"job-b\",method=\"get\","
        "service=\"b.service\"} 4\n",
        "\nhttp_server_request_duration_seconds_bucket{cluster=\"own\",http_request_method=\"GET\","
        "http_response_status_code=\"200\",instance=\"host-b\",job=\"job-b\",le=\"+Inf\",service="
        "\"b.service\","
        "url_scheme=\"http\"} 4\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        if (!strstr(text.bytes, lines[i]))
            fail_msg("%s is not in\n%s", lines[i], text.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_meta_labels), TEST(test_merged), TEST(test_text)};
    return cmocka_run_group_tests_name("collect_relabel", tests, NULL, NULL);
}
