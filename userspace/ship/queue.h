/* SPDX-License-Identifier: Apache-2.0 */
/* The log of samples not yet sent, one for all remotes: records are appended whole, every reader
 * has a place of its own, and what all readers have released is forgotten. Kept in memory, bounded
 * in bytes; beyond the bound the oldest samples are dropped. */
#ifndef EDGEMETER_SHIP_QUEUE_H
#define EDGEMETER_SHIP_QUEUE_H

#include "model/sample.h"

struct sample_counts {
    uint64_t floats;
    uint64_t histograms;
};

static inline uint64_t sample_counts_sum(struct sample_counts counts)
{
    return counts.floats + counts.histograms;
}

struct queue;
struct queue_reader;

/* `max_bytes` bounds the memory of the records, their histograms included. 0 or -ENOMEM. The table
 * outlives the queue. */
int queue_new(struct series_table *series, uint64_t max_bytes, struct queue **out);
/* All readers are closed by then. */
void queue_free(struct queue **queue);

/* Appends one record, with references of its own to the series and histograms; without a reader
 * nothing is kept. Makes room by dropping the oldest samples. A record that can not be kept at all
 * (-E2BIG: longer than max_bytes; -ENOMEM) counts as dropped for every reader. */
int queue_append(struct queue *queue, const struct sample *samples, size_t count);
/* Bytes of memory in use, at most max_bytes. */
uint64_t queue_bytes(const struct queue *queue);

/* Called from within queue_append with the samples dropped before this reader had read them; it may
 * not call into the queue. */
typedef void (*queue_drop_fn)(void *context, struct sample_counts dropped);

/* The reader begins behind what is in the log. 0 or -ENOMEM. */
int queue_reader_open(struct queue *queue, queue_drop_fn on_drop, void *context,
                      struct queue_reader **out);
/* Releases everything of this reader. */
void queue_reader_close(struct queue_reader **reader);

/* The next sample, in the order of appending; false at the end. The references stay the queue's:
 * the sample is valid until the next call that changes the queue. */
bool queue_reader_next(struct queue_reader *reader, struct sample *out);
/* A place in the log: how many samples lie before the next one. Never goes back. */
uint64_t queue_reader_position(const struct queue_reader *reader);
/* This reader will not need again what lies before `position`, one it has had before. */
void queue_reader_release(struct queue_reader *reader, uint64_t position);
/* What queue_reader_next would still give. */
struct sample_counts queue_reader_unread(const struct queue_reader *reader);

#endif
