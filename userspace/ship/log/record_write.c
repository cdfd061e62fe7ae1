/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionary, samples and what is beside them grow in buffers of their own; a sample that does not
 * fit is taken back from all of them. */
#include "ship/log/record_write.h"

#include <errno.h>

#include "ship/log/histogram_code.h"
#include "ship/log/label_code.h"
#include "ship/log/log_format.h"
#include "ship/log/value.h"

#define PART_MAX_BYTES (RECORD_MAX_BYTES / 3 - 1024)
#define HEAD_MAX_BYTES (1 + 8 * VARINT_MAX_BYTES)
#define SAMPLE_HEAD_MAX_BYTES (1 + 2 * VARINT_MAX_BYTES + VALUE_MAX_BYTES)
#define BESIDE_HEAD_MAX_BYTES (1 + 3 * VARINT_MAX_BYTES + 8)

/* What a sample is told by: those before it. */
struct trail {
    int64_t timestamp_ms;
    double value;
    uint32_t number;       /* of the series */
    uint32_t beside_index; /* of the last sample that has something beside it */
};

/* A record while it is made. */
struct making {
    struct record_writer *writer;
    struct dictionary *dictionary;
    const struct sample_record *record;
    struct record_payload *payload;
    int64_t base_ms;
    uint32_t first_number; /* of the series that are new */
    struct trail trail;
};

void record_writer_init(struct record_writer *writer)
{
    dictionary_writer_init(&writer->dictionary_writer);
    buffer_init(&writer->head, HEAD_MAX_BYTES);
    buffer_init(&writer->dictionary, PART_MAX_BYTES);
    buffer_init(&writer->samples, PART_MAX_BYTES);
    buffer_init(&writer->beside, PART_MAX_BYTES);
}

void record_writer_free(struct record_writer *writer)
{
    dictionary_writer_free(&writer->dictionary_writer);
    buffer_free(&writer->head);
    buffer_free(&writer->dictionary);
    buffer_free(&writer->samples);
    buffer_free(&writer->beside);
}

static int reserve(struct buffer *out, size_t room, uint8_t **at)
{
    bool there = out->bytes && out->capacity - out->length >= room; /* for nearly every sample */
    *at = (uint8_t *)(there ? out->bytes + out->length : buffer_reserve(out, room));
    if (*at)
        return 0;
    return room > out->maximum - out->length ? -E2BIG : -ENOMEM;
}

static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* What is before the value; *flags is what the first byte says of it. */
static inline uint8_t *put_head(struct trail *trail, uint8_t *at, const struct sample *sample,
                                uint32_t number, uint8_t *flags)
{
    uint32_t expected = trail->number + 1;
    *flags = 0;
    if (number != expected) {
        *flags |= SAMPLE_OWN_SERIES;
        at = varint_put(at, varint_zigzag((int64_t)number - expected));
    }
    if (sample->timestamp_ms != trail->timestamp_ms) {
        *flags |= SAMPLE_OWN_TIMESTAMP;
        at = varint_put(at, varint_zigzag(difference(sample->timestamp_ms, trail->timestamp_ms)));
    }
    trail->number = number;
    trail->timestamp_ms = sample->timestamp_ms;
    return at;
}

static inline uint8_t *put_float(struct trail *trail, uint8_t *start, const struct sample *sample,
                                 uint32_t number)
{
    uint8_t flags, *at = put_head(trail, start + 1, sample, number, &flags);
    *start = flags | value_put(&at, sample->value, trail->value);
    trail->value = sample->value;
    return at;
}

static int put_sample(struct making *m, const struct sample *sample, uint32_t number)
{
    struct buffer *out = &m->writer->samples;
    uint8_t *start, flags;
    int error = reserve(out, SAMPLE_HEAD_MAX_BYTES, &start);
    if (error)
        return error;
    if (sample->type == SAMPLE_HISTOGRAM) {
        uint8_t *at = put_head(&m->trail, start + 1, sample, number, &flags);
        *start = flags | histogram_value_code(sample->histogram);
        out->length += (size_t)(at - start);
        return histogram_put(out, sample->histogram);
    }
    out->length += (size_t)(put_float(&m->trail, start, sample, number) - start);
    m->payload->ended += sample_is_stale(sample);
    return 0;
}

static uint8_t *put_beside_head(struct making *m, uint8_t *at, uint8_t what)
{
    at = varint_put(at, m->payload->samples - m->trail.beside_index);
    *at++ = what;
    m->trail.beside_index = m->payload->samples;
    return at;
}

static int put_exemplar(struct making *m, const struct exemplar *exemplar)
{
    struct buffer *out = &m->writer->beside;
    struct buffer *labels = &m->writer->dictionary_writer.current; /* free between definitions */
    uint8_t *start;
    buffer_clear(labels);
    int error = label_bytes_put(labels, exemplar->labels);
    if (!error)
        error = reserve(out, BESIDE_HEAD_MAX_BYTES + labels->length, &start);
    if (error)
        return error;
    uint8_t *at = put_beside_head(m, start, BESIDE_EXEMPLAR);
    at = varint_put(at, varint_zigzag(difference(exemplar->timestamp_ms, m->base_ms)));
    at = put_double(at, exemplar->value);
    at = varint_put(at, labels->length);
    out->length += (size_t)(at - start);
    return buffer_append(out, labels->bytes, labels->length);
}

static int put_created(struct making *m, int64_t created_ms)
{
    struct buffer *out = &m->writer->beside;
    uint8_t *start;
    int error = reserve(out, BESIDE_HEAD_MAX_BYTES, &start);
    if (error)
        return error;
    uint8_t *at = put_beside_head(m, start, BESIDE_CREATED);
    at = varint_put(at, varint_zigzag(difference(m->base_ms, created_ms)));
    out->length += (size_t)(at - start);
    return 0;
}

static const struct exemplar *next_exemplar(const struct sample_record *record,
                                            const struct record_progress *progress)
{
    bool there = progress->exemplar < record->exemplar_count &&
                 record->exemplars[progress->exemplar].sample <= progress->sample;
    return there ? &record->exemplars[progress->exemplar] : NULL;
}

static const struct sample_created *next_created(const struct sample_record *record,
                                                 const struct record_progress *progress)
{
    bool there = progress->created < record->created_count &&
                 record->created[progress->created].sample <= progress->sample;
    return there ? &record->created[progress->created] : NULL;
}

static int put_beside(struct making *m, struct record_progress *progress)
{
    const struct exemplar *exemplar;
    const struct sample_created *created;
    const size_t most = progress->exemplar + EXEMPLARS_MAX;
    int error = 0;
    for (; !error && (exemplar = next_exemplar(m->record, progress)); progress->exemplar++) {
        if (progress->exemplar >= most)
            continue;
        error = put_exemplar(m, exemplar);
        m->payload->counts.exemplars++;
    }
    for (; !error && (created = next_created(m->record, progress)); progress->created++)
        error = put_created(m, created->created_ms);
    return error;
}

static void count_sample(struct sample_counts *counts, const struct sample *sample)
{
    *(sample->type == SAMPLE_HISTOGRAM ? &counts->histograms : &counts->floats) += 1;
}

static void leave_out(const struct sample_record *record, struct record_progress *progress,
                      struct sample_counts *counts)
{
    count_sample(counts, &record->samples[progress->sample]);
    for (; next_exemplar(record, progress); progress->exemplar++)
        counts->exemplars++;
    while (next_created(record, progress))
        progress->created++;
}

/* A sample with all that belongs to it, or nothing. */
static int put_next(struct making *m, struct record_progress *progress)
{
    struct record_writer *w = m->writer;
    const struct sample *sample = &m->record->samples[progress->sample];
    const struct trail trail = m->trail;
    const size_t exemplar = progress->exemplar;
    const uint64_t exemplars = m->payload->counts.exemplars;
    const uint32_t ended = m->payload->ended;
    size_t samples_length = w->samples.length, beside_length = w->beside.length;
    uint32_t number;

    int error = dictionary_number(&w->dictionary_writer, m->dictionary, sample->series,
                                  &w->dictionary, &number);
    if (!error)
        error = put_sample(m, sample, number);
    if (!error)
        error = put_beside(m, progress);
    if (error) {
        m->trail = trail;
        progress->exemplar = exemplar;
        m->payload->counts.exemplars = exemplars;
        m->payload->ended = ended;
        w->samples.length = samples_length;
        w->beside.length = beside_length;
        leave_out(m->record, progress,
                  error == -E2BIG ? &progress->too_large : &progress->no_memory);
        return error;
    }
    m->payload->samples++;
    count_sample(&m->payload->counts, sample);
    progress->too_large.exemplars +=
        progress->exemplar - exemplar - (m->payload->counts.exemplars - exemplars);
    return 0;
}

static bool is_full(const struct record_writer *writer)
{
    return writer->dictionary.length + writer->samples.length + writer->beside.length >=
           RECORD_FULL_BYTES;
}

/* Floats of series that have a number, in a record with nothing beside its samples: as many as
 * there is room for without asking. Nothing can go wrong with these, which are nearly all. */
static void put_plain(struct making *m, struct record_progress *progress)
{
    const struct dictionary_writer *numbers = &m->writer->dictionary_writer;
    struct buffer *out = &m->writer->samples;
    const struct sample *first = &m->record->samples[progress->sample], *sample = first;
    const struct sample *end = m->record->samples + m->record->count;
    size_t defined = m->writer->dictionary.length, room = out->capacity;
    uint8_t *begin = (uint8_t *)out->bytes, *at = begin + out->length;
    struct trail trail = m->trail;
    uint32_t number;

    if (!begin || defined >= RECORD_FULL_BYTES || m->record->exemplar_count ||
        m->record->created_count)
        return;
    if (room > RECORD_FULL_BYTES - defined)
        room = RECORD_FULL_BYTES - defined;
    for (; sample < end && sample->type == SAMPLE_FLOAT &&
           (size_t)(at - begin) + SAMPLE_HEAD_MAX_BYTES <= room &&
           dictionary_writer_finds(numbers, m->dictionary, sample->series, &number);
         sample++) {
        at = put_float(&trail, at, sample, number);
        m->payload->ended += sample_is_stale(sample);
    }
    m->trail = trail;
    out->length = (size_t)(at - begin);
    m->payload->samples += (uint32_t)(sample - first);
    m->payload->counts.floats += (uint64_t)(sample - first);
    progress->sample += (size_t)(sample - first);
}

static void finish(struct making *m)
{
    struct record_writer *w = m->writer;
    struct record_payload *out = m->payload;
    uint8_t *start = (uint8_t *)w->head.bytes, *at = start;
    *at++ = RECORD_SAMPLES;
    at = varint_put(at, out->samples);
    at = varint_put(at, out->counts.histograms);
    at = varint_put(at, out->counts.exemplars);
    at = varint_put(at, varint_zigzag(m->base_ms));
    at = varint_put(at, m->first_number);
    at = varint_put(at, m->dictionary->series_count - m->first_number);
    at = varint_put(at, w->dictionary.length);
    at = varint_put(at, w->samples.length);
    w->head.length = (size_t)(at - start);

    out->definition_bytes = (uint32_t)w->dictionary.length;
    const struct buffer *parts[RECORD_PARTS] = {&w->head, &w->dictionary, &w->samples, &w->beside};
    for (size_t i = 0; i < RECORD_PARTS; i++) {
        out->parts[i] = (struct iovec){parts[i]->bytes, parts[i]->length};
        out->length += (uint32_t)parts[i]->length;
    }
}

static int begin(struct record_writer *w)
{
    uint8_t *head;
    dictionary_writer_begin(&w->dictionary_writer);
    buffer_clear(&w->head);
    buffer_clear(&w->dictionary);
    buffer_clear(&w->samples);
    buffer_clear(&w->beside);
    return reserve(&w->head, HEAD_MAX_BYTES, &head);
}

bool record_write_next(struct record_writer *writer, struct dictionary *dictionary,
                       const struct sample_record *record, struct record_progress *progress,
                       struct record_payload *out)
{
    *out = (struct record_payload){};
    if (progress->sample == record->count)
        return false;
    int64_t base_ms = record->samples[progress->sample].timestamp_ms;
    struct making m = {
        .writer = writer,
        .dictionary = dictionary,
        .record = record,
        .payload = out,
        .base_ms = base_ms,
        .first_number = dictionary->series_count,
        .trail = {.timestamp_ms = base_ms, .number = UINT32_MAX},
    };
    int error = begin(writer);
    while (progress->sample < record->count && !is_full(writer)) {
        if (error)
            leave_out(record, progress, &progress->no_memory);
        else
            put_next(&m, progress);
        progress->sample++;
        if (!error)
            put_plain(&m, progress);
    }
    if (out->samples || writer->dictionary.length)
        finish(&m);
    return true;
}
