/* SPDX-License-Identifier: Apache-2.0 */
/* What of a shard's samples the receiver may have already: whole batches that were on their way
 * without an answer, from this process or the one before. Such a batch may have to go out again in
 * parts, and such a part may again stay without an answer: then the receiver may have that part and
 * not the rest. So no request goes beyond the end of any of them, and a refusal of what the
 * receiver has does not hit what it has not. Over a restart the outermost end alone is known. */
#ifndef EDGEMETER_SHIP_REPLAY_H
#define EDGEMETER_SHIP_REPLAY_H

#include "ship/queue.h"

#define REPLAY_DEPTH 16 /* parts of parts: each has at most half the samples */

struct replay {
    struct queue_position ends[REPLAY_DEPTH]; /* the outermost first; each before the one before */
    unsigned depth;                           /* 0: there is nothing of the kind */
};

static inline bool replay_is_on(const struct replay *replay)
{
    return replay->depth > 0;
}

/* Up to there all is sent apart from what is newer. */
static inline struct queue_position replay_end(const struct replay *replay)
{
    return replay->ends[0];
}

/* The next request ends there, or before. */
static inline struct queue_position replay_next_end(const struct replay *replay)
{
    return replay->ends[replay->depth - 1];
}

/* A batch from the begin of what is not done up to `end`. */
static inline void replay_add(struct replay *replay, struct queue_position end)
{
    bool is_inside = !replay->depth || queue_position_compare(end, replay_next_end(replay)) < 0;
    if (is_inside && replay->depth < REPLAY_DEPTH)
        replay->ends[replay->depth++] = end;
}

/* What lies before `begin` is done. */
static inline void replay_pass(struct replay *replay, struct queue_position begin)
{
    while (replay->depth && queue_position_compare(replay_next_end(replay), begin) <= 0)
        replay->depth--;
}

#endif
