/* SPDX-License-Identifier: Apache-2.0 */
/* One of a remote's shards: takes the samples of its series in order, cuts them into batches and
 * has them sent one at a time. Which samples are its own is the remote's business. */
#ifndef EDGEMETER_SHIP_SHARD_H
#define EDGEMETER_SHIP_SHARD_H

#include "ship/remote_parts.h"

struct shard;

struct shard_owner {
    /* A batch has ended, or its deadline has passed: shard_wake is due, but not from inside. */
    void (*on_idle)(void *context);
    void *context;
};

/* `number` of the reader's shards, whose range says where it begins, and whether a batch of the
 * process before is to be sent again. 0 or -ENOMEM. */
int shard_new(struct remote_parts *parts, struct queue_reader *reader, uint32_t number,
              const struct shard_owner *owner, struct shard **out);
/* Cancels what is on its way. */
void shard_free(struct shard **shard);

/* Whether the sample that ends there was done in the process before. */
bool shard_has_had(const struct shard *shard, struct queue_position end);
/* Takes a sample that was read, as one of `series`. 0 or -ENOMEM. */
int shard_push(struct shard *shard, const struct queue_sample *sample, series_id series);
/* Takes all floats of a record, which ends there. 0 or -ENOMEM. */
int shard_push_floats(struct shard *shard, const struct sample *samples, size_t count,
                      struct queue_position end);
/* How many more samples it could use now, while nothing is on its way and no batch is full. */
size_t shard_room(const struct shard *shard);
/* Whether it is hungry enough for so many samples at once: a batch, and the begin of another. */
bool shard_takes(const struct shard *shard, size_t samples);
static inline bool shard_is_hungry(const struct shard *shard)
{
    return shard_room(shard) > 0;
}
/* Not all of the batch that the process before had on its way has been read again. */
bool shard_misses_replay(const struct shard *shard, struct queue_position read);
/* It holds as many samples as it may. */
bool shard_is_full(const struct shard *shard);
/* Nothing in it, nothing on its way. */
bool shard_is_empty(const struct shard *shard);
/* Samples in it, those on their way included. */
struct sample_counts shard_pending(const struct shard *shard);

/* Of these, those that are not in the queue any more. */
struct sample_counts shard_alone_has(const struct shard *shard);

/* Sends a batch if one is due: full, past its deadline, or `at_once`. To be called after samples
 * were pushed, with the place up to which the queue has been read. */
void shard_wake(struct shard *shard, struct queue_position read, bool at_once);

#endif
