/* SPDX-License-Identifier: Apache-2.0 */
/* io.prometheus.write.v2.Request: texts are numbers of symbols, which stand in the request once.
 * A symbol is looked for where the entry before had it, then in the hash. */
#include <errno.h>

#include "ship/encode_parts.h"
#include "ship/wire.h"

/* Field numbers of ship/remote_v2.proto. */
enum {
    REQUEST_TIMESERIES = 5,
    TIME_SERIES_LABELS_REFS = 1,
    TIME_SERIES_SAMPLES = 2,
    TIME_SERIES_HISTOGRAMS = 3,
    TIME_SERIES_EXEMPLARS = 4,
    TIME_SERIES_METADATA = 5,
    TIME_SERIES_CREATED_TIMESTAMP = 6,
    EXEMPLAR_LABELS_REFS = 1,
    EXEMPLAR_VALUE = 2,
    EXEMPLAR_TIMESTAMP = 3,
    METADATA_TYPE = 1,
    METADATA_HELP_REF = 3,
    METADATA_UNIT_REF = 4,
};

#define REF_MAX_BYTES 5

static int find_predicted(struct encoder *encoder, size_t position, struct text text,
                          uint32_t *number)
{
    if (position >= ENCODE_PREDICTED_REFS)
        return symbols_find(&encoder->symbols, text, number);
    uint32_t *previous = &encoder->previous_refs[position];
    if (position >= encoder->previous_count || !symbols_is(&encoder->symbols, *previous, text)) {
        int error = symbols_find(&encoder->symbols, text, previous);
        if (error)
            return error;
    }
    *number = *previous;
    return 0;
}

static int put_series_refs(struct encoder *encoder, uint8_t **at, const struct labels *labels)
{
    uint8_t *body = wire_message_begin(*at, TIME_SERIES_LABELS_REFS, 1), *end = body;
    size_t position = 0;
    uint32_t name, value;
    for (struct label_cursor c = labels_first(labels); labels_next(&c); position += 2) {
        int error = find_predicted(encoder, position, c.label.name, &name);
        if (!error)
            error = find_predicted(encoder, position + 1, c.label.value, &value);
        if (error) {
            encoder->previous_count = 0;
            return error;
        }
        end = varint_put(varint_put(end, name), value);
    }
    encoder->previous_count = position;
    *at = wire_message_end(body, end, 1);
    return 0;
}

static int put_exemplar(struct encoder *encoder, uint8_t **at, const struct exemplar *exemplar)
{
    uint8_t *body = wire_message_begin(*at, TIME_SERIES_EXEMPLARS, 1), *end = body;
    if (labels_count(exemplar->labels)) {
        uint8_t *refs = wire_message_begin(end, EXEMPLAR_LABELS_REFS, 1);
        uint32_t name, value;
        end = refs;
        for (struct label_cursor c = labels_first(exemplar->labels); labels_next(&c);) {
            int error = symbols_find(&encoder->symbols, c.label.name, &name);
            if (!error)
                error = symbols_find(&encoder->symbols, c.label.value, &value);
            if (error)
                return error;
            end = varint_put(varint_put(end, name), value);
        }
        end = wire_message_end(refs, end, 1);
    }
    end = wire_double(end, EXEMPLAR_VALUE, exemplar->value);
    end = wire_unsigned(end, EXEMPLAR_TIMESTAMP, (uint64_t)exemplar->timestamp_ms);
    *at = wire_message_end(body, end, 1);
    return 0;
}

/* Families come in runs, whose metadata is one struct. */
static int put_metadata(struct encoder *encoder, uint8_t **at, const struct metadata *metadata)
{
    if (metadata != encoder->previous_metadata) {
        encoder->previous_metadata = NULL;
        int error = symbols_find(&encoder->symbols, metadata->help, &encoder->previous_help);
        if (!error)
            error = symbols_find(&encoder->symbols, metadata->unit, &encoder->previous_unit);
        if (error)
            return error;
        encoder->previous_metadata = metadata;
    }
    uint8_t *body = wire_message_begin(*at, TIME_SERIES_METADATA, 1);
    uint8_t *end = wire_unsigned(body, METADATA_TYPE, metadata->type);
    end = wire_unsigned(end, METADATA_HELP_REF, encoder->previous_help);
    end = wire_unsigned(end, METADATA_UNIT_REF, encoder->previous_unit);
    *at = wire_message_end(body, end, 1);
    return 0;
}

static int put_entry(struct encoder *encoder, uint8_t **at, const struct encode_entry *entry)
{
    int error = 0;
    if (labels_count(entry->labels))
        error = put_series_refs(encoder, at, entry->labels);
    if (!error && entry->sample->type == SAMPLE_FLOAT)
        *at = encode_float(*at, TIME_SERIES_SAMPLES, entry->sample, entry->created_ms);
    else if (!error)
        *at = encode_histogram(*at, TIME_SERIES_HISTOGRAMS, entry->sample, entry->created_ms);
    for (size_t i = 0; i < entry->exemplar_count && !error; i++)
        error = put_exemplar(encoder, at, &entry->exemplars[i]);
    if (!error && entry->metadata)
        error = put_metadata(encoder, at, entry->metadata);
    /* Where receivers older than the sample's start_timestamp look for it. */
    if (!error)
        *at = wire_unsigned(*at, TIME_SERIES_CREATED_TIMESTAMP, (uint64_t)entry->created_ms);
    return error;
}

static size_t series_room(const struct encode_entry *entry)
{
    size_t room = 4 * WIRE_HEAD_MAX_BYTES + 2 * REF_MAX_BYTES * labels_count(entry->labels) +
                  encode_sample_room(entry->sample);
    for (size_t i = 0; i < entry->exemplar_count; i++)
        room +=
            4 * WIRE_HEAD_MAX_BYTES + 2 * REF_MAX_BYTES * labels_count(entry->exemplars[i].labels);
    return room + 4 * WIRE_HEAD_MAX_BYTES;
}

static size_t symbols_room(const struct encode_entry *entry)
{
    size_t room =
        labels_size(entry->labels) + 2 * WIRE_HEAD_MAX_BYTES * labels_count(entry->labels);
    for (size_t i = 0; i < entry->exemplar_count; i++)
        room += labels_size(entry->exemplars[i].labels) +
                2 * WIRE_HEAD_MAX_BYTES * labels_count(entry->exemplars[i].labels);
    if (entry->metadata)
        room +=
            entry->metadata->help.length + entry->metadata->unit.length + 2 * WIRE_HEAD_MAX_BYTES;
    return room;
}

int encode_v2_add(struct encoder *encoder, const struct encode_entry *entry)
{
    size_t room = series_room(entry);
    uint32_t empty;
    int error = encoder->symbols.count ? 0 : symbols_find(&encoder->symbols, TEXT(""), &empty);
    if (!error && encoder_length(encoder) + room + symbols_room(entry) > encoder->max_bytes)
        error = -E2BIG;
    uint8_t *start = error ? NULL : encode_reserve(&encoder->series, room, &error);
    if (!start)
        return error;
    uint8_t *body = wire_message_begin(start, REQUEST_TIMESERIES, 1), *at = body;
    error = put_entry(encoder, &at, entry);
    if (!error)
        encoder->series.length += (size_t)(wire_message_end(body, at, 1) - start);
    return error;
}
