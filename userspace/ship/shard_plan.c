/* SPDX-License-Identifier: Apache-2.0 */
/* Enough shards to send what comes in, and a twentieth of the backlog in each second besides. */
#include "ship/shard_plan.h"

#include <math.h>

#define TICK_WEIGHT 0.2
#define BACKLOG_PER_SECOND 0.05
#define TOLERANCE 0.3 /* a change of less than this part is none */
#define NO_FEWER_BEHIND_SECONDS 10

static void rate_tick(struct moving_rate *rate, double events)
{
    double now = events / SHARD_PLAN_TICK_SECONDS;
    if (rate->begun) {
        rate->per_second += TICK_WEIGHT * (now - rate->per_second);
    } else if (events > 0) {
        rate->begun = true;
        rate->per_second = now;
    }
}

void shard_plan_tick(struct shard_plan *plan, const struct shard_plan_tick *tick)
{
    rate_tick(&plan->in, tick->in);
    rate_tick(&plan->out, tick->out);
    rate_tick(&plan->dropped, tick->dropped);
    rate_tick(&plan->busy, tick->busy);
}

uint32_t shard_plan_choose(const struct shard_plan *plan, const struct shard_plan_state *state,
                           double *desired)
{
    double out = plan->out.per_second;
    if (out <= 0)
        return state->current;
    double kept = out / (plan->dropped.per_second + out);
    double in = plan->in.per_second * kept;
    double seconds_per_sample = plan->busy.per_second / out;
    double pending = state->behind_seconds * in;
    *desired = seconds_per_sample * (in + BACKLOG_PER_SECOND * pending);

    double wanted = ceil(*desired);
    if (wanted >= state->current * (1 - TOLERANCE) && wanted <= state->current * (1 + TOLERANCE))
        return state->current;
    if (wanted < state->current && state->behind_seconds > NO_FEWER_BEHIND_SECONDS)
        return state->current;
    if (wanted > state->most)
        return state->most;
    return wanted < state->least ? state->least : (uint32_t)wanted;
}
