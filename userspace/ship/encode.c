/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the protobuf bytes of a TimeSeries by hand: room for the longest form is reserved first,
 * so the writers below need no checks. Members with the value zero are left out, as proto3 asks; a
 * negative zero is not zero. Never decodes. */
#include "ship/encode.h"

#include <endian.h>
#include <errno.h>

#include "ship/varint.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

/* Field numbers of ship/remote.proto; all are below 16, so that a tag is one byte. */
enum {
    WRITE_REQUEST_TIMESERIES = 1,
    TIME_SERIES_LABELS = 1,
    TIME_SERIES_SAMPLES = 2,
    TIME_SERIES_HISTOGRAMS = 4,
    LABEL_NAME = 1,
    LABEL_VALUE = 2,
    SAMPLE_VALUE = 1,
    SAMPLE_TIMESTAMP = 2,
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
    SPAN_OFFSET = 1,
    SPAN_LENGTH = 2,
};

enum { RESET_HINT_GAUGE = 3 };

enum {
    MAX_MEMBER_HEAD = 1 + VARINT_MAX_BYTES, /* a tag and a length, or a whole varint member */
    MAX_LABEL_HEADS = 3 * MAX_MEMBER_HEAD,
    MAX_SCALARS = 11 * MAX_MEMBER_HEAD, /* all scalar members of a sample or histogram, and heads */
    MAX_SPAN = 3 * MAX_MEMBER_HEAD,
};

static uint8_t *put_tag(uint8_t *at, unsigned field, enum wire_type type)
{
    *at = (uint8_t)(field << 3 | type);
    return at + 1;
}

static uint8_t *put_length(uint8_t *at, unsigned field, size_t length)
{
    return varint_put(put_tag(at, field, WIRE_BYTES), length);
}

static uint8_t *put_text(uint8_t *at, unsigned field, struct text text)
{
    at = put_length(at, field, text.length);
    memcpy(at, text.bytes, text.length);
    return at + text.length;
}

static uint8_t *put_unsigned(uint8_t *at, unsigned field, uint64_t value)
{
    return value ? varint_put(put_tag(at, field, WIRE_VARINT), value) : at;
}

static uint8_t *put_fixed64(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htole64(bits);
    return mempcpy(at, &bits, sizeof(bits));
}

static uint8_t *put_double(uint8_t *at, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits ? put_fixed64(put_tag(at, field, WIRE_FIXED64), value) : at;
}

/* A message is written behind room for the usual width of its length, and moved where that was
 * wrong. */
static uint8_t *message_begin(uint8_t *at, unsigned field, size_t length_width)
{
    return put_tag(at, field, WIRE_BYTES) + length_width;
}

static uint8_t *message_end(uint8_t *body, uint8_t *end, size_t length_width)
{
    size_t length = (size_t)(end - body);
    size_t width = varint_size(length);
    uint8_t *at = body - length_width;
    if (width != length_width)
        memmove(at + width, body, length);
    return varint_put(at, length) + length;
}

static size_t text_member_size(struct text text)
{
    return 1 + varint_size(text.length) + text.length;
}

/* Most of the encoder's time is spent here, and nearly all labels are short: every length is one
 * byte then. */
static uint8_t *put_label(uint8_t *at, struct text name, struct text value)
{
    if (name.length + value.length + 4 >= 0x80) {
        at = put_length(at, TIME_SERIES_LABELS, text_member_size(name) + text_member_size(value));
        at = put_text(at, LABEL_NAME, name);
        return put_text(at, LABEL_VALUE, value);
    }
    at = put_tag(at, TIME_SERIES_LABELS, WIRE_BYTES);
    *at++ = (uint8_t)(name.length + value.length + 4);
    at = put_tag(at, LABEL_NAME, WIRE_BYTES);
    *at++ = (uint8_t)name.length;
    at = mempcpy(at, name.bytes, name.length);
    at = put_tag(at, LABEL_VALUE, WIRE_BYTES);
    *at++ = (uint8_t)value.length;
    return mempcpy(at, value.bytes, value.length);
}

static uint8_t *put_labels(uint8_t *at, const struct labels *labels)
{
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        at = put_label(at, c.label.name, c.label.value);
    return at;
}

static uint8_t *put_sample(uint8_t *at, const struct sample *sample)
{
    uint8_t *body = message_begin(at, TIME_SERIES_SAMPLES, 1);
    at = put_double(body, SAMPLE_VALUE, sample->value);
    at = put_unsigned(at, SAMPLE_TIMESTAMP, (uint64_t)sample->timestamp_ms);
    return message_end(body, at, 1);
}

static uint8_t *put_spans(uint8_t *at, unsigned field, const struct histogram_span *spans,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *body = message_begin(at, field, 1);
        at = put_unsigned(body, SPAN_OFFSET, varint_zigzag(spans[i].offset));
        at = put_unsigned(at, SPAN_LENGTH, spans[i].length);
        at = message_end(body, at, 1);
    }
    return at;
}

static uint8_t *put_deltas(uint8_t *at, unsigned field, const int64_t *deltas, size_t count)
{
    if (!count)
        return at;
    size_t length_width = varint_size(2 * count);
    uint8_t *body = message_begin(at, field, length_width);
    at = body;
    for (size_t i = 0; i < count; i++)
        at = varint_put(at, varint_zigzag(deltas[i]));
    return message_end(body, at, length_width);
}

static uint8_t *put_counts(uint8_t *at, unsigned field, const double *counts, size_t count)
{
    if (!count)
        return at;
    at = put_length(at, field, count * sizeof(double));
    for (size_t i = 0; i < count; i++)
        at = put_fixed64(at, counts[i]);
    return at;
}

/* The counts of a histogram are members of a oneof, which is written even where it is zero. */
static uint8_t *put_oneof_count(uint8_t *at, const struct histogram *h, unsigned integer_field,
                                uint64_t integer, double number)
{
    if (h->is_float) /* the field behind is the float one */
        return put_fixed64(put_tag(at, integer_field + 1, WIRE_FIXED64), number);
    return varint_put(put_tag(at, integer_field, WIRE_VARINT), integer);
}

static uint8_t *put_buckets(uint8_t *at, const struct histogram *h)
{
    at = put_spans(at, HISTOGRAM_NEGATIVE_SPANS, h->negative_spans, h->negative_span_count);
    if (h->is_float)
        at = put_counts(at, HISTOGRAM_NEGATIVE_COUNTS, h->negative_counts, h->negative_delta_count);
    else
        at = put_deltas(at, HISTOGRAM_NEGATIVE_DELTAS, h->negative_deltas, h->negative_delta_count);
    at = put_spans(at, HISTOGRAM_POSITIVE_SPANS, h->positive_spans, h->positive_span_count);
    if (h->is_float)
        return put_counts(at, HISTOGRAM_POSITIVE_COUNTS, h->positive_counts,
                          h->positive_delta_count);
    return put_deltas(at, HISTOGRAM_POSITIVE_DELTAS, h->positive_deltas, h->positive_delta_count);
}

static uint8_t *put_histogram(uint8_t *at, const struct histogram *h, int64_t timestamp_ms)
{
    uint8_t *body = message_begin(at, TIME_SERIES_HISTOGRAMS, 2);
    at = put_oneof_count(body, h, HISTOGRAM_COUNT_INT, h->count, h->count_float);
    at = put_double(at, HISTOGRAM_SUM, h->sum);
    at = put_unsigned(at, HISTOGRAM_SCHEMA, varint_zigzag(h->schema));
    at = put_double(at, HISTOGRAM_ZERO_THRESHOLD, h->zero_threshold);
    at = put_oneof_count(at, h, HISTOGRAM_ZERO_COUNT_INT, h->zero_count, h->zero_count_float);
    at = put_buckets(at, h);
    at = put_unsigned(at, HISTOGRAM_RESET_HINT, h->is_gauge ? RESET_HINT_GAUGE : 0);
    at = put_unsigned(at, HISTOGRAM_TIMESTAMP, (uint64_t)timestamp_ms);
    return message_end(body, at, 2);
}

static size_t longest_form(const struct labels *labels, const struct sample *sample)
{
    size_t size = MAX_MEMBER_HEAD + labels_size(labels) + labels_count(labels) * MAX_LABEL_HEADS +
                  MAX_SCALARS;
    if (sample->type == SAMPLE_HISTOGRAM) {
        const struct histogram *h = sample->histogram;
        size += ((size_t)h->positive_span_count + h->negative_span_count) * MAX_SPAN;
        size += ((size_t)h->positive_delta_count + h->negative_delta_count) * VARINT_MAX_BYTES;
        size += 2 * MAX_MEMBER_HEAD;
    }
    return size;
}

int encode_time_series(struct buffer *out, const struct labels *labels, const struct sample *sample)
{
    size_t room = longest_form(labels, sample);
    uint8_t *start = (uint8_t *)buffer_reserve(out, room);
    if (!start) {
        out->failed = false; /* told by the return value; what is in the buffer is whole */
        return out->length + room > out->maximum ? -E2BIG : -ENOMEM;
    }
    uint8_t *body = message_begin(start, WRITE_REQUEST_TIMESERIES, 2);
    uint8_t *at = put_labels(body, labels);
    if (sample->type == SAMPLE_FLOAT)
        at = put_sample(at, sample);
    else
        at = put_histogram(at, sample->histogram, sample->timestamp_ms);
    out->length += (size_t)(message_end(body, at, 2) - start);
    return 0;
}
