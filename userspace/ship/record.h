/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the queue in memory: the samples of one scrape or drain, about 10 bytes each.
 *
 *   record  varint number of samples, varint zigzag base timestamp, samples
 *   sample  varint head: bit 0 histogram, bit 1 own timestamp, from bit 2 zigzag of the difference
 *             between this series and the one before it in the record (the first: and 0)
 *           varint zigzag of timestamp - base, only with bit 1
 *           8 bytes: the float's bits, or the pointer to the histogram
 *
 * Pure: holds no references, knows nothing of segments and readers. */
#ifndef EDGEMETER_SHIP_RECORD_H
#define EDGEMETER_SHIP_RECORD_H

#include "model/sample.h"

/* Bytes of the record; `count` is at least 1. */
size_t record_size(const struct sample *samples, size_t count);
/* Writes record_size() bytes and returns their end. */
uint8_t *record_write(uint8_t *at, const struct sample *samples, size_t count);

/* A place at the start of a record or between two of its samples. A new one needs only `at`. */
struct record_cursor {
    const uint8_t *at;
    uint64_t left; /* samples of the record begun */
    int64_t base_ms;
    series_id series; /* of the sample before */
};

/* The sample at the cursor, which goes on to the next one, across records that lie side by side. */
void record_read(struct record_cursor *cursor, struct sample *out);

#endif
