/* SPDX-License-Identifier: Apache-2.0 */
/* One receiver: reads the queue at its own pace, deals the samples out to its shards, and has as
 * many of these as the load asks for. Other remotes never wait for it. */
#ifndef EDGEMETER_SHIP_REMOTE_H
#define EDGEMETER_SHIP_REMOTE_H

#include "ship/batch.h"
#include "ship/queue.h"
#include "ship/shipper.h"
#include "ship/shown_remote.h"

struct remote;

/* All of it outlives the remote. */
struct remote_environment {
    const struct shipper_environment *shipper;
    struct queue *queue;
    struct batch_builder *builder;
    void (*on_empty)(void *context); /* nothing waits and nothing is on its way any more */
    void *context;
};

/* The config is borrowed and outlives the remote. 0 or a negative errno. */
int remote_new(const struct remote_environment *environment,
               const struct remote_write_config *config, const char *name, struct remote **out);
/* Cancels what is on its way. */
void remote_free(struct remote **remote);

const char *remote_name(const struct remote *remote);

/* The record was appended to the queue just now; its newest sample has this timestamp. */
void remote_notify(struct remote *remote, const struct sample_record *record,
                   struct sample_counts appended, int64_t newest_ms);
/* From now on a batch waits for no deadline. A pause that has begun is waited for. */
void remote_flush(struct remote *remote);
/* Samples waiting and on their way. */
struct sample_counts remote_pending(const struct remote *remote);
/* Its texts are the remote's. */
void remote_show(const struct remote *remote, struct shown_remote *out);

#endif
