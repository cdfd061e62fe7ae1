/* SPDX-License-Identifier: Apache-2.0 */
/* Scrapes a scripted exporter and compares every record with what Prometheus makes of the same
 * pages: samples, stale markers, up and the scrape_* series. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "exporter.h"
#include "labels_maker.h"
#include "scrape/scrape_schedule.h"
#include "scrape/scraper.h"
#include "scrape/target.h"

#define MAX_SCRAPES 6
#define TEXT_MAX (1 << 20)
#define INTERVAL_NS (60 * NS_PER_MS)

struct fixture {
    struct sample_sink sink; /* first: the sink is the fixture */
    struct loop *loop;
    struct http_client *http;
    struct series_table *series;
    struct metric_registry *metrics;
    struct labels *external;
    struct loop_timer *deadline;
    struct exporter exporter;
    struct scraper *scraper;

    struct scrape_config config;
    struct static_targets group;
    char *addresses[4];
    char address[32];

    size_t wanted, scrapes;
    double pool_targets, sync_failed; /* at the end of the scrapes */
    struct buffer records[MAX_SCRAPES];
    int64_t timestamps[MAX_SCRAPES];
    double durations[MAX_SCRAPES];
    bool full_labels; /* job and instance are written too */
};

static void write_series(struct fixture *fixture, const struct labels *labels, struct buffer *out)
{
    char separator = '{';

    buffer_append_text(out, labels_get(labels, TEXT(LABEL_METRIC_NAME)));
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        bool own =
            text_equal(c.label.name, TEXT("job")) || text_equal(c.label.name, TEXT("instance"));
        if (text_equal(c.label.name, TEXT(LABEL_METRIC_NAME)) || (own && !fixture->full_labels))
            continue;
        buffer_append_char(out, separator);
        buffer_append_text(out, c.label.name);
        buffer_append_char(out, '=');
        buffer_append_text(out, c.label.value);
        separator = ',';
    }
    if (separator == ',')
        buffer_append_char(out, '}');
}

/* One record as "a=1 b=STALE up=1 (2,2,2)": data first, the report behind it. */
static void append(struct sample_sink *sink, const struct sample_record *record)
{
    struct fixture *fixture = (struct fixture *)sink;
    const struct sample *samples = record->samples;
    size_t count = record->count;
    if (fixture->scrapes == fixture->wanted)
        return;
    struct buffer *out = &fixture->records[fixture->scrapes];

    assert_true(count >= 5);
    const struct sample *report = &samples[count - 5];
    for (const struct sample *sample = samples; sample < report; sample++) {
        write_series(fixture, series_table_labels(fixture->series, sample->series), out);
        if (sample_is_stale(sample))
            buffer_append_string(out, "=STALE");
        else
            buffer_printf(out, "=%g", sample->value);
        if (sample->timestamp_ms != report->timestamp_ms)
            buffer_printf(out, "@%lld", (long long)sample->timestamp_ms);
        buffer_append_char(out, ' ');
    }
    write_series(fixture, series_table_labels(fixture->series, report->series), out);
    buffer_printf(out, "=%g (%g,%g,%g)", report->value, report[2].value, report[3].value,
                  report[4].value);
    fixture->timestamps[fixture->scrapes] = report->timestamp_ms;
    fixture->durations[fixture->scrapes] = report[1].value;
    if (++fixture->scrapes == fixture->wanted)
        loop_stop(fixture->loop);
}

static void on_deadline(void *context)
{
    struct fixture *fixture = context;
    loop_stop(fixture->loop);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    fixture->sink.append = append;
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(http_client_new(fixture->loop, "edgemeter/test", &fixture->http), 0);
    assert_int_equal(series_table_new(1000, &fixture->series), 0);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(loop_timer_new(fixture->loop, on_deadline, fixture, &fixture->deadline), 0);
    for (size_t i = 0; i < MAX_SCRAPES; i++)
        buffer_init(&fixture->records[i], TEXT_MAX);

    fixture->addresses[0] = fixture->address;
    fixture->group = (struct static_targets){.targets = fixture->addresses, .target_count = 1};
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

static double metric_value(struct fixture *fixture, const char *line_start)
{
    autobuffer struct buffer out;
    buffer_init(&out, TEXT_MAX);
    assert_int_equal(metric_registry_write(fixture->metrics, &out), 0);
    const char *line = strstr(out.bytes, line_start);
    assert_non_null(line);
    return atof(line + strlen(line_start));
}

/* Runs until so many scrapes are in, and leaves nothing behind in the series table. */
static void scrape(struct fixture *fixture, const struct page *pages, size_t page_count,
                   size_t wanted)
{
    struct scraper_environment environment = {
        .loop = fixture->loop,
        .http = fixture->http,
        .series = fixture->series,
        .sink = &fixture->sink,
        .metrics = fixture->metrics,
        .external_labels = fixture->external,
    };

    for (size_t i = 0; i < MAX_SCRAPES; i++)
        buffer_clear(&fixture->records[i]);
    fixture->scrapes = 0;
    fixture->wanted = wanted;
    exporter_start(&fixture->exporter, fixture->loop, pages, page_count);
    if (!*fixture->address)
        snprintf(fixture->address, sizeof(fixture->address), "127.0.0.1:%d",
                 fixture->exporter.port);
    struct scrape_config *config = &fixture->config;
    assert_int_equal(scraper_new(&environment, &config, 1, &fixture->scraper), 0);
    struct target_sink *targets = scraper_sink(fixture->scraper, "j");
    assert_int_equal(static_targets_hand_over(&fixture->group, TEXT("0"), NULL, targets), 0);
    loop_timer_after(fixture->deadline, 10 * NS_PER_SECOND);
    assert_int_equal(loop_run(fixture->loop), 0);
    fixture->pool_targets =
        metric_value(fixture, "\nprometheus_target_scrape_pool_targets{scrape_job=\"j\"} ");
    fixture->sync_failed =
        metric_value(fixture, "\nprometheus_target_sync_failed_total{scrape_job=\"j\"} ");
    scraper_stop(fixture->scraper);
    scraper_free(&fixture->scraper);
    exporter_stop(&fixture->exporter);
    fixture->address[0] = '\0';
    assert_int_equal(fixture->scrapes, wanted);
    assert_int_equal(series_table_count(fixture->series), 0);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    http_client_free(&fixture->http);
    loop_timer_free(&fixture->deadline);
    loop_free(&fixture->loop);
    series_table_free(&fixture->series);
    metric_registry_free(&fixture->metrics);
    free(fixture->external);
    for (size_t i = 0; i < MAX_SCRAPES; i++)
        buffer_free(&fixture->records[i]);
    free(fixture);
    return 0;
}

#define FUTURE "9000000000000" /* the year 2255 */
#define GZIPPED                                                                                    \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x54\x30\xe4\x4a\x52\x30\xe2\x02\x00\x7e\x4e\x8f" \
    "\x97\x08\x00\x00\x00"

static const struct {
    const char *name;
    bool honor_labels;
    bool ignore_timestamps;
    struct page pages[4];
    const char *records[4];
} cases[] = {
    {"vanish", .pages = {{"a 1\nb 2\n"}, {"a 1\n"}},
     .records = {"a=1 b=2 up=1 (2,2,2)", "a=1 b=STALE up=1 (1,1,0)", "a=1 up=1 (1,1,0)"}},
    {"come back", .pages = {{"a 1\nb 2\n"}, {"b 2\n"}, {"a 3\nb 4\n"}},
     .records = {"a=1 b=2 up=1 (2,2,2)", "b=2 a=STALE up=1 (1,1,0)", "a=3 b=4 up=1 (2,2,1)"}},
    {"http 500", .pages = {{"a 1\n"}, {"oops", 500}, {"a 3\n"}},
     .records = {"a=1 up=1 (1,1,1)", "a=STALE up=0 (0,0,0)", "a=3 up=1 (1,1,0)"}},
    {"http 500 twice", .pages = {{"a 1\n"}, {"c 1\n", 500}, {"c 1\n", 500}, {"a 3\n"}},
     .records = {"a=1 up=1 (1,1,1)", "a=STALE up=0 (0,0,0)", "up=0 (0,0,0)", "a=3 up=1 (1,1,0)"}},
    {"204", .pages = {{"", 204}}, .records = {"up=0 (0,0,0)"}},
    {"404 with a page", .pages = {{"a 1\n", 404}}, .records = {"up=0 (0,0,0)", "up=0 (0,0,0)"}},
    {"parse error: all end", .pages = {{"a 1\nb 1\n"}, {"a 2\nb x\n"}, {"a 3\nb 3\n"}},
     .records = {"a=1 b=1 up=1 (2,2,2)", "a=STALE b=STALE up=0 (1,1,0)", "a=3 b=3 up=1 (2,2,0)"}},
    {"parse error from the start", .pages = {{"a 1\nb 2\ni 1e400\n"}},
     .records = {"up=0 (2,2,2)", "up=0 (2,2,0)"}},
    {"cut connection", .pages = {{"a 1\n"}, {"a 1\n", .cut = true}},
     .records = {"a=1 up=1 (1,1,1)", "a=STALE up=0 (0,0,0)"}},
    {"empty page", .pages = {{"a 1\n"}, {""}, {"a 2\nb 1\n"}},
     .records = {"a=1 up=1 (1,1,1)", "a=STALE up=1 (0,0,0)", "a=2 b=1 up=1 (2,2,1)"}},
    {"explicit timestamp", .pages = {{"a 1 1000\nb 1\n"}, {"b 1\n"}},
     .records = {"a=1@1000 b=1 up=1 (2,2,2)", "b=1 up=1 (1,1,0)"}},
    {"explicit timestamp fails", .pages = {{"a 1 1000\nb 1\n"}, {"", 500}},
     .records = {"a=1@1000 b=1 up=1 (2,2,2)", "b=STALE up=0 (0,0,0)"}},
    {"timestamps not honored", .ignore_timestamps = true, .pages = {{"a 1 1000\nb 1\n"}, {"b 1\n"}},
     .records = {"a=1 b=1 up=1 (2,2,2)", "b=1 a=STALE up=1 (1,1,0)"}},
    {"future", .pages = {{"a 1 " FUTURE "\nb 1\n"}},
     .records = {"b=1 up=1 (2,2,1)", "b=1 up=1 (2,2,0)"}},
    {"duplicate: the first wins", .pages = {{"a 1\na 2\nb 1\n"}},
     .records = {"a=1 b=1 up=1 (3,3,2)", "a=1 b=1 up=1 (3,3,0)"}},
    {"two timestamps of one series", .pages = {{"a 1 1000\na 2 2000\n"}},
     .records = {"a=1@1000 a=2@2000 up=1 (2,2,1)"}},
    {"with and without timestamp", .pages = {{"a 1\na 2 2000\n"}},
     .records = {"a=1 a=2@2000 up=1 (2,2,1)"}},
    {"same series, other text", .pages = {{"a{x=\"1\"} 1\na{x=\"1\" } 2\n"}},
     .records = {"a{x=1}=1 a{x=1}=2 up=1 (2,2,2)", "a{x=1}=1 a{x=1}=2 up=1 (2,2,0)"}},
    {"labels in another order are no end",
     .pages = {{"a{x=\"1\",y=\"2\"} 1\nb 1\n"}, {"a{y=\"2\",x=\"1\"} 2\n"}, {"", 500}},
     .records = {"a{x=1,y=2}=1 b=1 up=1 (2,2,2)", "a{x=1,y=2}=2 b=STALE up=1 (1,1,1)",
                 "a{x=1,y=2}=STALE up=0 (0,0,0)"}},
    {"two texts of one series end once",
     .pages = {{"a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\nb 1\n"}, {"b 1\n"}},
     .records = {"a{x=1,y=2}=1 a{x=1,y=2}=2 b=1 up=1 (3,3,3)",
                 "b=1 a{x=1,y=2}=STALE up=1 (1,1,0)"}},
    {"no content type", .pages = {{"a 1\n", .type = ""}}, .records = {"up=0 (0,0,0)"}},
    {"no content type, empty", .pages = {{"", .type = ""}}, .records = {"up=1 (0,0,0)"}},
    {"html", .pages = {{"a 1\n", .type = "text/html"}}, .records = {"up=0 (0,0,0)"}},
    {"openmetrics", .pages = {{"a 1\n# EOF\n", .type = "application/openmetrics-text"}},
     .records = {"a=1 up=1 (1,1,1)"}},
    {"openmetrics, cut", .pages = {{"a 1\n", .type = "application/openmetrics-text"}},
     .records = {"up=0 (1,1,1)"}},
    {"text/plainer", .pages = {{"a 1\n", .type = "text/plainer"}}, .records = {"up=0 (0,0,0)"}},
    {"other case", .pages = {{"a 1\n", .type = "Text/Plain ;x=y"}},
     .records = {"a=1 up=1 (1,1,1)"}},
    {"gzip",
     .pages = {{GZIPPED, .extra = "Content-Encoding: gzip\r\n", .length = sizeof(GZIPPED) - 1}},
     .records = {"a=1 b=2 up=1 (2,2,2)"}},
    {"le and quantile",
     .pages = {{"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n"
                "# TYPE s summary\ns{quantile=\"1\"} 1\ns{le=\"1\"} 1\n"
                "# TYPE g gauge\ng{le=\"1\"} 1\n"}},
     .records = {"h_bucket{le=1.0}=1 h_bucket{le=+Inf}=1 h_sum=1 s{quantile=1.0}=1 s{le=1}=1 "
                 "g{le=1}=1 up=1 (6,6,6)"}},
    {"utf-8", .pages = {{"{\"my.metric\",\"la bel\"=\"x\"} 1\n"}},
     .records = {"my.metric{la bel=x}=1 up=1 (1,1,1)"}},
    {"escapes", .pages = {{"{\"a\\\"b\",\"c\\\\d\"=\"e\\nf\"} 1\n"}},
     .records = {"a\"b{c\\d=e\nf}=1 up=1 (1,1,1)"}},
    {"exposed __ labels stay", .pages = {{"a{__x=\"1\"} 1\n"}},
     .records = {"a{__x=1}=1 up=1 (1,1,1)"}},
    {"empty label is absent", .pages = {{"a{x=\"\"} 1\n"}}, .records = {"a=1 up=1 (1,1,1)"}},
    {"label twice", .pages = {{"b 1\na{x=\"1\",x=\"2\"} 1\n"}}, .records = {"up=0 (2,1,1)"}},
    {"name twice", .pages = {{"a{__name__=\"b\"} 1\n"}}, .records = {"up=0 (1,0,0)"}},
    {"scraped up", .pages = {{"up 7\n"}}, .records = {"up=7 up=1 (1,1,1)"}},
    {"crlf", .pages = {{"a 1\r\n"}}, .records = {"up=0 (0,0,0)"}},
    {"no newline", .pages = {{"a 1"}}, .records = {"a=1 up=1 (1,1,1)"}},
    {"invalid utf-8", .pages = {{"a{b=\"\xff\"} 1\n"}}, .records = {"up=0 (0,0,0)"}},
};

static void test_cases(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t pages = 0, records = 0;
        while (pages < ARRAY_SIZE(cases[i].pages) && cases[i].pages[pages].body)
            pages++;
        while (records < ARRAY_SIZE(cases[i].records) && cases[i].records[records])
            records++;
        fixture->config.honor_labels = cases[i].honor_labels;
        fixture->config.honor_timestamps = !cases[i].ignore_timestamps;
        scrape(fixture, cases[i].pages, pages, records);
        for (size_t k = 0; k < records; k++)
            if (strcmp(fixture->records[k].bytes, cases[i].records[k]))
                fail_msg("%s, scrape %zu: \"%s\" is not \"%s\"", cases[i].name, k,
                         fixture->records[k].bytes, cases[i].records[k]);
    }
    assert_float_equal(
        metric_value(fixture, "\nprometheus_target_scrapes_sample_out_of_bounds_total "), 2, 0);
    assert_float_equal(
        metric_value(fixture, "\nprometheus_target_scrapes_sample_duplicate_timestamp_total "), 2,
        0);
    assert_float_equal(fixture->pool_targets, 1, 0);
}

/* Target labels against exposed ones; {target, exposed, not honored, honored}. */
static void test_label_conflicts(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        struct static_label target[4];
        const char *exposed, *overridden, *honored;
    } rows[] = {
        {{{"foo", "2"}}, "a{foo=\"1\"} 1", "a{exported_foo=1,foo=2}=1", "a{foo=1}=1"},
        {{{"foo", "2"}, {"exported_foo", "3"}},
         "a{foo=\"1\"} 1",
         "a{exported_exported_foo=1,exported_foo=3,foo=2}=1",
         "a{exported_foo=3,foo=1}=1"},
        {{{"foo", "3"}},
         "a{foo=\"1\",exported_foo=\"2\"} 1",
         "a{exported_exported_foo=1,exported_foo=2,foo=3}=1",
         "a{exported_foo=2,foo=1}=1"},
        {{{"exported_foo", "2"}},
         "a{exported_foo=\"1\"} 1",
         "a{exported_exported_foo=1,exported_foo=2}=1",
         "a{exported_foo=1}=1"},
        {{{"foo", "3"}, {"exported_foo", "4"}},
         "a{foo=\"1\",exported_foo=\"2\"} 1",
         "a{exported_exported_exported_foo=2,exported_exported_foo=1,exported_foo=4,foo=3}=1",
         "a{exported_foo=2,foo=1}=1"},
        {{{"foo", "0"}, {"exported_exported_foo", "1"}, {"exported_exported_exported_foo", "2"}},
         "a{foo=\"3\",exported_foo=\"4\",exported_exported_exported_foo=\"5\"} 1",
         "a{exported_exported_exported_exported_exported_foo=5,"
         "exported_exported_exported_exported_foo=3,exported_exported_exported_foo=2,"
         "exported_exported_foo=1,exported_foo=4,foo=0}=1",
         "a{exported_exported_exported_foo=5,exported_exported_foo=1,exported_foo=4,foo=3}=1"},
        {{{"foo", "2"}}, "a{foo=\"\"} 1", "a{foo=2}=1", "a=1"},
        {{{"__hidden", "x"}, {"foo", "2"}}, "a 1", "a{foo=2}=1", "a{foo=2}=1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct page page = {rows[i].exposed};
        fixture->group.labels = (struct static_label *)rows[i].target;
        fixture->group.label_count = 0;
        while (rows[i].target[fixture->group.label_count].name)
            fixture->group.label_count++;
        for (int honored = 0; honored < 2; honored++) {
            const char *expected = honored ? rows[i].honored : rows[i].overridden;
            fixture->config.honor_labels = honored;
            scrape(fixture, &page, 1, 1);
            *strstr(fixture->records[0].bytes, " up") = '\0';
            assert_string_equal(fixture->records[0].bytes, expected);
        }
    }
}

/* As Prometheus: `up` and its like lose an exported_x where the target has an x behind it. */
static void test_report_labels(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"m 1\n"};
    struct static_label labels[] = {
        {"a", "1"}, {"exported_a", "2"}, {"exported_foo", "3"}, {"foo", "4"}, {"exported_x", "5"}};

    fixture->group.labels = labels;
    fixture->group.label_count = ARRAY_SIZE(labels);
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes,
                        "m{a=1,exported_a=2,exported_foo=3,exported_x=5,foo=4}=1 "
                        "up{a=1,exported_a=2,exported_x=5,foo=4}=1 (1,1,1)");
}

static void test_honored_job_and_instance(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a{instance=\"i\",job=\"k\"} 1\nb{instance=\"\"} 1\n"};

    fixture->full_labels = true;
    fixture->config.honor_labels = true;
    snprintf(fixture->address, sizeof(fixture->address), "127.0.0.1:1");
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes, "up{instance=127.0.0.1:1,job=j}=0 (0,0,0)");
    struct static_label own = {"instance", "x"};
    fixture->group.labels = &own;
    fixture->group.label_count = 1;
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes, "a{instance=i,job=k}=1 b{job=j}=1 "
                                                   "up{instance=x,job=j}=1 (2,2,2)");
}

static uint64_t hash_of_target(const struct fixture *fixture)
{
    autofree struct labels *discovered = make_labels("__address__", fixture->address, NULL);
    char reason[TARGET_REASON_SIZE];
    struct target *target;

    assert_int_equal(target_new(&fixture->config, NULL, discovered, &target, reason), 0);
    uint64_t hash = target->hash;
    target_free(&target);
    return hash;
}

static bool is_long_after(uint64_t hash, uint64_t seed, uint64_t moment, uint64_t interval)
{
    uint64_t other = scrape_schedule_offset(interval, hash ^ seed, seed);
    uint64_t after = (other + interval - moment) % interval;
    return after > interval / 2 && after < interval - interval / 16;
}

/* Whether the moment comes soon, and those with no seed or another one long after. */
static bool is_apart(uint64_t hash, uint64_t moment, uint64_t interval)
{
    uint64_t now = (uint64_t)clock_wall_ns() % interval;
    uint64_t wait = (moment + interval - now) % interval;

    return wait > interval / 16 && wait < interval / 4 &&
           is_long_after(hash, 0, moment, interval) &&
           is_long_after(hash, scrape_schedule_seed(NULL), moment, interval);
}

/* Agents that differ in them alone do not scrape a target at one moment. */
static void test_external_labels_move_the_schedule(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};
    uint64_t interval = fixture->config.scrape_interval_ns = 4 * NS_PER_SECOND, moment = 0;
    char replica[16];

    strcpy(fixture->address, "127.0.0.1:1"); /* that nothing is there does not matter */
    uint64_t hash = hash_of_target(fixture);
    for (unsigned i = 0; !fixture->external; i++) {
        snprintf(replica, sizeof(replica), "%u", i);
        fixture->external = make_labels("replica", replica, NULL);
        uint64_t seed = scrape_schedule_seed(fixture->external);
        moment = scrape_schedule_offset(interval, hash ^ seed, seed);
        if (!is_apart(hash, moment, interval))
            free(TAKE_PTR(fixture->external));
    }
    scrape(fixture, &page, 1, 1);
    uint64_t first = (uint64_t)fixture->timestamps[0] * NS_PER_MS + 10 * NS_PER_MS;
    assert_true((first - moment) % interval < interval / 2);
}

static void test_external_labels(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a{cluster=\"own\"} 1\nb 1\n"};

    fixture->external = make_labels("cluster", "edge", NULL);
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes,
                        "a{cluster=own}=1 b{cluster=edge}=1 up{cluster=edge}=1 (2,2,2)");
}

static void test_request(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};
    struct static_label labels[] = {
        {"__metrics_path__", "/p1?x%y z"},
        {"__param_b_c", "d e/+"},
        {"__param_a", "!*()'~"},
        {"__scheme__", "http"},
    };
    static const char *const parts[] = {
        "GET /p1%3Fx%25y%20z?a=%21%2A%28%29%27~&b_c=d+e%2F%2B HTTP/1.1\r\n",
        "\r\nAccept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,",
        "\r\nX-Prometheus-Scrape-Timeout-Seconds: 5\r\n",
        "\r\nUser-Agent: edgemeter/test\r\n",
        "gzip",
    };

    fixture->group.labels = labels;
    fixture->group.label_count = ARRAY_SIZE(labels);
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes, "a=1 up=1 (1,1,1)");
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (!strstr(fixture->exporter.request, parts[i]))
            fail_msg("\"%s\" is not in \"%s\"", parts[i], fixture->exporter.request);
}

static void test_schedule(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};
    int64_t interval_ms = INTERVAL_NS / NS_PER_MS, before = clock_wall_ms();

    scrape(fixture, &page, 1, 5);
    assert_in_range(fixture->timestamps[0] - before, 0, interval_ms + 500);
    /* how near the grid they are is the machine's business, and test_scrape_schedule's */
    for (size_t i = 1; i < 5; i++) {
        int64_t passed = fixture->timestamps[i] - fixture->timestamps[i - 1];
        assert_true(passed > 0);
        assert_true(fixture->durations[i] > 0 && fixture->durations[i] < 5);
    }
}

/* A target that hangs has up 0 at every interval, not at every second one. */
static void test_timeout(void **state)
{
    struct fixture *fixture = *state;
    struct page pages[] = {{"a 1\n"}, {"", .silent = true}, {"", .silent = true}, {"a 2\n"}};

    fixture->config.scrape_interval_ns = fixture->config.scrape_timeout_ns = 800 * NS_PER_MS;
    scrape(fixture, pages, ARRAY_SIZE(pages), 4);
    assert_string_equal(fixture->records[1].bytes, "a=STALE up=0 (0,0,0)");
    assert_true(fixture->durations[1] >= 0.79);
    assert_string_equal(fixture->records[2].bytes, "up=0 (0,0,0)");
    assert_string_equal(fixture->records[3].bytes, "a=2 up=1 (1,1,0)");
    assert_in_range(fixture->timestamps[3] - fixture->timestamps[0], 1800, 3800); /* else 4000 */
}

static void test_stop_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"", .silent = true};
    struct scraper_environment environment = {
        .loop = fixture->loop,
        .http = fixture->http,
        .series = fixture->series,
        .sink = &fixture->sink,
    };

    exporter_start(&fixture->exporter, fixture->loop, &page, 1);
    snprintf(fixture->address, sizeof(fixture->address), "127.0.0.1:%d", fixture->exporter.port);
    fixture->config.scrape_interval_ns = NS_PER_SECOND;
    fixture->config.scrape_timeout_ns = 10 * NS_PER_SECOND;
    fixture->wanted = 1;
    struct scrape_config *config = &fixture->config;
    assert_int_equal(scraper_new(&environment, &config, 1, &fixture->scraper), 0);
    struct target_sink *targets = scraper_sink(fixture->scraper, "j");
    assert_int_equal(static_targets_hand_over(&fixture->group, TEXT("0"), NULL, targets), 0);
    for (int i = 0; i < 200 && !fixture->exporter.requests; i++) {
        loop_timer_after(fixture->deadline, 50 * NS_PER_MS);
        assert_int_equal(loop_run(fixture->loop), 0);
    }
    assert_int_equal(fixture->exporter.requests, 1);
    scraper_stop(fixture->scraper);
    scraper_free(&fixture->scraper);
    exporter_stop(&fixture->exporter);
    assert_int_equal(fixture->scrapes, 0);
    assert_int_equal(series_table_count(fixture->series), 0);
}

static void test_targets(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\n"};

    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT); /* what is refused is logged as an error */
    fixture->addresses[1] = "127.0.0.1:1/metrics";
    fixture->addresses[2] = fixture->address; /* the same again is one target */
    fixture->addresses[3] = "";
    fixture->group.target_count = 4;
    scrape(fixture, &page, 1, 3);
    assert_int_equal(fixture->exporter.requests, 3);
    assert_float_equal(fixture->pool_targets, 1, 0);
    assert_float_equal(fixture->sync_failed, 2, 0);
}

static void test_full_series_table(void **state)
{
    struct fixture *fixture = *state;
    struct page page = {"a 1\nb 1\nc 1\n"};

    series_table_free(&fixture->series);
    assert_int_equal(series_table_new(7, &fixture->series), 0);
    scrape(fixture, &page, 1, 1);
    assert_string_equal(fixture->records[0].bytes, "up=0 (3,2,2)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_label_conflicts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_honored_job_and_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external_labels_move_the_schedule, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schedule, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_in_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_series_table, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
