/* SPDX-License-Identifier: Apache-2.0 */
/* Native histograms: the same members under the same numbers in both protocols. Never decodes. */
#include "ship/encode_parts.h"
#include "ship/wire.h"

/* Field numbers of ship/remote.proto and ship/remote_v2.proto. */
enum {
    HISTOGRAM_COUNT_INT = 1,
    HISTOGRAM_SUM = 3,
    HISTOGRAM_SCHEMA = 4,
    HISTOGRAM_ZERO_THRESHOLD = 5,
    HISTOGRAM_ZERO_COUNT_INT = 6,
    HISTOGRAM_NEGATIVE_SPANS = 8,
    HISTOGRAM_NEGATIVE_DELTAS = 9,
    HISTOGRAM_NEGATIVE_COUNTS = 10,
    HISTOGRAM_POSITIVE_SPANS = 11,
    HISTOGRAM_POSITIVE_DELTAS = 12,
    HISTOGRAM_POSITIVE_COUNTS = 13,
    HISTOGRAM_RESET_HINT = 14,
    HISTOGRAM_TIMESTAMP = 15,
    HISTOGRAM_CUSTOM_VALUES = 16,
    HISTOGRAM_START_TIMESTAMP = 17,
    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,
};

enum { RESET_HINT_GAUGE = 3 };

enum {
    MAX_SCALARS = 12, /* members of a sample or histogram that are no list, and its own head */
    MAX_LISTS = 5,
    MAX_SPAN_BYTES = 3 * WIRE_HEAD_MAX_BYTES,
};

size_t encode_histogram_room(const struct histogram *h)
{
    return (MAX_SCALARS + MAX_LISTS) * WIRE_HEAD_MAX_BYTES +
           ((size_t)h->positive_span_count + h->negative_span_count) * MAX_SPAN_BYTES +
           ((size_t)h->positive_delta_count + h->negative_delta_count) * VARINT_MAX_BYTES +
           h->custom_value_count * sizeof(double);
}

static uint8_t *put_spans(uint8_t *at, unsigned field, const struct histogram_span *spans,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *body = wire_message_begin(at, field, 1);
        at = wire_unsigned(body, SPAN_OFFSET, varint_zigzag(spans[i].offset));
        at = wire_unsigned(at, SPAN_LENGTH, spans[i].length);
        at = wire_message_end(body, at, 1);
    }
    return at;
}

static uint8_t *put_deltas(uint8_t *at, unsigned field, const int64_t *deltas, size_t count)
{
    if (!count)
        return at;
    size_t length_width = varint_size(2 * count);
    uint8_t *body = wire_message_begin(at, field, length_width);
    at = body;
    for (size_t i = 0; i < count; i++)
        at = varint_put(at, varint_zigzag(deltas[i]));
    return wire_message_end(body, at, length_width);
}

static uint8_t *put_doubles(uint8_t *at, unsigned field, const double *doubles, size_t count)
{
    if (!count)
        return at;
    at = wire_length(at, field, count * sizeof(double));
    for (size_t i = 0; i < count; i++)
        at = wire_fixed64(at, doubles[i]);
    return at;
}

/* The counts of a histogram are members of a oneof, which is written even where it is zero. */
static uint8_t *put_oneof_count(uint8_t *at, const struct histogram *h, unsigned integer_field,
                                uint64_t integer, double number)
{
    if (h->is_float) /* the field behind is the float one */
        return wire_fixed64(wire_tag(at, integer_field + 1, WIRE_FIXED64), number);
    return varint_put(wire_tag(at, integer_field, WIRE_VARINT), integer);
}

static uint8_t *put_buckets(uint8_t *at, const struct histogram *h)
{
    at = put_spans(at, HISTOGRAM_NEGATIVE_SPANS, h->negative_spans, h->negative_span_count);
    if (h->is_float)
        at =
            put_doubles(at, HISTOGRAM_NEGATIVE_COUNTS, h->negative_counts, h->negative_delta_count);
    else
        at = put_deltas(at, HISTOGRAM_NEGATIVE_DELTAS, h->negative_deltas, h->negative_delta_count);
    at = put_spans(at, HISTOGRAM_POSITIVE_SPANS, h->positive_spans, h->positive_span_count);
    if (h->is_float)
        return put_doubles(at, HISTOGRAM_POSITIVE_COUNTS, h->positive_counts,
                           h->positive_delta_count);
    return put_deltas(at, HISTOGRAM_POSITIVE_DELTAS, h->positive_deltas, h->positive_delta_count);
}

uint8_t *encode_histogram(uint8_t *at, unsigned field, const struct sample *sample,
                          int64_t start_ms)
{
    const struct histogram *h = sample->histogram;
    uint8_t *body = wire_message_begin(at, field, 2);
    at = put_oneof_count(body, h, HISTOGRAM_COUNT_INT, h->count, h->count_float);
    at = wire_double(at, HISTOGRAM_SUM, h->sum);
    at = wire_unsigned(at, HISTOGRAM_SCHEMA, varint_zigzag(h->schema));
    at = wire_double(at, HISTOGRAM_ZERO_THRESHOLD, h->zero_threshold);
    at = put_oneof_count(at, h, HISTOGRAM_ZERO_COUNT_INT, h->zero_count, h->zero_count_float);
    at = put_buckets(at, h);
    at = wire_unsigned(at, HISTOGRAM_RESET_HINT, h->is_gauge ? RESET_HINT_GAUGE : 0);
    at = wire_unsigned(at, HISTOGRAM_TIMESTAMP, (uint64_t)sample->timestamp_ms);
    at = put_doubles(at, HISTOGRAM_CUSTOM_VALUES, h->custom_values, h->custom_value_count);
    at = wire_unsigned(at, HISTOGRAM_START_TIMESTAMP, (uint64_t)start_ms);
    return wire_message_end(body, at, 2);
}
