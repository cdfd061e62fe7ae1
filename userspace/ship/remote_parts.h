/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of one remote share: its shards, its senders, its metadata. Private to them. */
#ifndef EDGEMETER_SHIP_REMOTE_PARTS_H
#define EDGEMETER_SHIP_REMOTE_PARTS_H

#include "ship/batch.h"
#include "ship/remote_log.h"
#include "ship/remote_metrics.h"
#include "ship/shipper.h"

struct remote_parts {
    const struct shipper_environment *environment;
    const struct remote_write_config *config;
    struct batch_builder *builder;
    enum remote_write_protocol protocol; /* as configured, until the receiver cannot read it */
    uint32_t samples_per_send;           /* as configured, less after a 413 */
    struct remote_log log;
    struct remote_metrics metrics;

    uint64_t paced_until_ns;   /* max_bytes_per_second: nothing is sent before */
    uint64_t failing_until_ns; /* a retry was due: no change of the shards before */
    uint64_t last_finished_ns; /* 0: nothing was */

    /* Since the last tick of the shard plan. */
    struct {
        double in, out, dropped; /* samples and exemplars */
        double seconds;          /* from the first attempt to the end, of each batch */
    } since_tick;
};

/* Samples before this are too old to be sent; INT64_MIN: none is. */
int64_t remote_parts_least_ms(const struct remote_parts *parts);
/* The receiver cannot read 2.0: from now on 1.0 is sent. `status` is its answer. */
void remote_parts_fall_back(struct remote_parts *parts, int status, struct text message);
/* A request of `items` samples was too large: from now on at most half as many at once. */
void remote_parts_send_less(struct remote_parts *parts, size_t items);
/* A request was taken: slowly back to what is configured. */
void remote_parts_send_more(struct remote_parts *parts);

#endif
