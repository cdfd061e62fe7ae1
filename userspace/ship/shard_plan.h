/* SPDX-License-Identifier: Apache-2.0 */
/* How many shards a remote should have: Prometheus' formula, from moving averages over its last
 * ticks. Pure. */
#ifndef EDGEMETER_SHIP_SHARD_PLAN_H
#define EDGEMETER_SHIP_SHARD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define SHARD_PLAN_TICK_SECONDS 10

struct moving_rate {
    double per_second;
    bool begun; /* with the first tick that had any */
};

struct shard_plan {
    struct moving_rate in, out, dropped; /* samples */
    struct moving_rate busy;             /* seconds of sending, pauses included */
};

/* What happened since the tick before. */
struct shard_plan_tick {
    double in, out, dropped, busy;
};

struct shard_plan_state {
    uint32_t current, least, most;
    double behind_seconds; /* the newest sample known, less the newest one sent */
};

void shard_plan_tick(struct shard_plan *plan, const struct shard_plan_tick *tick);
/* The number to have; `desired` is what the load asks for before rounding and bounds, left as it is
 * where nothing was sent. */
uint32_t shard_plan_choose(const struct shard_plan *plan, const struct shard_plan_state *state,
                           double *desired);

#endif
