/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of scrape_configs, as far as built, without the ways to find its targets
 * (discover/discovery_config.h). Durations in nanoseconds. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CONFIG_H
#define EDGEMETER_SCRAPE_SCRAPE_CONFIG_H

#include <stdint.h>

#include "base/http/http_config.h"
#include "model/relabel.h"
#include "scrape/scrape_protocol_config.h"

struct scrape_param {
    char *name;
    char **values;
    size_t value_count;
};

struct scrape_params {
    struct scrape_param *list; /* sorted by name */
    size_t count;
};

/* 0: none. */
struct scrape_limits {
    uint64_t body_size_limit; /* bytes, decoded; a body of that size fails already */
    uint32_t sample_limit;
    uint32_t target_limit; /* beyond it every target of the job fails */
    uint32_t label_limit;
    uint32_t label_name_length_limit;
    uint32_t label_value_length_limit;
    uint32_t keep_dropped_targets;          /* in /api/v1/targets; they are counted all the same */
    uint32_t native_histogram_bucket_limit; /* beyond it buckets are made wider */
    double native_histogram_min_bucket_factor; /* from a bucket to the next; not above 1: any */
};

struct scrape_config {
    uint32_t references;    /* beside the maker's */
    uint64_t digest;        /* of what the file says: equal digests are equal configs */
    uint64_t series_digest; /* of what may change the labels of samples */
    char *job_name;
    uint64_t scrape_interval_ns;
    uint64_t scrape_timeout_ns;
    char *metrics_path; /* "/metrics" */
    char *scheme;       /* "http" or "https" */
    bool honor_labels;
    bool honor_timestamps; /* default true */
    bool track_timestamps_staleness;
    bool enable_compression; /* default true */
    bool extra_metrics;      /* scrape_timeout_seconds and the like */
    char *failure_log_file;  /* NULL: none */
    struct scrape_params params;
    struct scrape_limits limits;
    struct scrape_protocol_config protocols;
    struct relabel_rules relabels;        /* of targets */
    struct relabel_rules metric_relabels; /* of samples */
    struct http_config http;
};

/* Each release takes back one hold, the last one the maker's. */
struct scrape_config *scrape_config_hold(const struct scrape_config *config);
void scrape_config_release(struct scrape_config **config);

#endif
