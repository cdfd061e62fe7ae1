/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of scrape_configs, as far as built. Durations in nanoseconds. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CONFIG_H
#define EDGEMETER_SCRAPE_SCRAPE_CONFIG_H

#include <stdint.h>

#include "base/http_config.h"

struct static_label {
    char *name;
    char *value;
};

/* One entry of static_configs: every target gets every label. */
struct static_targets {
    char **targets; /* "host:port" */
    size_t target_count;
    struct static_label *labels;
    size_t label_count;
};

struct scrape_config {
    char *job_name;
    uint64_t scrape_interval_ns;
    uint64_t scrape_timeout_ns;
    char *metrics_path; /* "/metrics" */
    char *scheme;       /* "http" or "https" */
    bool honor_labels;
    bool honor_timestamps; /* default true */
    struct http_config http;
    struct static_targets *statics;
    size_t static_count;
};

void scrape_config_free(struct scrape_config *config);

#endif
