/* SPDX-License-Identifier: Apache-2.0 */
/* Three cursors into one payload: definitions, samples, and what is beside them. */
#include "ship/log/record_read.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/log/histogram_code.h"
#include "ship/log/label_code.h"
#include "ship/log/log_format.h"
#include "ship/log/value.h"

static void forget_sample(struct record_reader *reader)
{
    if (!reader->exemplar_count && !reader->histogram)
        return;
    for (size_t i = 0; i < reader->exemplar_count; i++)
        free((struct labels *)reader->exemplars[i].labels);
    reader->exemplar_count = 0;
    histogram_release(TAKE_PTR(reader->histogram));
}

void record_reader_free(struct record_reader *reader)
{
    forget_sample(reader);
    free(reader->exemplars);
    labels_builder_free(&reader->builder);
    *reader = (struct record_reader){};
}

static void read_beside_head(struct record_reader *reader)
{
    struct beside *next = &reader->next_beside;
    next->there = byte_reader_left(&reader->beside) > 0;
    if (!next->there)
        return;
    uint64_t step = byte_reader_varint(&reader->beside);
    next->what = byte_reader_u8(&reader->beside);
    next->index += (uint32_t)step;
    if (step > reader->sample_count || next->index >= reader->sample_count)
        byte_reader_fail(&reader->beside);
}

static struct byte_reader section(struct byte_reader *in, uint64_t length)
{
    const uint8_t *bytes = byte_reader_bytes(in, length);
    return byte_reader_of(bytes ? bytes : in->end, bytes ? length : 0);
}

int record_read_begin(struct record_reader *reader, const uint8_t *payload, size_t length,
                      const struct dictionary *dictionary)
{
    struct byte_reader in = byte_reader_of(payload, length);
    forget_sample(reader);
    bool is_samples = byte_reader_u8(&in) == RECORD_SAMPLES;
    uint64_t samples = byte_reader_varint(&in);
    reader->counts.histograms = byte_reader_varint(&in);
    reader->counts.exemplars = byte_reader_varint(&in);
    reader->timestamp_ms = reader->base_ms = byte_reader_signed(&in);
    reader->first_number = (uint32_t)byte_reader_varint(&in);
    reader->defined = (uint32_t)byte_reader_varint(&in);
    uint64_t definition_bytes = byte_reader_varint(&in);
    uint64_t sample_bytes = byte_reader_varint(&in);
    reader->definitions = section(&in, definition_bytes);
    reader->samples = section(&in, sample_bytes);
    reader->beside = in;
    if (in.failed || !is_samples || samples > sample_bytes || reader->counts.histograms > samples)
        return -EBADMSG;
    reader->counts.floats = samples - reader->counts.histograms;
    reader->dictionary = dictionary;
    reader->sample_count = (uint32_t)samples;
    reader->index = 0;
    reader->number = UINT32_MAX;
    reader->value = 0;
    reader->next_beside = (struct beside){};
    read_beside_head(reader);
    return 0;
}

static int read_exemplar(struct record_reader *reader)
{
    struct exemplar exemplar = {.sample = reader->next_beside.index};
    struct labels *labels;
    exemplar.timestamp_ms =
        (int64_t)((uint64_t)reader->base_ms + (uint64_t)byte_reader_signed(&reader->beside));
    exemplar.value = byte_reader_double(&reader->beside);
    struct text bytes = byte_reader_text(&reader->beside);
    if (reader->beside.failed || reader->exemplar_count == EXEMPLARS_MAX)
        return -EBADMSG;
    if (reader->exemplar_count == reader->exemplar_capacity) {
        size_t capacity = 2 * reader->exemplar_capacity + 1;
        struct exemplar *grown = realloc(reader->exemplars, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        reader->exemplars = grown;
        reader->exemplar_capacity = capacity;
    }
    if (!reader->builder && labels_builder_new(&reader->builder))
        return -ENOMEM;
    int error = label_bytes_get(bytes, reader->builder, &labels);
    if (error)
        return error;
    exemplar.labels = labels;
    reader->exemplars[reader->exemplar_count++] = exemplar;
    return 0;
}

/* What belongs to the sample at `index`. An exemplar that does not fit in memory is left out. */
static int read_beside(struct record_reader *reader, struct queue_sample *out)
{
    struct beside *next = &reader->next_beside;
    if (!next->there || next->index > reader->index)
        return 0;
    while (next->there && next->index <= reader->index) {
        int error = 0;
        if (next->what == BESIDE_EXEMPLAR)
            error = read_exemplar(reader);
        else if (next->what == BESIDE_CREATED)
            out->created_ms = (int64_t)((uint64_t)reader->base_ms -
                                        (uint64_t)byte_reader_signed(&reader->beside));
        else
            error = -EBADMSG;
        read_beside_head(reader);
        if (error == -EBADMSG || reader->beside.failed)
            return -EBADMSG;
    }
    out->exemplars = reader->exemplars;
    out->exemplar_count = reader->exemplar_count;
    return 0;
}

static int read_value(struct record_reader *reader, uint8_t code, struct sample *out)
{
    if (code == VALUE_HISTOGRAM || code == VALUE_CUSTOM_HISTOGRAM) {
        out->type = SAMPLE_HISTOGRAM;
        reader->histogram = histogram_get(&reader->samples, code);
        out->histogram = reader->histogram;
        if (!out->histogram && !reader->samples.failed)
            return -ENOMEM;
    } else {
        out->type = SAMPLE_FLOAT;
        out->value = value_get(&reader->samples, code, reader->value);
        reader->value = out->value;
    }
    return reader->samples.failed ? -EBADMSG : 0;
}

static int read_sample(struct record_reader *reader, struct queue_sample *out)
{
    uint8_t head = byte_reader_u8(&reader->samples);
    uint64_t number = (uint32_t)(reader->number + 1);
    if (head & SAMPLE_OWN_SERIES)
        number += (uint64_t)byte_reader_signed(&reader->samples);
    if (head & SAMPLE_OWN_TIMESTAMP)
        reader->timestamp_ms = (int64_t)((uint64_t)reader->timestamp_ms +
                                         (uint64_t)byte_reader_signed(&reader->samples));
    reader->number = (uint32_t)number;
    out->sample.timestamp_ms = reader->timestamp_ms;
    int error = read_value(reader, head & SAMPLE_VALUE_MASK, &out->sample);
    if (error == -EBADMSG || number > UINT32_MAX)
        return -EBADMSG;
    if (read_beside(reader, out))
        return -EBADMSG;
    reader->index++;
    if (error)
        return error;
    out->sample.series = dictionary_series(reader->dictionary, reader->number);
    if (out->sample.series)
        return 0;
    return reader->dictionary->incomplete ? -ENOMEM : -ENOENT;
}

int record_read_next(struct record_reader *reader, struct queue_sample *out)
{
    forget_sample(reader);
    *out = (struct queue_sample){};
    return read_sample(reader, out);
}
