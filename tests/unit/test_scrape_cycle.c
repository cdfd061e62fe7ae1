/* SPDX-License-Identifier: Apache-2.0 */
/* One target over its life: limits, refusal, another config, its end and its return, its status. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file_read.h"
#include "base/log.h"
#include "exporter.h"
#include "labels_maker.h"
#include "scrape/scrape_cycle.h"

#define INTERVAL_NS (60 * NS_PER_MS)
#define MAX_RECORDS 8
#define TEXT_MAX (1 << 16)

struct fixture {
    struct sample_sink sink; /* first: the sink is the fixture */
    struct scraper_environment environment;
    struct scrape_shared shared;
    struct scrape_config config;
    struct exporter exporter;
    struct loop_timer *deadline;
    struct scrape_cycle *cycle;
    struct buffer records[MAX_RECORDS];
    int64_t timestamps[MAX_RECORDS];
    size_t wanted, count;
    bool ended;
};

/* "a=1 b=STALE up=1", without the other report series, but with those of extra_scrape_metrics. */
static void append(struct sample_sink *sink, const struct sample_record *record)
{
    struct fixture *fixture = (struct fixture *)sink;
    if (fixture->count == MAX_RECORDS)
        return;
    struct buffer *out = &fixture->records[fixture->count];

    buffer_clear(out);
    assert_true(record->count >= 5);
    size_t extra = fixture->config.extra_metrics ? 3 : 0;
    for (size_t i = 0; i < record->count; i++) {
        if (i >= record->count - 4 - extra && i < record->count - extra)
            continue;
        const struct sample *sample = &record->samples[i];
        const struct labels *labels =
            series_table_labels(fixture->environment.series, sample->series);
        if (i)
            buffer_append_char(out, ' ');
        buffer_append_text(out, labels_get(labels, TEXT(LABEL_METRIC_NAME)));
        if (sample_is_stale(sample))
            buffer_append_string(out, "=STALE");
        else
            buffer_printf(out, "=%g", sample->value);
    }
    fixture->timestamps[fixture->count] = record->samples[record->count - 1].timestamp_ms;
    if (++fixture->count == fixture->wanted)
        loop_stop(fixture->environment.loop);
}

static void on_deadline(void *context)
{
    struct fixture *fixture = context;
    loop_stop(fixture->environment.loop);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct scraper_environment *environment = &fixture->environment;

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    fixture->sink.append = append;
    environment->sink = &fixture->sink;
    assert_int_equal(loop_new(&environment->loop), 0);
    assert_int_equal(http_client_new(environment->loop, "edgemeter/test", &environment->http), 0);
    assert_int_equal(series_table_new(1000, &environment->series), 0);
    assert_int_equal(metric_registry_new(&environment->metrics), 0);
    assert_int_equal(loop_timer_new(environment->loop, on_deadline, fixture, &fixture->deadline),
                     0);
    fixture->shared.series = environment->series;
    fixture->shared.entry = malloc(sizeof(*fixture->shared.entry));
    assert_int_equal(scrape_labels_new(NULL, &fixture->shared.labels), 0);
    assert_int_equal(page_pieces_new(environment->series, &fixture->shared.pieces), 0);
    assert_int_equal(scrape_metrics_init(&fixture->shared.metrics, environment->metrics), 0);
    for (size_t i = 0; i < MAX_RECORDS; i++)
        buffer_init(&fixture->records[i], TEXT_MAX);
    fixture->config = (struct scrape_config){
        .job_name = "j",
        .scrape_interval_ns = INTERVAL_NS,
        .scrape_timeout_ns = 5 * NS_PER_SECOND, /* so that a slow machine fails no test */
        .metrics_path = "/metrics",
        .scheme = "http",
        .honor_timestamps = true,
        .enable_compression = true,
    };
    http_config_init(&fixture->config.http);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct scraper_environment *environment = &fixture->environment;

    scrape_cycle_free(&fixture->cycle);
    assert_int_equal(series_table_count(environment->series), 0);
    exporter_stop(&fixture->exporter);
    http_client_free(&environment->http);
    loop_timer_free(&fixture->deadline);
    loop_free(&environment->loop);
    series_table_free(&environment->series);
    metric_registry_free(&environment->metrics);
    scrape_labels_free(&fixture->shared.labels);
    page_pieces_free(&fixture->shared.pieces);
    free(fixture->shared.entry);
    for (size_t i = 0; i < MAX_RECORDS; i++)
        buffer_free(&fixture->records[i]);
    free(fixture);
    return 0;
}

static struct target *target_of(struct fixture *fixture)
{
    char reason[TARGET_REASON_SIZE], address[32];
    struct target *target;

    snprintf(address, sizeof(address), "127.0.0.1:%d", fixture->exporter.port);
    autofree struct labels *own = make_labels("__address__", address, "instance", "i", NULL);
    assert_int_equal(target_new(&fixture->config, NULL, own, &target, reason), 0);
    return target;
}

static struct scrape_cycle *start_cycle(struct fixture *fixture)
{
    struct scrape_cycle *cycle;
    assert_int_equal(
        scrape_cycle_new(&fixture->environment, &fixture->shared, target_of(fixture), &cycle), 0);
    return cycle;
}

static void start(struct fixture *fixture, const struct page *pages, size_t count)
{
    exporter_start(&fixture->exporter, fixture->environment.loop, pages, count);
    fixture->cycle = start_cycle(fixture);
}

/* Until so many records are there in all. */
static void run_until(struct fixture *fixture, size_t wanted)
{
    fixture->wanted = wanted;
    loop_timer_after(fixture->deadline, 10 * NS_PER_SECOND);
    assert_int_equal(loop_run(fixture->environment.loop), 0);
    loop_timer_disarm(fixture->deadline);
    assert_true(fixture->count >= wanted);
}

static void run_for(struct fixture *fixture, uint64_t ns)
{
    loop_timer_after(fixture->deadline, ns);
    assert_int_equal(loop_run(fixture->environment.loop), 0);
}

static void run_until_requests(struct fixture *fixture, size_t wanted)
{
    for (int i = 0; i < 1000 && fixture->exporter.requests < wanted; i++)
        run_for(fixture, 10 * NS_PER_MS);
    assert_int_equal(fixture->exporter.requests, wanted);
}

static void assert_record(const struct fixture *fixture, size_t index, const char *expected)
{
    if (strcmp(fixture->records[index].bytes, expected))
        fail_msg("record %zu: \"%s\" is not \"%s\"", index, fixture->records[index].bytes,
                 expected);
}

static void assert_error(const struct fixture *fixture, const char *error)
{
    struct scrape_status status;
    scrape_cycle_status(fixture->cycle, &status);
    assert_string_equal(status.error, error);
    assert_int_equal(status.health, *error ? SCRAPE_DOWN : SCRAPE_UP);
    assert_true(status.last_scrape_ns > 0);
}

static void test_status(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"", 503}, {"a 1\n", 404}, {"", 204}, {"a 1\n"}};
    struct scrape_status status;

    start(fixture, pages, ARRAY_SIZE(pages));
    scrape_cycle_status(fixture->cycle, &status);
    assert_int_equal(status.health, SCRAPE_UNKNOWN);
    assert_int_equal(status.last_scrape_ns, 0);
    assert_string_equal(status.error, "");
    run_until(fixture, 1);
    assert_error(fixture, "");
    run_until(fixture, 2);
    assert_error(fixture, "server returned HTTP status 503 X");
    assert_record(fixture, 1, "a=STALE up=0");
    run_until(fixture, 3);
    assert_error(fixture, "server returned HTTP status 404 X");
    run_until(fixture, 4);
    assert_error(fixture, "server returned HTTP status 204 X");
    run_until(fixture, 5);
    assert_error(fixture, "");
    assert_record(fixture, 4, "a=1 up=1");
}

/* Three scrapes, of which the second fails. */
static void run_three(struct fixture *fixture, struct page pages[3], const char *error)
{
    start(fixture, pages, 3);
    run_until(fixture, 2);
    assert_error(fixture, error);
    run_until(fixture, 3);
}

static void test_body_size_limit(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n#\n"}, {"a 1\n##\n"}, {"a 1\n#\n"}};

    fixture->config.limits.body_size_limit = 7;
    run_three(fixture, pages, "body size limit exceeded");
    assert_record(fixture, 0, "a=1 up=1");
    assert_record(fixture, 1, "a=STALE up=0");
    assert_record(fixture, 2, "a=1 up=1");
    assert_true(metric_get(fixture->shared.metrics.body_size_exceeded) == 1);
}

static void test_sample_limit(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\nb 1\n"}, {"c 1\na 1\nd 1\nb 1\n"}, {"a 1\nb 1\nc 1\n"}};

    fixture->config.limits.sample_limit = 3;
    run_three(fixture, pages, "sample limit exceeded");
    assert_record(fixture, 0, "a=1 b=1 up=1");
    assert_record(fixture, 1, "a=STALE b=STALE up=0");
    assert_record(fixture, 2, "a=1 b=1 c=1 up=1");
    assert_true(metric_get(fixture->shared.metrics.sample_limit_exceeded) == 1);
}

/* Two histograms of two buckets far apart, in protobuf. */
static void test_bucket_limit(void **state)
{
    static const char histograms[] =
        "E\012\001h\030\004\042\036\012\006\012\001x\022\0011:\024\010\002("
        "\007b\004\010\000\020\001b\004\010\006\020\001h\002h\000\042\036\012\006\012\001x\022\0012"
        ":\024\010\002(\007b\004\010\000\020\001b\004\010\006\020\001h\002h\000";
    struct fixture *fixture = *state;
    struct page pages[] = {
        {"a 1\n"},
        {histograms, .length = sizeof(histograms) - 1,
         .type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                 "encoding=delimited"},
        {"a 1\n"}};

    fixture->config.protocols.native_histograms = true;
    fixture->config.limits.native_histogram_bucket_limit = 1;
    run_three(fixture, pages, "histogram bucket limit exceeded");
    assert_record(fixture, 1, "a=STALE up=0");
    assert_record(fixture, 2, "a=1 up=1");
    assert_true(metric_get(fixture->shared.metrics.bucket_limit_exceeded) == 1);
}

static void test_label_limit(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\nb{x=\"1\",y=\"2\"} 1\n"};

    fixture->config.limits.label_limit = 4; /* __name__, job and instance are among them */
    start(fixture, &page, 1);
    run_until(fixture, 1);
    assert_error(fixture, "label_limit exceeded (metric: b, number of labels: 5, limit: 4)");
    assert_record(fixture, 0, "up=0");
    assert_true(metric_get(fixture->shared.metrics.label_limits_exceeded) == 1);
}

static void test_track_timestamps_staleness(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1 1000\nb 1\n"}, {"b 1\n"}};

    fixture->config.track_timestamps_staleness = true;
    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 2);
    assert_record(fixture, 1, "b=1 a=STALE up=1");
}

static void test_identity(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};

    fixture->config.enable_compression = false;
    start(fixture, &page, 1);
    run_until(fixture, 1);
    assert_non_null(strstr(fixture->exporter.request, "\r\nAccept-Encoding: identity\r\n"));
}

static void test_refused(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};

    start(fixture, &page, 1);
    run_until(fixture, 1);
    scrape_cycle_refuse(fixture->cycle, "target_limit exceeded");
    run_until(fixture, 3);
    assert_error(fixture, "target_limit exceeded");
    assert_record(fixture, 1, "a=STALE up=0");
    assert_record(fixture, 2, "up=0");
    assert_int_equal(fixture->exporter.requests, 1);
    scrape_cycle_refuse(fixture->cycle, NULL);
    run_until(fixture, 4);
    assert_record(fixture, 3, "a=1 up=1");
}

static void on_ended(void *context, struct scrape_cycle *cycle)
{
    struct fixture *fixture = context;
    assert_ptr_equal(cycle, fixture->cycle);
    scrape_cycle_free(&fixture->cycle);
    fixture->ended = true;
}

static void test_extra_metrics(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {
        {"a 1\n"}, {"a x\n"}, {"a 1\n", 503}, {"a 1\n#234567\n"}, {"a 1\n", .type = "text/html"}};

    fixture->config.extra_metrics = true;
    fixture->config.limits.sample_limit = 9;
    fixture->config.limits.body_size_limit = 12;
    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 5);
#define EXTRA(bytes) " scrape_timeout_seconds=5 scrape_sample_limit=9 scrape_body_size_bytes=" bytes
    assert_record(fixture, 0, "a=1 up=1" EXTRA("4"));
    assert_record(fixture, 1, "a=STALE up=0" EXTRA("4"));
    assert_record(fixture, 2, "up=0" EXTRA("0"));
    assert_record(fixture, 3, "up=0" EXTRA("-1"));
    assert_record(fixture, 4, "up=0" EXTRA("4"));
#undef EXTRA
    scrape_cycle_retire(fixture->cycle, on_ended, fixture);
    run_until(fixture, 6);
    assert_record(fixture, 5,
                  "up=STALE scrape_timeout_seconds=STALE scrape_sample_limit=STALE "
                  "scrape_body_size_bytes=STALE");
}

/* The file without the times. */
static void read_failure_log(const char *path, struct buffer *out)
{
    static const char time[] = "{\"time\":\"2";
    autobuffer struct buffer bytes;

    buffer_init(&bytes, TEXT_MAX);
    assert_int_equal(file_read(path, &bytes), 0);
    for (char *line = bytes.bytes; line && *line;) {
        assert_memory_equal(line, time, strlen(time));
        char *rest = strstr(line, "Z\",\"level\"");
        assert_non_null(rest);
        char *end = strchr(line, '\n');
        assert_non_null(end);
        buffer_append(out, rest + 3, (size_t)(end + 1 - (rest + 3)));
        line = end + 1;
    }
}

static void test_failure_log(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"a 1\n", 503}, {"a x\n"}, {"a 123456\n"}, {"a 1\n"}};
    char path[] = "/tmp/edgemeter-failures-XXXXXX", expected[512];
    autobuffer struct buffer lines;

    close(mkstemp(path));
    unlink(path); /* made when there is something to write */
    buffer_init(&lines, TEXT_MAX);
    fixture->config.failure_log_file = path;
    fixture->config.limits.body_size_limit = 9;
    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    assert_int_equal(access(path, F_OK), -1);
    run_until(fixture, 5);
    read_failure_log(path, &lines);
    snprintf(expected, sizeof(expected),
             "\"level\":\"ERROR\",\"msg\":\"%s\",\"job_name\":\"j\","
             "\"target\":\"http://127.0.0.1:%d/metrics\"}\n"
             "\"level\":\"ERROR\",\"msg\":\"%s\",\"job_name\":\"j\","
             "\"target\":\"http://127.0.0.1:%d/metrics\"}\n",
             "server returned HTTP status 503 X", fixture->exporter.port,
             "body size limit exceeded", fixture->exporter.port);
    assert_string_equal(lines.bytes, expected);
    assert_false(fixture->shared.log.failure_log_broken);
    unlink(path);
}

/* ---- the end of a target ---- */

static void test_retire(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\nb 1 1000\n"};

    start(fixture, &page, 1);
    run_until(fixture, 1);
    uint64_t before = clock_monotonic_ns();
    scrape_cycle_retire(fixture->cycle, on_ended, fixture);
    run_until(fixture, 2);
    assert_true(fixture->ended);
    assert_int_equal(fixture->exporter.requests, 1);
    assert_record(fixture, 1, "a=STALE up=STALE");
    int64_t later = fixture->timestamps[1] - fixture->timestamps[0];
    assert_true(later > 0); /* the next tick, written more than an interval later */
    uint64_t took = clock_monotonic_ns() - before;
    assert_true(took >= INTERVAL_NS * 11 / 10);
    run_for(fixture, 3 * INTERVAL_NS);
    assert_int_equal(fixture->count, 2);
}

/* One in flight is finished, and its record written. */
static void test_retire_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"", .silent = true}};

    fixture->config.scrape_timeout_ns = 800 * NS_PER_MS;
    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    run_until_requests(fixture, 2);
    scrape_cycle_retire(fixture->cycle, on_ended, fixture);
    run_until(fixture, 3);
    assert_record(fixture, 1, "a=STALE up=0");
    assert_record(fixture, 2, "up=STALE");
}

static void test_stop_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};

    start(fixture, &page, 1);
    run_until(fixture, 1);
    scrape_cycle_retire(fixture->cycle, on_ended, fixture);
    scrape_cycle_stop(fixture->cycle);
    run_for(fixture, 3 * INTERVAL_NS);
    assert_int_equal(fixture->count, 1);
    assert_false(fixture->ended);
}

/* The target comes back: what it exposes no more ends at its first scrape, once. */
static void test_inherit(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\nb 1\nc 1\n"}, {"b 2\n"}, {"b 3\n"}, {"", 500}, {"b 4\n"}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    scrape_cycle_retire(fixture->cycle, on_ended, fixture);
    struct scrape_cycle *again = start_cycle(fixture);
    assert_int_equal(scrape_cycle_inherit(again, fixture->cycle), 0);
    scrape_cycle_free(&fixture->cycle);
    fixture->cycle = again;
    run_until(fixture, 5);
    assert_true(strcmp(fixture->records[1].bytes, "b=2 a=STALE c=STALE up=1") == 0 ||
                strcmp(fixture->records[1].bytes, "b=2 c=STALE a=STALE up=1") == 0);
    assert_record(fixture, 2, "b=3 up=1");
    assert_record(fixture, 3, "b=STALE up=0");
    assert_record(fixture, 4, "b=4 up=1");
    assert_false(fixture->ended);
}

static void test_inherit_then_fail(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"", 500}, {"", 500}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    struct scrape_cycle *again = start_cycle(fixture);
    assert_int_equal(scrape_cycle_inherit(again, fixture->cycle), 0);
    scrape_cycle_free(&fixture->cycle);
    fixture->cycle = again;
    run_until(fixture, 3);
    assert_record(fixture, 1, "a=STALE up=0");
    assert_record(fixture, 2, "up=0");
}

/* ---- another config ---- */

static void test_replace_and_keep(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\nb 1\n"}, {"a 2\n"}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    assert_int_equal(scrape_cycle_replace_target(fixture->cycle, target_of(fixture), true), 0);
    run_until(fixture, 2);
    assert_record(fixture, 1, "a=2 b=STALE up=1");
}

static void test_replace_with_a_lower_limit(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\nb 1\nc 1\n"}, {"a 2\nb 2\nc 2\n"}, {"a 3\nb 3\n"}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    fixture->config.limits.sample_limit = 2;
    assert_int_equal(scrape_cycle_replace_target(fixture->cycle, target_of(fixture), true), 0);
    run_until(fixture, 3);
    assert_record(fixture, 1, "a=STALE b=STALE c=STALE up=0");
    assert_record(fixture, 2, "a=3 b=3 up=1");
}

static void test_replace_and_forget(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\nb 1\n"}, {"a 2\n"}, {"a 3\n"}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    assert_int_equal(scrape_cycle_replace_target(fixture->cycle, target_of(fixture), false), 0);
    run_until(fixture, 3);
    assert_record(fixture, 1, "a=2 b=STALE up=1");
    assert_record(fixture, 2, "a=3 up=1");
}

/* A scrape that was cut off by the change is made again, and its samples are no duplicates. */
static void test_replace_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"", .silent = true}, {"a 2\n"}};

    start(fixture, pages, ARRAY_SIZE(pages));
    run_until(fixture, 1);
    run_until_requests(fixture, 2);
    assert_int_equal(scrape_cycle_replace_target(fixture->cycle, target_of(fixture), true), 0);
    run_until(fixture, 2);
    assert_record(fixture, 1, "a=2 up=1");
}

static void test_replace_with_another_interval(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};

    start(fixture, &page, 1);
    run_until(fixture, 1);
    fixture->config.scrape_interval_ns = 2 * INTERVAL_NS;
    assert_int_equal(scrape_cycle_replace_target(fixture->cycle, target_of(fixture), true), 0);
    run_until(fixture, 3);
    int64_t passed = fixture->timestamps[2] - fixture->timestamps[1];
    assert_true(passed > 60); /* two intervals of before, or a little less where one was late */
}

#define CYCLE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CYCLE_TEST(test_status),
        CYCLE_TEST(test_body_size_limit),
        CYCLE_TEST(test_sample_limit),
        CYCLE_TEST(test_bucket_limit),
        CYCLE_TEST(test_label_limit),
        CYCLE_TEST(test_track_timestamps_staleness),
        CYCLE_TEST(test_identity),
        CYCLE_TEST(test_refused),
        CYCLE_TEST(test_extra_metrics),
        CYCLE_TEST(test_failure_log),
        CYCLE_TEST(test_retire),
        CYCLE_TEST(test_retire_in_flight),
        CYCLE_TEST(test_stop_writes_nothing),
        CYCLE_TEST(test_inherit),
        CYCLE_TEST(test_inherit_then_fail),
        CYCLE_TEST(test_replace_and_keep),
        CYCLE_TEST(test_replace_with_a_lower_limit),
        CYCLE_TEST(test_replace_and_forget),
        CYCLE_TEST(test_replace_in_flight),
        CYCLE_TEST(test_replace_with_another_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
