/* SPDX-License-Identifier: Apache-2.0 */
/* One receiver: gathers batches from the queue and posts them, one at a time and in order, again
 * and again while that may help. Other remotes never wait for it. */
#ifndef EDGEMETER_SHIP_REMOTE_H
#define EDGEMETER_SHIP_REMOTE_H

#include "ship/encode.h"
#include "ship/queue.h"
#include "ship/shipper.h"

#define REMOTE_RETRY_AFTER_MAX_NS (300 * UINT64_C(1000000000)) /* a longer Retry-After is cut */

struct remote;

/* All of it outlives the remote. */
struct remote_environment {
    const struct shipper_environment *shipper;
    struct queue *queue;
    struct encoder *encoder;         /* its maximum is BATCH_MAX_BYTES */
    void (*on_empty)(void *context); /* nothing waits and nothing is on its way any more */
    void *context;
};

/* The config is borrowed and outlives the remote. 0 or a negative errno. */
int remote_new(const struct remote_environment *environment,
               const struct remote_write_config *config, struct remote **out);
/* Cancels what is on its way. */
void remote_free(struct remote **remote);

/* Configured, or else made of the url: what the log and the metrics call this remote. */
const char *remote_name(const struct remote *remote);

/* Records were appended to the queue; the newest sample so far has this timestamp. */
void remote_notify(struct remote *remote, int64_t highest_timestamp_ms);
/* From now on a batch waits for no deadline. A backoff that has begun is waited for. */
void remote_flush(struct remote *remote);
/* Samples waiting and on their way. */
struct sample_counts remote_pending(const struct remote *remote);

#endif
