/* SPDX-License-Identifier: Apache-2.0 */
/* What one remote says in the log: each kind of trouble once, then at most once a minute with the
 * number of times that it was left unsaid; an error that changes, after 5 seconds. Decides nothing.
 */
#ifndef EDGEMETER_SHIP_REMOTE_LOG_H
#define EDGEMETER_SHIP_REMOTE_LOG_H

#include "ship/remote_metrics.h"

#define REMOTE_LOG_REASONS 8

/* Remembers when something was said. All zero at first. */
struct remote_log_pause {
    int reason;
    uint64_t until_ns;
    uint64_t unsaid;
};

#define REMOTE_LOG_MESSAGE_MAX 256 /* bytes with the NUL */

/* The last request that was not taken. */
struct remote_log_error {
    int64_t time_ms; /* 0: there was none */
    int status;      /* 0: no HTTP answer */
    char message[REMOTE_LOG_MESSAGE_MAX];
};

struct remote_log {
    const char *name, *url; /* borrowed; the URL redacted */
    struct remote_log_error last_error;
    struct remote_log_pause retries, too_large, replays, missing, metadata;
    struct remote_log_pause drops[REMOTE_DROP_REASONS];
    struct remote_log_pause refusals[REMOTE_LOG_REASONS]; /* by status; the last one has the rest */
    uint64_t failing_since_ns;                            /* 0: the last request was taken */
    bool failing_said;
};

/* A request that will be sent again. `message` is the receiver's, may be empty. */
void remote_log_retry(struct remote_log *log, int status, const char *error, struct text message,
                      uint64_t delay_ns);
/* A request that the receiver will never take. */
void remote_log_refused(struct remote_log *log, int status, struct text message, uint64_t samples);
/* A request that was taken. */
void remote_log_sent(struct remote_log *log);
/* Sent a second time, and refused as what the receiver has. */
void remote_log_replay_refused(struct remote_log *log, struct text message, uint64_t samples);
/* A 2xx that confirms fewer samples than were sent. */
void remote_log_missing(struct remote_log *log, uint64_t samples);
/* Lost before it was in a request; 0 samples: nothing to say. */
void remote_log_dropped(struct remote_log *log, enum remote_drop_reason reason, uint64_t samples);
void remote_log_too_large(struct remote_log *log, size_t samples, uint32_t samples_per_send);
void remote_log_fall_back(struct remote_log *log, int status, struct text message);
void remote_log_metadata_refused(struct remote_log *log, int status, struct text message,
                                 uint64_t entries);
void remote_log_shards(const struct remote_log *log, uint32_t from, uint32_t to);

#endif
