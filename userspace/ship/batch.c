/* SPDX-License-Identifier: Apache-2.0 */
/* From the queue to a compressed body. Keeps nothing of the samples but their numbers, so that the
 * queue may drop or release them while the batch is on its way. */
#include "ship/batch.h"

#include <errno.h>
#include <snappy-c.h>

/* Snappy's worst case. */
#define COMPRESSED_MAX_BYTES (BATCH_MAX_BYTES + BATCH_MAX_BYTES / 6 + 64)

void batch_init(struct batch *batch)
{
    *batch = (struct batch){};
    buffer_init(&batch->body, COMPRESSED_MAX_BYTES);
}

void batch_free(struct batch *batch)
{
    buffer_free(&batch->body);
}

void batch_clear(struct batch *batch)
{
    struct buffer body = batch->body;
    buffer_clear(&body);
    *batch = (struct batch){.body = body, .highest_timestamp_ms = INT64_MIN};
}

static void counts_add_one(struct sample_counts *counts, const struct sample *sample)
{
    if (sample->type == SAMPLE_HISTOGRAM)
        counts->histograms++;
    else
        counts->floats++;
}

static int batch_take(struct batch *batch, const struct sample *sample,
                      const struct series_table *series, struct encoder *encoder)
{
    const struct encode_entry entry = {
        .labels = series_table_labels(series, sample->series),
        .sample = sample,
    };
    int error = encoder_add(encoder, &entry);
    if (error) {
        counts_add_one(&batch->unsendable, sample);
        return error;
    }
    counts_add_one(&batch->samples, sample);
    if (sample->timestamp_ms > batch->highest_timestamp_ms)
        batch->highest_timestamp_ms = sample->timestamp_ms;
    return 0;
}

static int batch_compress(struct batch *batch, struct encoder *encoder)
{
    struct text encoded;
    if (encoder_finish(encoder, &encoded))
        return -ENOMEM;
    size_t length = snappy_max_compressed_length(encoded.length);
    char *room = buffer_reserve(&batch->body, length);
    if (!room || snappy_compress(encoded.bytes, encoded.length, room, &length) != SNAPPY_OK)
        return -ENOMEM;
    batch->body.length = length;
    return 0;
}

int batch_gather(struct batch *batch, struct queue_reader *reader,
                 const struct series_table *series, uint32_t max_samples, struct encoder *encoder)
{
    struct queue_sample read;
    int error = 0;
    batch_clear(batch);
    encoder_begin(encoder, REMOTE_WRITE_V1);
    while (sample_counts_sum(batch->samples) < max_samples &&
           encoder_length(encoder) < BATCH_FULL_BYTES && queue_reader_next(reader, &read)) {
        int refused = batch_take(batch, &read.sample, series, encoder);
        error = refused ? refused : error;
    }
    batch->end = queue_reader_position(reader);
    if (batch_is_empty(batch))
        return error;
    if (batch_compress(batch, encoder)) {
        batch->unsendable.floats += batch->samples.floats;
        batch->unsendable.histograms += batch->samples.histograms;
        batch->samples = (struct sample_counts){};
        error = -ENOMEM;
    }
    return error;
}
