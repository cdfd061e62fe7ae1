/* SPDX-License-Identifier: Apache-2.0 */
/* prometheus.WriteRequest: nothing but its TimeSeries one after the other, each with all of its
 * labels. Most of the encoder's time goes into copying these. */
#include <errno.h>

#include "model/labels_packed.h"
#include "ship/encode_parts.h"
#include "ship/wire.h"

/* Field numbers of ship/remote.proto. */
enum {
    WRITE_REQUEST_TIMESERIES = 1,
    WRITE_REQUEST_METADATA = 3,
    TIME_SERIES_LABELS = 1,
    TIME_SERIES_SAMPLES = 2,
    TIME_SERIES_EXEMPLARS = 3,
    TIME_SERIES_HISTOGRAMS = 4,
    LABEL_NAME = 1,
    LABEL_VALUE = 2,
    EXEMPLAR_LABELS = 1,
    EXEMPLAR_VALUE = 2,
    EXEMPLAR_TIMESTAMP = 3,
    METADATA_TYPE = 1,
    METADATA_FAMILY = 2,
    METADATA_HELP = 4,
    METADATA_UNIT = 5,
};

#define FLOAT_ABOUT_BYTES 16 /* with its time */

static size_t text_member_size(struct text text)
{
    return 1 + varint_size(text.length) + text.length;
}

/* Nearly all labels are short: every length is one byte then. */
static uint8_t *put_label(uint8_t *at, unsigned field, struct text name, struct text value)
{
    if (name.length + value.length + 4 >= 0x80) {
        at = wire_length(at, field, text_member_size(name) + text_member_size(value));
        at = wire_text(at, LABEL_NAME, name);
        return wire_text(at, LABEL_VALUE, value);
    }
    at = wire_tag(at, field, WIRE_BYTES);
    *at++ = (uint8_t)(name.length + value.length + 4);
    at = wire_tag(at, LABEL_NAME, WIRE_BYTES);
    *at++ = (uint8_t)name.length;
    at = wire_copy(at, name.bytes, name.length);
    at = wire_tag(at, LABEL_VALUE, WIRE_BYTES);
    *at++ = (uint8_t)value.length;
    return wire_copy(at, value.bytes, value.length);
}

/* A pair is in memory what it is on the wire, and nearly always one or two pieces long. What a
 * piece has too much is written over, or in the room that is left. */
static uint8_t *put_pairs(uint8_t *at, const struct labels *labels)
{
    enum { PIECE = LABEL_PAIR_PIECE };
    const label_pair_id *id = labels_pairs(labels), *end = id + labels->count;
    for (; id < end; id++) {
        const struct label_pair *pair = label_pair_get(*id);
        memcpy(at, pair->wire, PIECE);
        if (pair->length > PIECE)
            memcpy(at + PIECE, pair->wire + PIECE, PIECE);
        if (pair->length > 2 * PIECE)
            memcpy(at + 2 * PIECE, pair->wire + 2 * PIECE, pair->length - 2 * PIECE);
        at += pair->length;
    }
    return at;
}

static uint8_t *put_labels(uint8_t *at, unsigned field, const struct labels *labels)
{
    if (labels->interned)
        return put_pairs(at, labels);
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        at = put_label(at, field, c.label.name, c.label.value);
    return at;
}

static size_t labels_room(const struct labels *labels)
{
    return labels->size + (size_t)labels->count * 3 * WIRE_HEAD_MAX_BYTES + LABEL_PAIR_PIECE;
}

static uint8_t *put_exemplar(uint8_t *at, const struct exemplar *exemplar)
{
    uint8_t *body = wire_message_begin(at, TIME_SERIES_EXEMPLARS, 1);
    at = put_labels(body, EXEMPLAR_LABELS, exemplar->labels);
    at = wire_double(at, EXEMPLAR_VALUE, exemplar->value);
    at = wire_unsigned(at, EXEMPLAR_TIMESTAMP, (uint64_t)exemplar->timestamp_ms);
    return wire_message_end(body, at, 1);
}

static size_t entry_room(const struct encode_entry *entry)
{
    size_t room =
        WIRE_HEAD_MAX_BYTES + labels_room(entry->labels) + encode_sample_room(entry->sample);
    for (size_t i = 0; i < entry->exemplar_count; i++)
        room += 3 * WIRE_HEAD_MAX_BYTES + labels_room(entry->exemplars[i].labels);
    return room;
}

/* Whether it will mostly be less than 128 bytes long: a label takes 4 more here than in its set. */
static bool is_short(const struct encode_entry *entry)
{
    const struct labels *labels = entry->labels;
    return labels->size - sizeof(*labels) + 4 * labels->count + FLOAT_ABOUT_BYTES < 0x80;
}

int encode_v1_add(struct buffer *series, const struct encode_entry *entry)
{
    int error = 0;
    uint8_t *start = encode_reserve(series, entry_room(entry), &error);
    if (!start)
        return error;
    size_t width = is_short(entry) ? 1 : 2;
    uint8_t *body = wire_message_begin(start, WRITE_REQUEST_TIMESERIES, width);
    uint8_t *at = put_labels(body, TIME_SERIES_LABELS, entry->labels);
    if (entry->sample->type == SAMPLE_FLOAT)
        at = encode_float(at, TIME_SERIES_SAMPLES, entry->sample, 0);
    for (size_t i = 0; i < entry->exemplar_count; i++)
        at = put_exemplar(at, &entry->exemplars[i]);
    if (entry->sample->type == SAMPLE_HISTOGRAM)
        at = encode_histogram(at, TIME_SERIES_HISTOGRAMS, entry->sample, 0);
    series->length += (size_t)(wire_message_end(body, at, width) - start);
    return 0;
}

int encode_v1_add_metadata(struct buffer *request, const struct metadata *metadata)
{
    int error = 0;
    size_t room = 5 * WIRE_HEAD_MAX_BYTES + metadata->family.length + metadata->help.length +
                  metadata->unit.length;
    uint8_t *start = encode_reserve(request, room, &error);
    if (!start)
        return error;
    uint8_t *body = wire_message_begin(start, WRITE_REQUEST_METADATA, 1);
    uint8_t *at = wire_unsigned(body, METADATA_TYPE, metadata->type);
    at = wire_optional_text(at, METADATA_FAMILY, metadata->family);
    at = wire_optional_text(at, METADATA_HELP, metadata->help);
    at = wire_optional_text(at, METADATA_UNIT, metadata->unit);
    request->length += (size_t)(wire_message_end(body, at, 1) - start);
    return 0;
}
