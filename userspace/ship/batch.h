/* SPDX-License-Identifier: Apache-2.0 */
/* One WriteRequest, ready to be sent as often as it takes: gathered from the queue, encoded,
 * compressed as one snappy block. Does not send. */
#ifndef EDGEMETER_SHIP_BATCH_H
#define EDGEMETER_SHIP_BATCH_H

#include "base/buffer.h"
#include "ship/encode.h"
#include "ship/queue.h"

/* Encoded. A batch that has reached FULL takes no more samples; a sample that alone is longer than
 * MAX cannot be sent. */
#define BATCH_FULL_BYTES (4 << 20)
#define BATCH_MAX_BYTES (8 << 20)

struct batch {
    struct buffer body; /* compressed */
    struct sample_counts samples;
    struct sample_counts unsendable; /* read from the queue, but not in the body */
    struct queue_position end;       /* behind the last sample */
    int64_t highest_timestamp_ms;
};

void batch_init(struct batch *batch);
void batch_free(struct batch *batch);
static inline bool batch_is_empty(const struct batch *batch)
{
    return sample_counts_sum(batch->samples) == 0;
}

/* Fills an empty batch with at most `max_samples`. The encoder's maximum is BATCH_MAX_BYTES. 0, or
 * why samples are in `unsendable`: -E2BIG (one sample alone is longer than BATCH_MAX_BYTES) or
 * -ENOMEM; the others are in the body all the same. */
int batch_gather(struct batch *batch, struct queue_reader *reader,
                 const struct series_table *series, uint32_t max_samples, struct encoder *encoder);
/* Empty again; the memory stays. */
void batch_clear(struct batch *batch);

#endif
