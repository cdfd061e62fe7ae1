/* SPDX-License-Identifier: Apache-2.0 */
/* Takes records of samples and sends them to every remote over remote write, oldest first, with
 * retry and backoff. */
#ifndef EDGEMETER_SHIP_SHIPPER_H
#define EDGEMETER_SHIP_SHIPPER_H

#include "base/http/http_client.h"
#include "base/loop.h"
#include "model/metric.h"
#include "model/sample.h"
#include "ship/remote_write_config.h"
#include "ship/shown_remote.h"

struct shipper;

struct shipper_environment {
    struct loop *loop;
    struct http_client *http;
    struct series_table *series;
    struct metric_registry *metrics;
    struct worker *worker;
    const char *storage_path; /* of the queue; NULL: it is in memory alone */
    uint64_t memory_limit;    /* of the process; 0: none */
};

/* The remotes' configs are held as long as they are in use; `queue` is borrowed. */
int shipper_new(const struct shipper_environment *environment, const struct queue_config *queue,
                struct remote_write_config *const *remotes, size_t remote_count,
                struct shipper **out);
/* This queue config and these remotes from now on: those whose config is unchanged go on untouched,
 * one that has another config under its old name goes on from where it was, the others end. 0 or a
 * negative errno, logged: then some remotes are missing, until a later call succeeds. */
int shipper_apply(struct shipper *shipper, const struct queue_config *queue,
                  struct remote_write_config *const *remotes, size_t remote_count);
void shipper_free(struct shipper **shipper);

/* What is not sent when the process ends is there for the next one. */
bool shipper_keeps_unsent(const struct shipper *shipper);

/* Where producers append. Lives as long as the shipper. */
struct sample_sink *shipper_sink(struct shipper *shipper);

/* Told of each remote, in the order of the configuration. */
void shipper_show(const struct shipper *shipper,
                  void (*fn)(void *context, const struct shown_remote *remote), void *context);
/* Bytes that the queue takes, on disk and in memory. */
uint64_t shipper_queue_bytes(const struct shipper *shipper);

/* Sends all that is queued without waiting for a deadline, and calls `done` once: when every remote
 * has taken everything, or when `deadline_ns` (from now) has passed. A remote in backoff is not
 * tried at once. `unsent` is the number of samples that no 2xx released, over all remotes. */
void shipper_flush(struct shipper *shipper, uint64_t deadline_ns,
                   void (*done)(void *context, uint64_t unsent), void *context);

#endif
