/* SPDX-License-Identifier: Apache-2.0 */
/* Written in one piece, read in two passes: spans and deltas go to arrays of their own first. */
#include "ship/log/histogram_code.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/log/value.h"

enum { FLAG_FLOAT = 1, FLAG_GAUGE = 2 };
enum { FIXED_MAX_BYTES = 1 + 2 * 8 + 8 * VARINT_MAX_BYTES, SPAN_MAX_BYTES = 2 * VARINT_MAX_BYTES };

static uint8_t *put_count(uint8_t *at, const struct histogram *h, uint64_t count, double as_float)
{
    return h->is_float ? put_double(at, as_float) : varint_put(at, count);
}

static uint8_t *put_spans(uint8_t *at, const struct histogram_span *spans, uint32_t count)
{
    at = varint_put(at, count);
    for (uint32_t i = 0; i < count; i++) {
        at = varint_put(at, varint_zigzag(spans[i].offset));
        at = varint_put(at, spans[i].length);
    }
    return at;
}

static uint8_t *put_deltas(uint8_t *at, const int64_t *deltas, uint32_t count)
{
    at = varint_put(at, count);
    for (uint32_t i = 0; i < count; i++)
        at = varint_put(at, varint_zigzag(deltas[i]));
    return at;
}

static uint8_t *put_doubles(uint8_t *at, const double *doubles, uint32_t count)
{
    at = varint_put(at, count);
    for (uint32_t i = 0; i < count; i++)
        at = put_double(at, doubles[i]);
    return at;
}

uint8_t histogram_value_code(const struct histogram *histogram)
{
    return histogram->schema == HISTOGRAM_CUSTOM_SCHEMA ? VALUE_CUSTOM_HISTOGRAM : VALUE_HISTOGRAM;
}

int histogram_put(struct buffer *out, const struct histogram *h)
{
    size_t spans = (size_t)h->positive_span_count + h->negative_span_count;
    size_t deltas = (size_t)h->positive_delta_count + h->negative_delta_count;
    size_t room = FIXED_MAX_BYTES + spans * SPAN_MAX_BYTES + deltas * VARINT_MAX_BYTES +
                  h->custom_value_count * sizeof(double);
    uint8_t *start = (uint8_t *)buffer_reserve(out, room);
    if (!start)
        return room > out->maximum - out->length ? -E2BIG : -ENOMEM;

    uint8_t *at = start;
    *at++ = (h->is_float ? FLAG_FLOAT : 0) | (h->is_gauge ? FLAG_GAUGE : 0);
    at = varint_put(at, varint_zigzag(h->schema));
    at = put_double(at, h->zero_threshold);
    at = put_double(at, h->sum);
    at = put_count(at, h, h->count, h->count_float);
    at = put_count(at, h, h->zero_count, h->zero_count_float);
    at = put_spans(at, h->positive_spans, h->positive_span_count);
    at = h->is_float ? put_doubles(at, h->positive_counts, h->positive_delta_count)
                     : put_deltas(at, h->positive_deltas, h->positive_delta_count);
    at = put_spans(at, h->negative_spans, h->negative_span_count);
    at = h->is_float ? put_doubles(at, h->negative_counts, h->negative_delta_count)
                     : put_deltas(at, h->negative_deltas, h->negative_delta_count);
    if (histogram_value_code(h) == VALUE_CUSTOM_HISTOGRAM)
        at = put_doubles(at, h->custom_values, h->custom_value_count);
    out->length += (size_t)(at - start);
    return 0;
}

/* NULL and a failed reader, or an array to be freed. Each item takes a byte at least, which bounds
 * what a wrong count can ask for. */
static void *get_array(struct byte_reader *reader, size_t item_bytes, uint32_t *count)
{
    uint64_t claimed = byte_reader_varint(reader);
    void *array = claimed <= byte_reader_left(reader) ? calloc(claimed + 1, item_bytes) : NULL;
    if (!array)
        byte_reader_fail(reader);
    *count = array ? (uint32_t)claimed : 0;
    return array;
}

static struct histogram_span *get_spans(struct byte_reader *reader, uint32_t *count)
{
    struct histogram_span *spans = get_array(reader, sizeof(*spans), count);
    for (uint32_t i = 0; i < *count; i++) {
        spans[i].offset = (int32_t)byte_reader_signed(reader);
        spans[i].length = (uint32_t)byte_reader_varint(reader);
    }
    return spans;
}

/* Of int64_t or double. */
static void *get_deltas(struct byte_reader *reader, bool is_float, uint32_t *count)
{
    int64_t *deltas = get_array(reader, sizeof(*deltas), count);
    double *counts = (double *)deltas;
    for (uint32_t i = 0; i < *count; i++) {
        if (is_float)
            counts[i] = byte_reader_double(reader);
        else
            deltas[i] = byte_reader_signed(reader);
    }
    return deltas;
}

static void get_count(struct byte_reader *reader, bool is_float, uint64_t *count, double *as_float)
{
    if (is_float)
        *as_float = byte_reader_double(reader);
    else
        *count = byte_reader_varint(reader);
}

struct histogram *histogram_get(struct byte_reader *reader, uint8_t value_code)
{
    uint8_t flags = byte_reader_u8(reader);
    struct histogram h = {.is_float = flags & FLAG_FLOAT, .is_gauge = flags & FLAG_GAUGE};
    h.schema = (int32_t)byte_reader_signed(reader);
    h.zero_threshold = byte_reader_double(reader);
    h.sum = byte_reader_double(reader);
    get_count(reader, h.is_float, &h.count, &h.count_float);
    get_count(reader, h.is_float, &h.zero_count, &h.zero_count_float);
    autofree struct histogram_span *positive_spans = get_spans(reader, &h.positive_span_count);
    autofree void *positive = get_deltas(reader, h.is_float, &h.positive_delta_count);
    autofree struct histogram_span *negative_spans = get_spans(reader, &h.negative_span_count);
    autofree void *negative = get_deltas(reader, h.is_float, &h.negative_delta_count);
    autofree void *bounds = value_code == VALUE_CUSTOM_HISTOGRAM
                                ? get_deltas(reader, true, &h.custom_value_count)
                                : NULL;
    if (value_code == VALUE_CUSTOM_HISTOGRAM && h.schema != HISTOGRAM_CUSTOM_SCHEMA)
        byte_reader_fail(reader);
    h.custom_values = bounds;
    h.positive_spans = positive_spans;
    h.positive_deltas = positive;
    h.negative_spans = negative_spans;
    h.negative_deltas = negative;
    return reader->failed ? NULL : histogram_new(&h);
}
