/* SPDX-License-Identifier: Apache-2.0 */
/* What a remote learns from its receiver, for all of its shards. */
#include "ship/remote_parts.h"

#include "base/clock.h"

int64_t remote_parts_least_ms(const struct remote_parts *parts)
{
    uint64_t limit_ns = parts->config->queue.sample_age_limit_ns;
    return limit_ns ? clock_wall_ms() - (int64_t)(limit_ns / NS_PER_MS) : INT64_MIN;
}

void remote_parts_fall_back(struct remote_parts *parts, int status, struct text message)
{
    if (parts->protocol == REMOTE_WRITE_V1)
        return;
    parts->protocol = REMOTE_WRITE_V1;
    remote_log_fall_back(&parts->log, status, message);
}

void remote_parts_send_less(struct remote_parts *parts, size_t items)
{
    uint32_t less = (uint32_t)(items / 2);
    if (less >= parts->samples_per_send)
        return;
    parts->samples_per_send = less ? less : 1;
    remote_log_too_large(&parts->log, items, parts->samples_per_send);
}

void remote_parts_send_more(struct remote_parts *parts)
{
    if (parts->samples_per_send < parts->config->queue.max_samples_per_send)
        parts->samples_per_send++;
}
