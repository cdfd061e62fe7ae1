/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a record, as record.h describes them. Reads only what was written here: a cursor is
 * not checked against damage. */
#include "ship/record.h"

#include "ship/varint.h"

#define SAMPLE_MAX_BYTES (2 * VARINT_MAX_BYTES + 8)

enum { HEAD_HISTOGRAM = 1, HEAD_TIMESTAMP = 2, HEAD_SERIES_SHIFT = 2 };

_Static_assert(sizeof(double) == 8 && sizeof(struct histogram *) == 8,
               "a sample is stored as the 8 bytes of its union");

static uint8_t *put_record_head(uint8_t *at, const struct sample *samples, size_t count)
{
    at = varint_put(at, count);
    return varint_put(at, varint_zigzag(samples[0].timestamp_ms));
}

static uint8_t *put_sample(uint8_t *at, const struct sample *sample, const struct sample *first)
{
    series_id before = sample == first ? 0 : sample[-1].series;
    uint64_t head = varint_zigzag((int64_t)sample->series - before) << HEAD_SERIES_SHIFT;
    uint64_t offset_ms = (uint64_t)sample->timestamp_ms - (uint64_t)first->timestamp_ms;
    if (sample->type == SAMPLE_HISTOGRAM)
        head |= HEAD_HISTOGRAM;
    if (offset_ms)
        head |= HEAD_TIMESTAMP;
    at = varint_put(at, head);
    if (offset_ms)
        at = varint_put(at, varint_zigzag((int64_t)offset_ms));
    memcpy(at, &sample->value, 8);
    return at + 8;
}

size_t record_size(const struct sample *samples, size_t count)
{
    uint8_t scratch[SAMPLE_MAX_BYTES];
    size_t size = (size_t)(put_record_head(scratch, samples, count) - scratch);
    for (size_t i = 0; i < count; i++)
        size += (size_t)(put_sample(scratch, &samples[i], samples) - scratch);
    return size;
}

uint8_t *record_write(uint8_t *at, const struct sample *samples, size_t count)
{
    at = put_record_head(at, samples, count);
    for (size_t i = 0; i < count; i++)
        at = put_sample(at, &samples[i], samples);
    return at;
}

void record_read(struct record_cursor *cursor, struct sample *out)
{
    if (!cursor->left) {
        cursor->left = varint_get(&cursor->at);
        cursor->base_ms = varint_unzigzag(varint_get(&cursor->at));
        cursor->series = 0;
    }
    cursor->left--;
    uint64_t head = varint_get(&cursor->at);
    uint64_t offset_ms = 0;
    if (head & HEAD_TIMESTAMP)
        offset_ms = (uint64_t)varint_unzigzag(varint_get(&cursor->at));
    cursor->series += (series_id)varint_unzigzag(head >> HEAD_SERIES_SHIFT);
    out->series = cursor->series;
    out->type = head & HEAD_HISTOGRAM ? SAMPLE_HISTOGRAM : SAMPLE_FLOAT;
    out->timestamp_ms = (int64_t)((uint64_t)cursor->base_ms + offset_ms);
    memcpy(&out->value, cursor->at, 8);
    cursor->at += 8;
}
