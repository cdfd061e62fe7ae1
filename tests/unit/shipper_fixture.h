/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of ship/ share: a shipper with one or two scripted receivers, and the samples
 * 0, 1, 2, ... that go through it. */
#ifndef EDGEMETER_TESTS_SHIPPER_FIXTURE_H
#define EDGEMETER_TESTS_SHIPPER_FIXTURE_H

#include "metric_line.h"
#include "receiver.h"
#include "ship/shipper.h"

#define REMOTES 2
#define TIMESTAMP_MS INT64_C(1790000000000)
#define LIMIT_MS 8000

struct fixture {
    struct loop *loop;
    struct loop_timer *tick;
    struct http_client *http;
    struct series_table *series;
    struct metric_registry *metrics;
    struct shipper *shipper;
    struct receiver receivers[REMOTES];
    struct remote_write_config configs[REMOTES];
    char urls[REMOTES][64];
    struct queue_config queue;
    const char *storage_path; /* NULL: in memory */
    uint64_t appended;        /* the value of the next sample */

    bool (*until)(struct fixture *); /* NULL: for the whole time */
    uint64_t ticks; /* never more than one in a millisecond, fewer while the process stands still */
    unsigned ticks_left;
    uint64_t wanted; /* for `until` */
    bool met;
    int flushed;
    uint64_t unsent;
};

static inline void on_tick(void *context)
{
    struct fixture *f = context;
    f->ticks++;
    f->met = f->until && f->until(f);
    if (f->met || f->ticks_left-- == 0)
        loop_stop(f->loop);
    else
        loop_timer_after(f->tick, NS_PER_MS);
}

/* At least so long, and as many turns of the loop: a process that stood still for all of the time
 * goes on until it has done what was due. */
static inline bool run(struct fixture *f, unsigned limit_ms, bool (*until)(struct fixture *))
{
    f->until = until;
    f->ticks_left = limit_ms;
    loop_timer_at(f->tick, 0);
    assert_int_equal(loop_run(f->loop), 0);
    return f->met;
}

static inline bool first_has_taken(struct fixture *f)
{
    return f->receivers[0].taken_count >= f->wanted;
}

static inline bool second_has_taken(struct fixture *f)
{
    return f->receivers[1].taken_count >= f->wanted;
}

static inline bool second_was_asked(struct fixture *f)
{
    return f->receivers[1].request_count >= f->wanted;
}

static inline bool first_was_asked(struct fixture *f)
{
    return f->receivers[0].request_count >= f->wanted;
}

static inline bool is_flushed(struct fixture *f)
{
    return f->flushed > 0;
}

/* And the shipper has had its turns to read the answers. */
static inline void run_until_taken(struct fixture *f, uint64_t samples)
{
    f->wanted = samples;
    assert_true(run(f, LIMIT_MS, first_has_taken));
    run(f, 10, NULL);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(loop_timer_new(f->loop, on_tick, f, &f->tick), 0);
    assert_int_equal(http_client_new(f->loop, "edgemeter/test", &f->http), 0);
    assert_int_equal(series_table_new(10000, &f->series), 0);
    assert_int_equal(metric_registry_new(&f->metrics), 0);
    f->queue.max_bytes = 64 << 20;
    for (size_t i = 0; i < REMOTES; i++) {
        receiver_start(&f->receivers[i], f->loop);
        f->receivers[i].retry_after = "1";
        f->receivers[i].ticks = &f->ticks;
        snprintf(f->urls[i], sizeof(f->urls[i]), "http://user:pw@127.0.0.1:%d/api/v1/write",
                 f->receivers[i].port);
        struct remote_write_config *config = &f->configs[i];
        remote_write_config_init(config);
        config->url = f->urls[i];
        config->remote_timeout_ns = 3600 * NS_PER_SECOND;
        config->send_native_histograms = true;
        config->metadata.send = false;
        config->queue.max_samples_per_send = 100;
        config->queue.batch_send_deadline_ns = 50 * NS_PER_MS;
        config->queue.min_backoff_ns = 20 * NS_PER_MS;
        config->queue.max_backoff_ns = 160 * NS_PER_MS;
    }
    f->configs[0].name = "first";
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    shipper_free(&f->shipper);
    assert_int_equal(series_table_count(f->series), 0);
    http_client_free(&f->http);
    for (size_t i = 0; i < REMOTES; i++) {
        receiver_stop(&f->receivers[i]);
        http_config_free(&f->configs[i].http);
    }
    metric_registry_free(&f->metrics);
    series_table_free(&f->series);
    loop_timer_free(&f->tick);
    loop_free(&f->loop);
    free(f);
    return 0;
}

static inline void start(struct fixture *f, size_t remotes)
{
    const struct shipper_environment environment = {f->loop, f->http, f->series, f->metrics,
                                                    .storage_path = f->storage_path};
    struct remote_write_config *const configs[REMOTES] = {&f->configs[0], &f->configs[1]};
    assert_int_equal(shipper_new(&environment, &f->queue, configs, remotes, &f->shipper), 0);
}

static inline void script(struct receiver *r, const int *replies, size_t count)
{
    r->script = replies;
    r->script_length = count;
}
#define SCRIPT(receiver, ...)                    \
    static const int replies_[] = {__VA_ARGS__}; \
    script((receiver), replies_, ARRAY_SIZE(replies_))

static inline series_id make_series(struct fixture *f, uint64_t number)
{
    struct labels_builder *builder;
    autofree struct labels *labels = NULL;
    char value[32];
    series_id series;
    snprintf(value, sizeof(value), "%u", (unsigned)(number % 1000));
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), TEXT("x")), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("n"), text_of(value)), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    assert_int_equal(series_table_intern(f->series, labels, &series), 0);
    return series;
}

/* One record; the samples of the whole test have the values 0, 1, 2, ... */
static inline void append(struct fixture *f, size_t count)
{
    autofree struct sample *samples = calloc(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++, f->appended++)
        samples[i] = (struct sample){.series = make_series(f, f->appended),
                                     .timestamp_ms = TIMESTAMP_MS + (int64_t)f->appended,
                                     .value = (double)f->appended};
    sample_sink_append(shipper_sink(f->shipper), samples, count);
    for (size_t i = 0; i < count; i++)
        series_table_release(f->series, samples[i].series);
}

/* Taken are the samples from..to-1, each once and in order. */
static inline void assert_taken(const struct receiver *r, size_t at, uint64_t from, uint64_t to)
{
    char series[32];
    assert_true(r->taken_count >= at + (to - from));
    for (uint64_t value = from; value < to; value++, at++) {
        snprintf(series, sizeof(series), "%u", (unsigned)(value % 1000));
        assert_int_equal((uint64_t)r->taken[at].value, value);
        assert_int_equal(r->taken[at].timestamp_ms, TIMESTAMP_MS + (int64_t)value);
        assert_string_equal(r->taken[at].series, series);
    }
}

static inline void assert_all_taken(const struct fixture *f, size_t receiver)
{
    assert_int_equal(f->receivers[receiver].taken_count, f->appended);
    assert_taken(&f->receivers[receiver], 0, 0, f->appended);
}

/* At least so long was it from one request to the next. */
static inline double gap_ms(const struct receiver *r, size_t request)
{
    return (double)(r->requests[request].at_ns - r->requests[request - 1].at_ns) / NS_PER_MS;
}

/* The same as an upper bound: the time in which the process stood still is not in it. */
static inline double gap_ticks(const struct receiver *r, size_t request)
{
    return (double)(r->requests[request].at_tick - r->requests[request - 1].at_tick);
}

/* The value of a line of the registry, or -1; `more` are labels before those of the first remote.
 */
static inline double metric_value_of(struct fixture *f, const char *prefix, const char *name,
                                     const char *more)
{
    char series[256];
    snprintf(series, sizeof(series),
             "%s%s{%sremote_name=\"first\",url=\"http://user:xxxxx@127.0.0.1:%d/api/v1/write\"}",
             prefix, name, more, f->receivers[0].port);
    return metric_line(f->metrics, series);
}

static inline double metric_value(struct fixture *f, const char *name, const char *more)
{
    return metric_value_of(f, "prometheus_remote_storage_", name, more);
}

static inline double counted(struct fixture *f, const char *name)
{
    return metric_value(f, name, "");
}

static inline void on_flushed(void *context, uint64_t unsent)
{
    struct fixture *f = context;
    f->flushed++;
    f->unsent = unsent;
}

static inline bool nothing_is_pending(struct fixture *f)
{
    return counted(f, "samples_pending") == 0;
}

/* The receiver has all of it, and the shipper has had its answers. */
static inline void run_until_acknowledged(struct fixture *f)
{
    assert_true(run(f, LIMIT_MS, nothing_is_pending));
}

#define SHIP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
