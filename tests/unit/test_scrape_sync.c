/* SPDX-License-Identifier: Apache-2.0 */
/* Targets that come, go and come back, jobs that change and end: which series go on, which get
 * their stale markers, and when. All targets are one exporter under several labels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "exporter.h"
#include "labels_maker.h"
#include "metric_line.h"
#include "scrape/scrape_schedule.h"
#include "scrape/scraper.h"
#include "scrape/target.h"

#define INTERVAL_NS (100 * NS_PER_MS)
#define LIMIT_NS (20 * NS_PER_SECOND)
#define MAX_RECORDS 4096

/* The samples of one record of one target, by its label t: "up=1 a=1", stale ones as "a=STALE". */
struct kept_record {
    char target;
    int64_t timestamp_ms;
    char *text;
};

struct fixture {
    struct sample_sink sink; /* first: the sink is the fixture */
    struct loop *loop;
    struct loop_timer *deadline;
    struct http_client *http;
    struct series_table *series;
    struct metric_registry *metrics;
    struct exporter exporter;
    struct scraper *scraper;
    struct scrape_config *config;
    char address[32];
    struct kept_record records[MAX_RECORDS];
    size_t record_count;
    bool (*until)(const struct fixture *fixture);
    struct labels *external[2];
};

/* The report but for `up` is left out. */
static void append(struct sample_sink *sink, const struct sample_record *record)
{
    struct fixture *fixture = (struct fixture *)sink;
    struct buffer text;
    char target = '?';

    buffer_init(&text, 1 << 16);
    buffer_append_string(&text, "");
    for (size_t i = 0; i < record->count; i++) {
        const struct sample *sample = &record->samples[i];
        const struct labels *labels = series_table_labels(fixture->series, sample->series);
        struct text name = labels_get(labels, TEXT(LABEL_METRIC_NAME));
        struct text env = labels_get(labels, TEXT("env"));
        target = labels_get(labels, TEXT("t")).bytes[0];
        if (text_has_prefix(name, TEXT("scrape_")))
            continue;
        buffer_printf(&text, "%s%.*s", text.length ? " " : "", TEXT_FORMAT(name));
        if (env.length)
            buffer_printf(&text, "{%.*s}", TEXT_FORMAT(env));
        if (sample_is_stale(sample))
            buffer_append_string(&text, "=STALE");
        else
            buffer_printf(&text, "=%g", sample->value);
    }
    assert_true(fixture->record_count < MAX_RECORDS);
    fixture->records[fixture->record_count++] =
        (struct kept_record){target, record->samples[0].timestamp_ms, text.bytes};
    if (fixture->until && fixture->until(fixture))
        loop_stop(fixture->loop);
}

static void on_deadline(void *context)
{
    loop_stop(((struct fixture *)context)->loop);
}

static struct scrape_config *make_config(const char *job, uint64_t digest)
{
    struct scrape_config *config = calloc(1, sizeof(*config));

    config->digest = config->series_digest = digest;
    config->job_name = strdup(job);
    config->scrape_interval_ns = INTERVAL_NS;
    config->scrape_timeout_ns = 10 * NS_PER_SECOND;
    config->metrics_path = strdup("/metrics");
    config->scheme = strdup("http");
    config->honor_timestamps = true;
    http_config_init(&config->http);
    return config;
}

static const struct page page = {"a 1\n"};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture->sink.append = append;
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(http_client_new(fixture->loop, "edgemeter/test", &fixture->http), 0);
    assert_int_equal(series_table_new(1000, &fixture->series), 0);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(loop_timer_new(fixture->loop, on_deadline, fixture, &fixture->deadline), 0);
    exporter_start(&fixture->exporter, fixture->loop, &page, 1);
    snprintf(fixture->address, sizeof(fixture->address), "127.0.0.1:%d", fixture->exporter.port);
    fixture->external[0] = make_labels("env", "x", NULL);
    fixture->external[1] = make_labels("env", "y", NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    scraper_free(&fixture->scraper);
    assert_int_equal(series_table_count(fixture->series), 0);
    exporter_stop(&fixture->exporter);
    http_client_free(&fixture->http);
    loop_timer_free(&fixture->deadline);
    loop_free(&fixture->loop);
    series_table_free(&fixture->series);
    metric_registry_free(&fixture->metrics);
    for (size_t i = 0; i < fixture->record_count; i++)
        free(fixture->records[i].text);
    free(fixture->external[0]);
    free(fixture->external[1]);
    free(fixture);
    return 0;
}

static void apply(struct fixture *fixture, const struct labels *external,
                  struct scrape_config *config)
{
    struct scraper_environment environment = {
        .loop = fixture->loop,
        .http = fixture->http,
        .series = fixture->series,
        .sink = &fixture->sink,
        .metrics = fixture->metrics,
        .external_labels = external,
    };
    size_t count = config ? 1 : 0;

    if (fixture->scraper)
        assert_int_equal(scraper_apply(fixture->scraper, &environment, &config, count), 0);
    else
        assert_int_equal(scraper_new(&environment, &config, count, &fixture->scraper), 0);
    scrape_config_release(&config);
}

/* The group "g" of the job gets one target for each letter. */
static void put(struct fixture *fixture, const char *source, const char *letters)
{
    struct labels *targets[8];
    size_t count = 0;

    for (; letters[count]; count++) {
        const char name[] = {letters[count], '\0'};
        targets[count] = make_labels("__address__", fixture->address, "t", name, NULL);
    }
    target_sink_update(scraper_sink(fixture->scraper, "j"),
                       &(struct target_group){
                           .source = text_of(source),
                           .targets = (const struct labels *const *)targets,
                           .target_count = count,
                       });
    while (count)
        free(targets[--count]);
}

static void run_for(struct fixture *fixture, uint64_t ns)
{
    loop_timer_after(fixture->deadline, ns);
    assert_int_equal(loop_run(fixture->loop), 0);
    loop_timer_disarm(fixture->deadline);
}

static void run_until(struct fixture *fixture, bool (*until)(const struct fixture *fixture))
{
    fixture->until = until;
    if (!until(fixture))
        run_for(fixture, LIMIT_NS);
    fixture->until = NULL;
    assert_true(until(fixture));
}

static size_t count_of(const struct fixture *fixture, char target, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->record_count; i++)
        count += fixture->records[i].target == target &&
                 (!text || strcmp(fixture->records[i].text, text) == 0);
    return count;
}

static const struct kept_record *last_of(const struct fixture *fixture, char target)
{
    const struct kept_record *last = NULL;
    for (size_t i = 0; i < fixture->record_count; i++)
        if (fixture->records[i].target == target)
            last = &fixture->records[i];
    return last;
}

static void forget_records(struct fixture *fixture)
{
    while (fixture->record_count)
        free(fixture->records[--fixture->record_count].text);
}

#define OF_JOB(name) name "{scrape_job=\"j\"}"

#define GOOD "a=1 up=1"
#define ENDED "a=STALE up=STALE"

static bool a_and_b_twice(const struct fixture *fixture)
{
    return count_of(fixture, 'a', GOOD) >= 2 && count_of(fixture, 'b', GOOD) >= 2;
}

static bool a_has_ended(const struct fixture *fixture)
{
    return count_of(fixture, 'a', ENDED) == 1;
}

static bool c_twice(const struct fixture *fixture)
{
    return count_of(fixture, 'c', GOOD) >= 2;
}

/* Timestamps of a target that is scraped all the time: none is missing for longer than some slow
 * moments of the machine explain, and none comes twice. */
static void assert_ascending(const struct fixture *fixture, char target)
{
    int64_t before = 0;
    for (size_t i = 0; i < fixture->record_count; i++) {
        if (fixture->records[i].target != target)
            continue;
        assert_true(fixture->records[i].timestamp_ms > before);
        before = fixture->records[i].timestamp_ms;
    }
}

static void test_come_and_go(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, NULL, make_config("j", 1));
    put(fixture, "g", "ab");
    put(fixture, "h", "b"); /* the same again is one target */
    run_until(fixture, a_and_b_twice);
    assert_float_equal(
        metric_line(fixture->metrics, OF_JOB("prometheus_target_scrape_pool_targets")), 2, 0);
    put(fixture, "g", "c"); /* b is in the other group still */
    int64_t last = last_of(fixture, 'a')->timestamp_ms;
    run_until(fixture, a_has_ended);
    /* the markers have the time of the first scrape that was left out */
    assert_true(last_of(fixture, 'a')->timestamp_ms > last);
    assert_true(clock_wall_ms() - last_of(fixture, 'a')->timestamp_ms >= 100);
    run_until(fixture, c_twice);
    assert_ascending(fixture, 'a');
    assert_ascending(fixture, 'b');
    assert_int_equal(count_of(fixture, 'b', GOOD), count_of(fixture, 'b', NULL));
    assert_float_equal(
        metric_line(fixture->metrics, OF_JOB("prometheus_target_scrape_pool_targets")), 2, 0);
    assert_true(metric_line(fixture->metrics, OF_JOB("prometheus_target_scrape_pool_sync_total")) >=
                2);
}

/* A target that moves from group to group, or is taken out and put back, has no end. */
static void test_return(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, NULL, make_config("j", 1));
    put(fixture, "g", "ab");
    run_until(fixture, a_and_b_twice);
    put(fixture, "g", "b");
    put(fixture, "h", "a");
    run_for(fixture, 700 * NS_PER_MS); /* beyond the moment that changes are gathered for */
    forget_records(fixture);
    put(fixture, "h", "");
    put(fixture, "h", "a");
    run_until(fixture, a_and_b_twice);
    assert_int_equal(count_of(fixture, 'a', GOOD), count_of(fixture, 'a', NULL));
    assert_ascending(fixture, 'a');
    assert_ascending(fixture, 'b');
}

static bool c_has_ended(const struct fixture *fixture)
{
    return count_of(fixture, 'c', ENDED) > 0;
}

static void test_job_ends(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, NULL, make_config("j", 1));
    put(fixture, "g", "c");
    run_until(fixture, c_twice);
    apply(fixture, NULL, make_config("k", 1));
    assert_null(scraper_sink(fixture->scraper, "j"));
    assert_non_null(scraper_sink(fixture->scraper, "k"));
    assert_float_equal(
        metric_line(fixture->metrics, OF_JOB("prometheus_target_scrape_pool_targets")), -1, 0);
    run_until(fixture, c_has_ended);
    apply(fixture, NULL, NULL);
    assert_null(scraper_sink(fixture->scraper, "k"));
    assert_float_equal(metric_line(fixture->metrics, "prometheus_target_scrape_pools_total"), 2, 0);
}

/* Ended by the process's end: no markers. */
static void test_stop_writes_no_markers(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, NULL, make_config("j", 1));
    put(fixture, "g", "c");
    run_until(fixture, c_twice);
    apply(fixture, NULL, NULL);
    size_t before = fixture->record_count;
    scraper_stop(fixture->scraper);
    run_for(fixture, 500 * NS_PER_MS);
    assert_int_equal(fixture->record_count, before);
}

static bool all_refused(const struct fixture *fixture)
{
    return count_of(fixture, 'a', "up=0") >= 1 && count_of(fixture, 'b', "up=0") >= 1;
}

static void test_target_limit(void **state)
{
    struct fixture *fixture = *state;
    struct scrape_config *limited = make_config("j", 2);

    limited->limits.target_limit = 1;
    apply(fixture, NULL, limited);
    assert_float_equal(
        metric_line(fixture->metrics, OF_JOB("prometheus_target_scrape_pool_target_limit")), 1, 0);
    put(fixture, "g", "ab");
    run_until(fixture, all_refused);
    assert_int_equal(fixture->exporter.requests, 0);
    assert_true(metric_line(fixture->metrics,
                            "prometheus_target_scrape_pool_exceeded_target_limit_total") >= 1);
    put(fixture, "g", "b");
    put(fixture, "h", "a");
    apply(fixture, NULL, make_config("j", 3)); /* without a limit */
    run_until(fixture, a_and_b_twice);
}

static void test_reload(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, NULL, make_config("j", 1));
    put(fixture, "g", "ab");
    run_until(fixture, a_and_b_twice);
    forget_records(fixture);
    size_t requests = fixture->exporter.requests;
    apply(fixture, NULL, make_config("j", 1)); /* the same: nothing happens */
    assert_float_equal(metric_line(fixture->metrics, "prometheus_target_scrape_pool_reloads_total"),
                       0, 0);
    struct scrape_config *other = make_config("j", 2);
    other->series_digest = 1; /* other times or rights, say: the series are the same */
    apply(fixture, NULL, other);
    assert_float_equal(metric_line(fixture->metrics, "prometheus_target_scrape_pool_reloads_total"),
                       1, 0);
    run_until(fixture, a_and_b_twice);
    assert_true(fixture->exporter.requests > requests);
    assert_int_equal(count_of(fixture, 'a', GOOD), count_of(fixture, 'a', NULL));
    assert_int_equal(count_of(fixture, 'b', GOOD), count_of(fixture, 'b', NULL));
    assert_ascending(fixture, 'a');
    assert_ascending(fixture, 'b');
}

static bool a_has_moved(const struct fixture *fixture)
{
    return count_of(fixture, 'a', "a{y}=1 up{y}=1") >= 2;
}

static bool a_twice_of_x(const struct fixture *fixture)
{
    return count_of(fixture, 'a', "a{x}=1 up{x}=1") >= 2;
}

static void test_external_labels_change(void **state)
{
    struct fixture *fixture = *state;

    apply(fixture, fixture->external[0], make_config("j", 1));
    put(fixture, "g", "a");
    run_until(fixture, a_twice_of_x);
    apply(fixture, fixture->external[1], make_config("j", 1));
    run_until(fixture, a_has_moved);
    /* the series of before end in the record of the first scrape after it */
    assert_int_equal(count_of(fixture, 'a', "a{x}=1 up{x}=1") +
                         count_of(fixture, 'a', "a{y}=1 up{y}=1") + 1,
                     count_of(fixture, 'a', NULL));
    size_t moved = 0;
    for (size_t i = 0; i < fixture->record_count; i++) {
        const char *text = fixture->records[i].text;
        moved += strstr(text, "a{y}=1") && strstr(text, "a{x}=STALE") &&
                 strstr(text, "up{x}=STALE") && strstr(text, "up{y}=1");
    }
    assert_int_equal(moved, 1);
}

/* ---- what /api/v1/targets is made of ---- */

static void on_job(void *context, const struct scrape_config *config, size_t dropped)
{
    buffer_printf(context, "%s,%zu dropped;", config->job_name, dropped);
}

static void on_target(void *context, const struct target *target,
                      const struct scrape_status *status)
{
    static const char *const healths[] = {"unknown", "up", "down"};
    buffer_printf(context, " %.*s %s %s;", TEXT_FORMAT(labels_get(target->labels, TEXT("t"))),
                  healths[status->health], status->error);
}

static void on_dropped(void *context, const struct labels *discovered)
{
    buffer_printf(context, " dropped %.*s;", TEXT_FORMAT(labels_get(discovered, TEXT("t"))));
}

static void assert_visited(struct fixture *fixture, const char *wanted)
{
    autobuffer struct buffer out;
    buffer_init(&out, 4096);
    scraper_visit(fixture->scraper, &(struct scraper_visitor){.on_job = on_job,
                                                              .on_target = on_target,
                                                              .on_dropped = on_dropped,
                                                              .context = &out});
    assert_string_equal(out.bytes, wanted);
}

static bool c_once(const struct fixture *fixture)
{
    return count_of(fixture, 'c', NULL) >= 1;
}

static void test_visit(void **state)
{
    struct fixture *fixture = *state;
    struct scrape_config *config = make_config("j", 1);
    struct relabel_rule *rule = calloc(1, sizeof(*rule));
    struct relabel_fault fault;

    assert_int_equal(relabel_rule_init(rule), 0);
    rule->action = RELABEL_DROP;
    rule->source_labels = calloc(1, sizeof(char *));
    rule->source_labels[0] = strdup("t");
    rule->source_label_count = 1;
    rule->source_labels_given = rule->pattern_given = true;
    free(rule->pattern);
    rule->pattern = strdup("[ab]");
    assert_int_equal(relabel_rule_compile(rule, &fault), 0);
    config->relabels = (struct relabel_rules){rule, 1};
    config->limits.keep_dropped_targets = 1;
    apply(fixture, NULL, config);
    assert_visited(fixture, "j,0 dropped;");
    put(fixture, "g", "abc");
    run_until(fixture, c_once);
    assert_visited(fixture, "j,2 dropped; c up ; dropped a;");
    put(fixture, "g", "b");
    run_for(fixture, 700 * NS_PER_MS);
    assert_visited(fixture, "j,1 dropped; dropped b;");
}

static bool four_of_each(const struct fixture *fixture)
{
    return fixture->record_count >= 32;
}

/* Targets are scraped at the same few moments; only where a scrape is late does it show. */
static void test_moments_are_shared(void **state)
{
    struct fixture *fixture = *state;
    struct scrape_config *config = make_config("j", 1);
    const int64_t apart_ms = 40;
    uint64_t seed = scrape_schedule_seed(fixture->external[0]);
    int64_t first_ms = (int64_t)(seed / NS_PER_MS % (uint64_t)apart_ms);
    size_t in_time = 0;

    config->scrape_interval_ns = 5 * (uint64_t)apart_ms * NS_PER_MS;
    apply(fixture, fixture->external[0], config);
    put(fixture, "g", "abcdefgh");
    run_until(fixture, four_of_each);
    for (size_t i = 0; i < fixture->record_count; i++)
        in_time += fixture->records[i].timestamp_ms % apart_ms == first_ms;
    assert_true(in_time >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_return, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_writes_no_markers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_target_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external_labels_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_visit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_moments_are_shared, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
