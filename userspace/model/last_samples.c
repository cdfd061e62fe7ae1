/* SPDX-License-Identifier: Apache-2.0 */
/* An array by the series' number, in chunks as the series table has them, and the order that was
 * asked for last. Holds one reference of each series that has a sample. */
#include "model/last_samples.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define CHUNK_SAMPLES 4096u
#define SWEEP_NS (60 * NS_PER_SECOND)
#define ORDER_UNUSED_NS (600 * NS_PER_SECOND)
#define SLICE_SERIES 4096 /* looked at, or moved by the sort, in one call */
#define BUILD_TOO_OLD_NS (5 * NS_PER_SECOND)

enum { HAS_NOTHING, HAS_FLOAT, HAS_HISTOGRAM };

struct last_sample {
    int64_t timestamp_ms : 61;
    uint64_t has : 2;
    uint64_t ordered : 1; /* in the present order */
    union {
        double value;
        struct histogram *histogram;
    };
};
_Static_assert(sizeof(struct last_sample) == 16, "16 bytes a series");

struct last_samples {
    struct sample_sink sink;
    struct sample_sink *next;
    struct series_table *series;
    struct last_sample **chunks;
    uint32_t chunk_count, count;
    struct loop_timer *sweep_timer; /* NULL: no loop */

    struct series_order *order; /* NULL: nobody asked for it lately */
    struct labels *hidden;      /* what it leaves out, a copy; NULL: nothing */
    uint32_t came, went;        /* series since it was begun */
    uint64_t order_used_ns;
    struct series_sorter *sorter; /* the next order in the making */
    uint64_t sorter_begun_ns;
    series_id looked_at; /* series before this one are in it */
};

/* ---- samples ---- */

static struct last_sample *sample_of(const struct last_samples *samples, series_id series)
{
    uint32_t chunk = series / CHUNK_SAMPLES;
    if (chunk >= samples->chunk_count || !samples->chunks[chunk])
        return NULL;
    return &samples->chunks[chunk][series % CHUNK_SAMPLES];
}

static struct last_sample *sample_make(struct last_samples *samples, series_id series)
{
    uint32_t chunk = series / CHUNK_SAMPLES;
    if (chunk >= samples->chunk_count) {
        void *grown = reallocarray(samples->chunks, chunk + 1, sizeof(*samples->chunks));
        if (!grown)
            return NULL;
        samples->chunks = grown;
        while (samples->chunk_count <= chunk)
            samples->chunks[samples->chunk_count++] = NULL;
    }
    if (!samples->chunks[chunk])
        samples->chunks[chunk] = calloc(CHUNK_SAMPLES, sizeof(**samples->chunks));
    return samples->chunks[chunk] ? sample_of(samples, series) : NULL;
}

static void drop_value(struct last_sample *last)
{
    if (last->has == HAS_HISTOGRAM)
        histogram_release(last->histogram);
    last->has = HAS_NOTHING;
}

static void forget(struct last_samples *samples, series_id series, struct last_sample *last)
{
    drop_value(last);
    samples->count--;
    samples->went++;
    series_table_release(samples->series, series);
}

static void keep_value(struct last_sample *last, const struct sample *sample)
{
    last->timestamp_ms = sample->timestamp_ms;
    if (sample->type == SAMPLE_HISTOGRAM) {
        last->histogram = histogram_hold(sample->histogram);
        last->has = HAS_HISTOGRAM;
    } else {
        last->value = sample->value;
        last->has = HAS_FLOAT;
    }
}

/* Without memory for it a series is not shown. */
static void keep_new(struct last_samples *samples, const struct sample *sample)
{
    struct last_sample *last = sample_make(samples, sample->series);
    if (!last || sample_is_stale(sample))
        return;
    series_table_hold(samples->series, sample->series);
    keep_value(last, sample);
    samples->count++;
    samples->came += !last->ordered;
}

/* No scrape takes it: the clock was ahead when it was made. */
static bool is_ahead(const struct last_sample *last)
{
    return last->timestamp_ms > clock_wall_ms() + LAST_SAMPLES_AHEAD_MS;
}

/* A sample that is not newer is none: Prometheus refuses it. But it is not refused for hours since
 * a clock was put right. */
static void keep(struct last_samples *samples, const struct sample *sample)
{
    struct last_sample *last = sample_of(samples, sample->series);
    if (!last || last->has == HAS_NOTHING) {
        keep_new(samples, sample);
    } else if (sample->timestamp_ms > last->timestamp_ms || is_ahead(last)) {
        if (sample_is_stale(sample)) {
            forget(samples, sample->series, last);
            return;
        }
        drop_value(last);
        keep_value(last, sample);
    }
}

/* A newer float in the place of a float, as nearly all are. */
static inline bool keep_float(struct last_sample *last, const struct sample *sample)
{
    if (!last || last->has != HAS_FLOAT || sample->type != SAMPLE_FLOAT ||
        sample->timestamp_ms <= last->timestamp_ms || sample_is_stale(sample))
        return false;
    last->timestamp_ms = sample->timestamp_ms;
    last->value = sample->value;
    return true;
}

static void append(struct sample_sink *sink, const struct sample_record *record)
{
    struct last_samples *samples = (struct last_samples *)sink;
    for (size_t i = 0; i < record->count; i++) {
        const struct sample *sample = &record->samples[i];
        if (!keep_float(sample_of(samples, sample->series), sample))
            keep(samples, sample);
    }
    if (samples->next)
        sample_sink_append_record(samples->next, record);
}

struct sample_sink *last_samples_sink(struct last_samples *samples, struct sample_sink *next)
{
    samples->next = next;
    return &samples->sink;
}

bool last_samples_get(const struct last_samples *samples, series_id series, int64_t now_ms,
                      struct sample *out)
{
    const struct last_sample *last = sample_of(samples, series);
    if (!last || last->has == HAS_NOTHING || last->timestamp_ms > now_ms ||
        last->timestamp_ms < now_ms - LAST_SAMPLES_LOOKBACK_MS)
        return false;
    *out = (struct sample){.series = series, .timestamp_ms = last->timestamp_ms};
    if (last->has == HAS_HISTOGRAM) {
        out->type = SAMPLE_HISTOGRAM;
        out->histogram = last->histogram;
    } else {
        out->value = last->value;
    }
    return true;
}

uint32_t last_samples_count(const struct last_samples *samples)
{
    return samples->count;
}

/* ---- the order ---- */

static void mark_ordered(struct last_samples *samples, bool ordered)
{
    for (size_t i = 0; samples->order && i < samples->order->count; i++) {
        struct last_sample *last = sample_of(samples, samples->order->ids[i]);
        if (last)
            last->ordered = ordered;
    }
}

static void drop_order(struct last_samples *samples)
{
    series_sorter_free(&samples->sorter);
    mark_ordered(samples, false);
    series_order_release(&samples->order);
}

static bool has_sample(void *context, series_id series)
{
    const struct last_sample *last = sample_of(context, series);
    return last && last->has != HAS_NOTHING;
}

static bool order_is_fresh(const struct last_samples *samples)
{
    return samples->order && !samples->came && samples->went <= samples->order->count / 4;
}

static bool hides(const struct last_samples *samples, const struct labels *hidden)
{
    if (!samples->hidden || !hidden)
        return samples->hidden == hidden;
    return labels_equal(samples->hidden, hidden);
}

/* Another order is wanted from now on. */
static int hide(struct last_samples *samples, const struct labels *hidden)
{
    struct labels *copy = hidden ? malloc(labels_size(hidden)) : NULL;
    if (hidden && !copy)
        return -ENOMEM;
    if (copy)
        memcpy(copy, hidden, labels_size(hidden));
    drop_order(samples);
    free(samples->hidden);
    samples->hidden = copy;
    return 0;
}

static int begin_order(struct last_samples *samples)
{
    series_sorter_free(&samples->sorter);
    int error = series_sorter_new(samples->series, samples->hidden, &samples->sorter);
    samples->sorter_begun_ns = clock_monotonic_ns();
    samples->looked_at = 0;
    samples->came = samples->went = 0;
    return error;
}

/* Series that the order does not have, a slice of them. -EAGAIN: there are more to look at. */
static int collect_series(struct last_samples *samples)
{
    series_id end = samples->chunk_count * CHUNK_SAMPLES, until = samples->looked_at + SLICE_SERIES;
    int error = 0;

    if (samples->looked_at >= end)
        return 0;
    for (; samples->looked_at < until && samples->looked_at < end; samples->looked_at++) {
        const struct last_sample *last = sample_of(samples, samples->looked_at);
        if (last && last->has != HAS_NOTHING && !last->ordered)
            error = series_sorter_add(samples->sorter, samples->looked_at);
        if (error)
            return error;
    }
    if (samples->looked_at < end)
        return -EAGAIN;
    return samples->order
               ? series_sorter_add_order(samples->sorter, samples->order, has_sample, samples)
               : 0;
}

static int go_on(struct last_samples *samples)
{
    struct series_order *order;
    int error = collect_series(samples);

    if (!error)
        error = series_sorter_run(samples->sorter, SLICE_SERIES, &order);
    if (error == -EAGAIN)
        return error;
    series_sorter_free(&samples->sorter);
    if (error) {
        samples->came++; /* what there is is not all */
        return error;
    }
    mark_ordered(samples, false);
    series_order_release(&samples->order);
    samples->order = order;
    mark_ordered(samples, true);
    return 0;
}

int last_samples_order(struct last_samples *samples, const struct labels *hidden,
                       struct series_order **out)
{
    uint64_t now = clock_monotonic_ns();
    int error = hides(samples, hidden) ? 0 : hide(samples, hidden);

    samples->order_used_ns = now;
    if (!error && (!order_is_fresh(samples) || samples->sorter)) {
        bool old = samples->sorter && now - samples->sorter_begun_ns > BUILD_TOO_OLD_NS;
        if (!samples->sorter || old)
            error = begin_order(samples);
        if (!error)
            error = go_on(samples);
    }
    if (!error)
        *out = series_order_hold(samples->order);
    return error;
}

/* ---- life ---- */

static void sweep(void *context)
{
    struct last_samples *samples = context;
    int64_t least_ms = clock_wall_ms() - LAST_SAMPLES_LOOKBACK_MS;

    for (series_id series = 0; series < samples->chunk_count * CHUNK_SAMPLES; series++) {
        struct last_sample *last = sample_of(samples, series);
        if (last && last->has != HAS_NOTHING && last->timestamp_ms < least_ms)
            forget(samples, series, last);
    }
    if (samples->order && clock_monotonic_ns() - samples->order_used_ns > ORDER_UNUSED_NS)
        drop_order(samples);
    loop_timer_after(samples->sweep_timer, SWEEP_NS);
}

int last_samples_new(struct loop *loop, struct series_table *series, struct last_samples **out)
{
    struct last_samples *samples = calloc(1, sizeof(*samples));
    if (!samples)
        return -ENOMEM;
    samples->sink.append = append;
    samples->series = series;
    int error = loop ? loop_timer_new(loop, sweep, samples, &samples->sweep_timer) : 0;
    if (error) {
        last_samples_free(&samples);
        return error;
    }
    if (loop)
        loop_timer_after(samples->sweep_timer, SWEEP_NS);
    *out = samples;
    return 0;
}

void last_samples_free(struct last_samples **out)
{
    struct last_samples *samples = TAKE_PTR(*out);
    if (!samples)
        return;
    drop_order(samples);
    free(samples->hidden);
    for (series_id series = 0; series < samples->chunk_count * CHUNK_SAMPLES; series++) {
        struct last_sample *last = sample_of(samples, series);
        if (last && last->has != HAS_NOTHING)
            forget(samples, series, last);
    }
    for (uint32_t i = 0; i < samples->chunk_count; i++)
        free(samples->chunks[i]);
    free(samples->chunks);
    loop_timer_free(&samples->sweep_timer);
    free(samples);
}
