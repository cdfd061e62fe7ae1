/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of one shard, read from the queue and not yet done, in order. Holds references and copies
 * of its own, so that the queue may go on. */
#ifndef EDGEMETER_SHIP_PENDING_H
#define EDGEMETER_SHIP_PENDING_H

#include "ship/queue.h"

/* What few samples have. */
struct pending_extra {
    int64_t created_ms; /* 0: not known */
    size_t exemplar_count;
    struct exemplar exemplars[]; /* their labels are inside the allocation */
};

struct pending_item {
    struct sample sample;
    struct queue_position end;   /* behind it */
    const struct labels *labels; /* of the series, which is held */
    struct pending_extra *extra; /* NULL: nothing */
    bool left_out;               /* counted as dropped: in no request any more */
};

struct pending {
    struct series_table *series;
    struct pending_item *items; /* the first one is at `first` */
    size_t first, count, capacity;
    struct sample_counts counts; /* without those left out */
};

void pending_init(struct pending *pending, struct series_table *series);
void pending_free(struct pending *pending);

/* Takes the sample as one of `series`; without exemplars where they are not wanted. 0 or -ENOMEM.
 */
int pending_push(struct pending *pending, const struct queue_sample *sample, series_id series,
                 bool with_exemplars);
/* Takes floats that came as one record, which ends there. 0 or -ENOMEM. */
int pending_push_floats(struct pending *pending, const struct sample *samples, size_t count,
                        struct queue_position end);
/* One of them will not be sent. */
void pending_leave_out(struct pending *pending, size_t index);
/* Adds one of them to the counts, unless it is left out. */
void pending_count(const struct pending *pending, size_t index, struct sample_counts *counts);
/* Forgets the first `count`. */
void pending_drop(struct pending *pending, size_t count);

static inline const struct pending_item *pending_at(const struct pending *pending, size_t index)
{
    return &pending->items[pending->first + index];
}

#endif
