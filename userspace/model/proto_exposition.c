/* SPDX-License-Identifier: Apache-2.0 */
/* A family is read twice: first what it says of itself, wherever that stands in it, then its
 * metrics, one at a time. The text that names a series is put together here: name, labels, each
 * behind a byte that is in no UTF-8. */
#include "model/proto_exposition.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/float_text.h"
#include "model/proto_arena.h"
#include "model/proto_family.h"
#include "model/proto_histogram.h"
#include "model/utf8.h"

#define MAX_LENGTH_BYTES 5       /* of a family's length, as in Prometheus */
#define MAX_SERIES (1024 * 1024) /* bytes of the text that names a series */
#define SEPARATOR '\xff'

/* Where in a metric with several series the parser stands. */
enum part {
    PART_WHOLE, /* a plain metric, or a native histogram */
    PART_COUNT,
    PART_SUM,
    PART_BOUNDS, /* buckets or quantiles */
    PART_DONE,
};

struct proto_exposition {
    struct proto_options options;
    struct proto_family family;
    struct proto_arena arena;
    Exposition__Metric *metric; /* in the arena; NULL: the next one is to be read */
    enum part part;
    size_t bound;    /* in PART_BOUNDS */
    size_t exemplar; /* of a native histogram, its next one */
    struct buffer series;
    char bound_text[FLOAT_TEXT_SIZE];
    char error[160];
};

int proto_exposition_new(const struct proto_options *options, struct proto_exposition **out)
{
    struct proto_exposition *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return -ENOMEM;
    parser->options = *options;
    proto_arena_init(&parser->arena, PROTO_MAX_METRIC);
    buffer_init(&parser->series, MAX_SERIES);
    *out = parser;
    return 0;
}

void proto_exposition_free(struct proto_exposition **out)
{
    struct proto_exposition *parser = *out;
    if (!parser)
        return;
    proto_arena_free(&parser->arena);
    buffer_free(&parser->series);
    free(parser);
    *out = NULL;
}

const struct metadata *proto_exposition_family(const struct proto_exposition *parser)
{
    return &parser->family.metadata;
}

const char *proto_exposition_error(const struct proto_exposition *parser)
{
    return parser->error;
}

__attribute__((format(printf, 2, 3))) static int fail(struct proto_exposition *parser,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(parser->error, sizeof(parser->error), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Names and values can be anything: only what is plain text is shown. */
static int fail_family(struct proto_exposition *parser, const char *what)
{
    struct text name = parser->family.metadata.family;
    char shown[80];
    size_t length = 0;

    for (size_t i = 0; i < name.length && length < sizeof(shown) - 1; i++)
        shown[length++] = name.bytes[i] >= ' ' && name.bytes[i] < 0x7f ? name.bytes[i] : '?';
    shown[length] = '\0';
    return fail(parser, "metric family \"%s\": %s", shown, what);
}

/* ---- families ---- */

int64_t proto_exposition_frame(struct proto_exposition *parser, struct text bytes,
                               struct text *family, size_t *needed)
{
    struct text rest = bytes;
    uint64_t length;

    *needed = 0;
    if (!proto_take_varint(&rest, &length)) {
        if (bytes.length < MAX_LENGTH_BYTES)
            return 0;
        return fail(parser, "a metric family has no valid length in front");
    }
    if (bytes.length - rest.length > MAX_LENGTH_BYTES)
        return fail(parser, "a metric family has no valid length in front");
    if (length > PROTO_MAX_FAMILY)
        return fail(parser, "a metric family is longer than %u bytes", PROTO_MAX_FAMILY);
    if (!proto_take_bytes(&rest, length, family)) {
        *needed = bytes.length - rest.length + (size_t)length;
        return 0;
    }
    return (int64_t)(bytes.length - rest.length);
}

int proto_exposition_begin(struct proto_exposition *parser, struct text family)
{
    const char *fault = NULL;

    parser->metric = NULL;
    int error = proto_family_read(&parser->family, family, &fault);
    return error ? fail_family(parser, fault) : 0;
}

/* ---- metrics ---- */

static struct text text_of_bytes(ProtobufCBinaryData data)
{
    return data.len ? (struct text){(const char *)data.data, data.len} : TEXT("");
}

static bool is_histogram(const struct proto_exposition *parser)
{
    return parser->family.type == EXPOSITION__METRIC_TYPE__HISTOGRAM ||
           parser->family.type == EXPOSITION__METRIC_TYPE__GAUGE_HISTOGRAM;
}

static bool is_native(const struct proto_exposition *parser)
{
    return is_histogram(parser) && parser->options.native_histograms && parser->metric->histogram &&
           proto_histogram_is_native(parser->metric->histogram);
}

static int check_labels(struct proto_exposition *parser)
{
    const Exposition__Metric *metric = parser->metric;

    if (metric->n_label >= EXPOSITION_MAX_LABELS)
        return fail_family(parser, "a metric has too many labels");
    for (size_t i = 0; i < metric->n_label; i++) {
        struct text name = text_of_bytes(metric->label[i]->name);
        if (!name.length || !utf8_is_valid(name))
            return fail_family(parser, "a label's name is not valid");
        if (!utf8_is_valid(text_of_bytes(metric->label[i]->value)))
            return fail_family(parser, "a label's value is not valid UTF-8");
    }
    return 0;
}

/* The next metric: 1, 0 or an error. */
static int read_metric(struct proto_exposition *parser)
{
    struct text message;

    if (!proto_family_next(&parser->family, &message))
        return 0;
    proto_arena_clear(&parser->arena);
    parser->metric = exposition__metric__unpack(&parser->arena.allocator, message.length,
                                                (const uint8_t *)message.bytes);
    if (!parser->metric)
        return fail_family(parser,
                           parser->arena.full ? "a metric is too large" : "a metric is malformed");
    bool has_parts =
        is_histogram(parser) || parser->family.type == EXPOSITION__METRIC_TYPE__SUMMARY;
    parser->part = !has_parts || is_native(parser) ? PART_WHOLE : PART_COUNT;
    parser->bound = parser->exemplar = 0;
    int error = check_labels(parser);
    return error ? error : 1;
}

/* ---- entries ---- */

static void add_to_series(struct proto_exposition *parser, struct text text)
{
    buffer_append_char(&parser->series, SEPARATOR);
    buffer_append_text(&parser->series, text);
}

/* The series `name` + `suffix` with the metric's labels and perhaps one more. */
static int name_series(struct proto_exposition *parser, struct exposition_entry *entry,
                       const char *suffix, const char *bound_name)
{
    const Exposition__Metric *metric = parser->metric;
    struct buffer *series = &parser->series;

    buffer_clear(series);
    buffer_append_text(series, parser->family.metadata.family);
    buffer_append_string(series, suffix);
    size_t name_length = series->length;
    entry->label_count = 0;
    for (size_t i = 0; i < metric->n_label; i++) {
        struct label label = {text_of_bytes(metric->label[i]->name),
                              text_of_bytes(metric->label[i]->value)};
        entry->labels[entry->label_count++] = label;
        add_to_series(parser, label.name);
        add_to_series(parser, label.value);
    }
    if (bound_name) {
        struct label label = {text_of(bound_name), text_of(parser->bound_text)};
        entry->labels[entry->label_count++] = label;
        add_to_series(parser, label.name);
        add_to_series(parser, label.value);
    }
    if (series->failed)
        return fail_family(parser, "a series' name and labels are too long");
    entry->series = buffer_text(series);
    entry->name = (struct text){series->bytes, name_length};
    return 0;
}

static int64_t milliseconds(const Exposition__Timestamp *timestamp)
{
    int64_t seconds_ms;

    if (!timestamp || __builtin_mul_overflow(timestamp->seconds, 1000, &seconds_ms) ||
        __builtin_add_overflow(seconds_ms, timestamp->nanos / 1000000, &seconds_ms))
        return 0;
    return seconds_ms;
}

static void set_exemplar(struct exposition_entry *entry, const Exposition__Exemplar *exemplar)
{
    struct exposition_exemplar *out = &entry->exemplar;

    entry->has_exemplar = exemplar && exemplar->n_label <= EXPOSITION_MAX_LABELS;
    if (!entry->has_exemplar)
        return;
    out->verbatim = true;
    out->label_count = exemplar->n_label;
    for (size_t i = 0; i < exemplar->n_label; i++)
        out->labels[i] = (struct label){text_of_bytes(exemplar->label[i]->name),
                                        text_of_bytes(exemplar->label[i]->value)};
    out->value = exemplar->value;
    out->has_timestamp = exemplar->timestamp != NULL;
    out->timestamp_ms = milliseconds(exemplar->timestamp);
}

static void begin_entry(const struct proto_exposition *parser, struct exposition_entry *entry)
{
    entry->kind = EXPOSITION_SAMPLE;
    entry->is_expected = false;
    entry->verbatim = true;
    entry->has_timestamp = parser->metric->timestamp_ms != 0;
    entry->timestamp_ms = parser->metric->timestamp_ms;
    entry->has_exemplar = false;
    entry->histogram = NULL;
    entry->created_ms = 0;
}

static int give_plain(struct proto_exposition *parser, struct exposition_entry *entry)
{
    const Exposition__Metric *metric = parser->metric;

    entry->value = 0;
    if (parser->family.type == EXPOSITION__METRIC_TYPE__COUNTER && metric->counter) {
        entry->value = metric->counter->value;
        entry->created_ms = milliseconds(metric->counter->created_timestamp);
        set_exemplar(entry, metric->counter->exemplar);
    } else if (parser->family.type == EXPOSITION__METRIC_TYPE__GAUGE && metric->gauge) {
        entry->value = metric->gauge->value;
    } else if (parser->family.type == EXPOSITION__METRIC_TYPE__UNTYPED && metric->untyped) {
        entry->value = metric->untyped->value;
    }
    parser->part = PART_DONE;
    return name_series(parser, entry, "", NULL);
}

/* The next exemplar of a native histogram. Those without a time of their own do not count. */
static const Exposition__Exemplar *next_native_exemplar(struct proto_exposition *parser)
{
    const Exposition__Histogram *histogram = parser->metric->histogram;

    while (parser->exemplar < histogram->n_exemplars) {
        const Exposition__Exemplar *exemplar = histogram->exemplars[parser->exemplar++];
        if (exemplar->timestamp)
            return exemplar;
    }
    return NULL;
}

static int compare_exemplars(const void *a, const void *b)
{
    const Exposition__Exemplar *left = *(Exposition__Exemplar *const *)a;
    const Exposition__Exemplar *right = *(Exposition__Exemplar *const *)b;
    int64_t left_ms = milliseconds(left->timestamp), right_ms = milliseconds(right->timestamp);
    if (left_ms != right_ms)
        return left_ms < right_ms ? -1 : 1;
    return (left->value > right->value) - (left->value < right->value);
}

/* A native histogram's own or else its buckets', by time: what is older than the last one would not
 * be taken. */
static void order_exemplars(struct proto_exposition *parser, Exposition__Histogram *histogram)
{
    ProtobufCAllocator *allocator = &parser->arena.allocator;
    size_t size = histogram->n_bucket * sizeof(*histogram->exemplars);

    if (!histogram->n_exemplars && histogram->n_bucket) {
        histogram->exemplars = allocator->alloc(allocator->allocator_data, size);
        for (size_t i = 0; histogram->exemplars && i < histogram->n_bucket; i++)
            if (histogram->bucket[i]->exemplar)
                histogram->exemplars[histogram->n_exemplars++] = histogram->bucket[i]->exemplar;
    }
    if (histogram->n_exemplars)
        qsort(histogram->exemplars, histogram->n_exemplars, sizeof(*histogram->exemplars),
              compare_exemplars);
}

static int give_native(struct proto_exposition *parser, struct exposition_entry *entry)
{
    Exposition__Histogram *histogram = parser->metric->histogram;
    bool is_gauge = parser->family.type == EXPOSITION__METRIC_TYPE__GAUGE_HISTOGRAM;
    const char *fault = NULL;

    int error = proto_histogram_new(histogram, is_gauge, &entry->histogram, &fault);
    if (error == -EINVAL)
        return fail_family(parser, fault);
    if (!error)
        error = name_series(parser, entry, "", NULL);
    if (error) {
        histogram_release(TAKE_PTR(entry->histogram));
        return error;
    }
    order_exemplars(parser, histogram);
    entry->created_ms = milliseconds(histogram->created_timestamp);
    set_exemplar(entry, next_native_exemplar(parser));
    return 0;
}

static double count_of(const Exposition__Histogram *histogram)
{
    return histogram->sample_count_float != 0 ? histogram->sample_count_float
                                              : (double)histogram->sample_count;
}

/* One bucket; behind the last one, that of +Inf where it was not there. */
static int give_bucket(struct proto_exposition *parser, struct exposition_entry *entry,
                       const Exposition__Histogram *histogram)
{
    double bound = (double)INFINITY;

    if (parser->bound < histogram->n_bucket) {
        const Exposition__Bucket *bucket = histogram->bucket[parser->bound++];
        bound = bucket->upper_bound;
        entry->value = bucket->cumulative_count_float != 0 ? bucket->cumulative_count_float
                                                           : (double)bucket->cumulative_count;
        set_exemplar(entry, bucket->exemplar);
    } else {
        entry->value = count_of(histogram);
    }
    float_text_openmetrics(bound, parser->bound_text);
    if (isinf(bound) && bound > 0)
        parser->part = PART_DONE;
    return name_series(parser, entry, "_bucket", "le");
}

static int give_classic(struct proto_exposition *parser, struct exposition_entry *entry)
{
    static const Exposition__Histogram nothing = EXPOSITION__HISTOGRAM__INIT;
    const Exposition__Histogram *histogram = parser->metric->histogram;

    if (!histogram)
        histogram = &nothing;
    entry->created_ms = milliseconds(histogram->created_timestamp);
    if (parser->part == PART_COUNT) {
        entry->value = count_of(histogram);
        parser->part = PART_SUM;
        return name_series(parser, entry, "_count", NULL);
    }
    if (parser->part == PART_SUM) {
        entry->value = histogram->sample_sum;
        parser->part = PART_BOUNDS;
        return name_series(parser, entry, "_sum", NULL);
    }
    return give_bucket(parser, entry, histogram);
}

static int give_summary(struct proto_exposition *parser, struct exposition_entry *entry)
{
    static const Exposition__Summary nothing = EXPOSITION__SUMMARY__INIT;
    const Exposition__Summary *summary = parser->metric->summary;

    if (!summary)
        summary = &nothing;
    entry->created_ms = milliseconds(summary->created_timestamp);
    if (parser->part == PART_COUNT) {
        entry->value = (double)summary->sample_count;
        parser->part = PART_SUM;
        return name_series(parser, entry, "_count", NULL);
    }
    if (parser->part == PART_SUM) {
        entry->value = summary->sample_sum;
        parser->part = summary->n_quantile ? PART_BOUNDS : PART_DONE;
        return name_series(parser, entry, "_sum", NULL);
    }
    const Exposition__Quantile *quantile = summary->quantile[parser->bound++];
    entry->value = quantile->value;
    float_text_openmetrics(quantile->quantile, parser->bound_text);
    if (parser->bound == summary->n_quantile)
        parser->part = PART_DONE;
    return name_series(parser, entry, "", "quantile");
}

/* Behind a native histogram: its other exemplars, then its classic buckets if they are wanted. */
static bool give_more_of_native(struct proto_exposition *parser, struct exposition_entry *entry)
{
    const Exposition__Exemplar *exemplar = next_native_exemplar(parser);

    if (exemplar) {
        entry->kind = EXPOSITION_EXEMPLAR;
        entry->histogram = NULL;
        set_exemplar(entry, exemplar);
        return true;
    }
    bool classic = parser->options.classic_histograms && parser->metric->histogram->n_bucket;
    parser->part = classic ? PART_COUNT : PART_DONE;
    return false;
}

int proto_exposition_next(struct proto_exposition *parser, struct exposition_entry *entry)
{
    bool native_given = parser->metric && parser->part == PART_WHOLE;

    if (native_given && give_more_of_native(parser, entry))
        return 1;
    if (!parser->metric || parser->part == PART_DONE) {
        int result = read_metric(parser);
        if (result <= 0)
            return result;
    }
    begin_entry(parser, entry);
    int error;
    if (parser->part != PART_WHOLE)
        error = is_histogram(parser) ? give_classic(parser, entry) : give_summary(parser, entry);
    else
        error = is_native(parser) ? give_native(parser, entry) : give_plain(parser, entry);
    return error ? error : 1;
}
