/* SPDX-License-Identifier: Apache-2.0 */
/* io.prometheus.client.MetricFamily, each behind its length. A family of many metrics goes out in
 * several messages of one name, which readers take as they take any other. */
#include "serve/federate_protobuf.h"

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/exposition.pb-c.h"

#define MESSAGE_BYTES (16 * 1024) /* then a message ends */
#define VARINT_MAX 10

enum { FIELD_BYTES = 2, FIELD_VARINT = 0, FIELD_FIXED64 = 1 };

static void put_varint(struct buffer *out, uint64_t value)
{
    char bytes[VARINT_MAX];
    size_t length = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[length++] = (char)(value | 0x80);
    bytes[length++] = (char)value;
    buffer_append(out, bytes, length);
}

static void put_tag(struct buffer *out, unsigned field, unsigned wire_type)
{
    put_varint(out, field << 3 | wire_type);
}

static void put_bytes(struct buffer *out, unsigned field, struct text bytes)
{
    put_tag(out, field, FIELD_BYTES);
    put_varint(out, bytes.length);
    buffer_append_text(out, bytes);
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

/* ---- metrics ---- */

static void put_label(const struct federate_writer *writer, struct label label, struct buffer *out)
{
    autobuffer struct buffer escaped;
    struct text name = label.name;

    buffer_init(&escaped, writer->name.maximum);
    if (!label_name_is_legal(name)) {
        name_escape(writer->format->escaping, name, true, &escaped);
        name = buffer_text(&escaped);
    }
    put_tag(out, 1, FIELD_BYTES);
    put_varint(out, 2 + varint_size(name.length) + name.length + varint_size(label.value.length) +
                        label.value.length);
    put_bytes(out, 1, name);
    put_bytes(out, 2, label.value);
}

static void put_untyped(double value, struct buffer *out)
{
    put_tag(out, 5, FIELD_BYTES);
    put_varint(out, 1 + sizeof(value));
    put_tag(out, 1, FIELD_FIXED64);
    buffer_append(out, &value, sizeof(value));
}

static Exposition__BucketSpan *copy_spans(const struct histogram_span *spans, size_t count,
                                          Exposition__BucketSpan ***out)
{
    Exposition__BucketSpan *copies = calloc(count + 1, sizeof(*copies));

    *out = calloc(count + 1, sizeof(**out));
    for (size_t i = 0; copies && *out && i < count; i++) {
        exposition__bucket_span__init(&copies[i]);
        copies[i].offset = spans[i].offset;
        copies[i].length = spans[i].length;
        (*out)[i] = &copies[i];
    }
    return copies;
}

static void fill_buckets(const struct histogram *from, Exposition__Histogram *to)
{
    to->n_positive_span = from->positive_span_count;
    to->n_negative_span = from->negative_span_count;
    if (from->is_float) {
        to->sample_count_float = from->count_float;
        to->zero_count_float = from->zero_count_float;
        to->n_positive_count = from->positive_delta_count;
        to->positive_count = (double *)from->positive_counts;
        to->n_negative_count = from->negative_delta_count;
        to->negative_count = (double *)from->negative_counts;
    } else {
        to->sample_count = from->count;
        to->zero_count = from->zero_count;
        to->n_positive_delta = from->positive_delta_count;
        to->positive_delta = (int64_t *)from->positive_deltas;
        to->n_negative_delta = from->negative_delta_count;
        to->negative_delta = (int64_t *)from->negative_deltas;
    }
}

static void put_message(Exposition__Histogram *message, struct buffer *out)
{
    size_t size = exposition__histogram__get_packed_size(message);

    put_tag(out, 7, FIELD_BYTES);
    put_varint(out, size);
    char *room = buffer_reserve(out, size);
    if (room)
        out->length += exposition__histogram__pack(message, (uint8_t *)room);
}

/* What is in each bucket alone, by its number. */
static void fill_counts(const struct histogram *from, Exposition__Bucket *buckets, uint32_t count)
{
    uint32_t index = 0, stored = 0;
    int64_t integer = 0;

    for (uint32_t i = 0; i < from->positive_span_count; i++) {
        index += (uint32_t)from->positive_spans[i].offset;
        for (uint32_t k = 0; k < from->positive_spans[i].length; k++, index++, stored++) {
            if (index >= count || stored >= from->positive_delta_count)
                return;
            if (from->is_float)
                buckets[index].cumulative_count_float = from->positive_counts[stored];
            else
                buckets[index].cumulative_count =
                    (uint64_t)(integer += from->positive_deltas[stored]);
        }
    }
}

/* The format has no custom buckets: here they are the classic ones that they come from. */
static void put_classic(const struct histogram *histogram, struct buffer *out)
{
    Exposition__Histogram message = EXPOSITION__HISTOGRAM__INIT;
    uint32_t count = histogram->custom_value_count + 1;
    autofree Exposition__Bucket *buckets = calloc(count, sizeof(*buckets));
    autofree Exposition__Bucket **list = calloc(count, sizeof(*list));

    if (!buckets || !list) {
        out->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        exposition__bucket__init(&buckets[i]);
        buckets[i].upper_bound = i + 1 < count ? histogram->custom_values[i] : (double)INFINITY;
        list[i] = &buckets[i];
    }
    fill_counts(histogram, buckets, count);
    for (uint32_t i = 1; i < count; i++) {
        buckets[i].cumulative_count += buckets[i - 1].cumulative_count;
        buckets[i].cumulative_count_float += buckets[i - 1].cumulative_count_float;
    }
    message.n_bucket = count;
    message.bucket = list;
    message.sample_sum = histogram->sum;
    if (histogram->is_float)
        message.sample_count_float = histogram->count_float;
    else
        message.sample_count = histogram->count;
    put_message(&message, out);
}

static void put_native(const struct histogram *histogram, struct buffer *out)
{
    Exposition__Histogram message = EXPOSITION__HISTOGRAM__INIT;
    autofree Exposition__BucketSpan **positive, **negative;
    autofree Exposition__BucketSpan *positive_spans =
        copy_spans(histogram->positive_spans, histogram->positive_span_count, &positive);
    autofree Exposition__BucketSpan *negative_spans =
        copy_spans(histogram->negative_spans, histogram->negative_span_count, &negative);

    if (!positive || !negative || !positive_spans || !negative_spans) {
        out->failed = true;
        return;
    }
    message.schema = histogram->schema;
    message.zero_threshold = histogram->zero_threshold;
    message.sample_sum = histogram->sum;
    message.positive_span = positive;
    message.negative_span = negative;
    fill_buckets(histogram, &message);
    put_message(&message, out);
}

static void put_histogram(const struct histogram *histogram, struct buffer *out)
{
    if (histogram->schema == HISTOGRAM_CUSTOM_SCHEMA)
        put_classic(histogram, out);
    else
        put_native(histogram, out);
}

/* ---- families ---- */

void federate_protobuf_flush(struct federate_writer *writer, struct buffer *out)
{
    autobuffer struct buffer head, name;

    buffer_init(&head, writer->name.maximum);
    buffer_init(&name, writer->name.maximum);
    if (!writer->family.length)
        return;
    name_escape(writer->format->escaping, buffer_text(&writer->name), false, &name);
    put_bytes(&head, 1, buffer_text(&name));
    put_tag(&head, 3, FIELD_VARINT);
    put_varint(&head, (uint64_t)writer->family_type);
    put_varint(out, head.length + writer->family.length);
    buffer_append_text(out, buffer_text(&head));
    buffer_append_text(out, buffer_text(&writer->family));
    out->failed |= head.failed || name.failed || writer->family.failed || writer->metric.failed;
    buffer_clear(&writer->family);
}

static int type_of(const struct sample *sample)
{
    if (sample->type != SAMPLE_HISTOGRAM)
        return EXPOSITION__METRIC_TYPE__UNTYPED;
    return sample->histogram->is_gauge ? EXPOSITION__METRIC_TYPE__GAUGE_HISTOGRAM
                                       : EXPOSITION__METRIC_TYPE__HISTOGRAM;
}

void federate_protobuf_sample(struct federate_writer *writer, const struct labels *labels,
                              const struct sample *sample, struct buffer *out)
{
    struct text name = labels_get(labels, TEXT(LABEL_METRIC_NAME));
    struct buffer *metric = &writer->metric;

    if (type_of(sample) != writer->family_type || !text_equal(name, buffer_text(&writer->name)) ||
        writer->family.length > MESSAGE_BYTES)
        federate_protobuf_flush(writer, out);
    if (!writer->family.length) {
        buffer_clear(&writer->name);
        buffer_append_text(&writer->name, name);
        writer->family_type = type_of(sample);
    }
    buffer_clear(metric);
    for (struct federate_labels at = federate_labels_first(writer, labels);
         federate_labels_next(&at);)
        put_label(writer, at.label, metric);
    if (sample->type == SAMPLE_HISTOGRAM)
        put_histogram(sample->histogram, metric);
    else
        put_untyped(sample->value, metric);
    put_tag(metric, 6, FIELD_VARINT);
    put_varint(metric, (uint64_t)sample->timestamp_ms);
    put_bytes(&writer->family, 4, buffer_text(metric));
}
