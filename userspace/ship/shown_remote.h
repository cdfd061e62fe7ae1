/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a remote to people: where it stands, and what it has counted. */
#ifndef EDGEMETER_SHIP_SHOWN_REMOTE_H
#define EDGEMETER_SHIP_SHOWN_REMOTE_H

#include "ship/queue.h"

struct shown_remote {
    const char *name, *url; /* the URL redacted */
    const char *protocol;   /* "1.0", "2.0" */
    uint32_t shards, min_shards, max_shards;
    double desired_shards;
    struct sample_counts pending;
    double rate_in, rate_out;      /* samples a second */
    double newest_in, newest_sent; /* seconds since 1970; 0: none */
    /* Samples, native histograms too. */
    double sent, acknowledged, failed, retried, dropped, replay_refused;
    double bytes_sent;
    bool failing;
    int64_t error_time_ms; /* 0: there was no error */
    int error_status;
    const char *error_message;
};

#endif
