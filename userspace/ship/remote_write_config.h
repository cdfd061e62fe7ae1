/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of remote_write, and the queue block. */
#ifndef EDGEMETER_SHIP_REMOTE_WRITE_CONFIG_H
#define EDGEMETER_SHIP_REMOTE_WRITE_CONFIG_H

#include <stdint.h>

#include "base/http/http_config.h"
#include "model/relabel.h"

enum remote_write_protocol {
    REMOTE_WRITE_V1, /* prometheus.WriteRequest */
    REMOTE_WRITE_V2, /* io.prometheus.write.v2.Request */
};

struct remote_write_config {
    uint32_t references; /* beside the maker's */
    uint64_t digest;     /* of what the file says: equal digests are equal configs */
    char *url;
    char *name;                 /* NULL: the first 6 hex digits of a hash of url */
    uint64_t remote_timeout_ns; /* 30s */
    struct http_config http;
    struct relabel_rules relabels;       /* write_relabel_configs */
    enum remote_write_protocol protocol; /* 1.0 */
    bool send_exemplars;                 /* false */
    bool send_native_histograms;         /* false */
    uint64_t max_bytes_per_second;       /* of request bodies; 0: no bound */
    struct {
        uint32_t capacity;               /* 10000 samples read ahead by each shard */
        uint32_t max_shards, min_shards; /* 50, 1 */
        uint32_t max_samples_per_send;   /* 2000 */
        uint64_t batch_send_deadline_ns; /* 5s */
        uint64_t min_backoff_ns;         /* 30ms */
        uint64_t max_backoff_ns;         /* 5s */
        bool retry_on_http_429;          /* true, where Prometheus has false */
        uint64_t sample_age_limit_ns;    /* 0: none */
    } queue;
    struct {
        bool send;                     /* true */
        uint64_t send_interval_ns;     /* 1m */
        uint32_t max_samples_per_send; /* 2000 */
    } metadata;
};

/* The defaults. */
void remote_write_config_init(struct remote_write_config *config);
/* Each release takes back one hold, the last one the maker's. */
struct remote_write_config *remote_write_config_hold(struct remote_write_config *config);
void remote_write_config_release(struct remote_write_config **config);

struct queue_config {
    uint64_t max_bytes;        /* 1GiB: of samples that not every remote has taken */
    uint64_t max_age_ns;       /* 0: no bound */
    uint64_t sync_interval_ns; /* 5s: what is appended is on the disk so soon at the latest */
};

#endif
