/* SPDX-License-Identifier: Apache-2.0 */
/* Where a scrape job finds its targets. One discoverer_config is one way to find them: all of
 * static_configs, or one entry of file_sd_configs, http_sd_configs or kubernetes_sd_configs.
 */
#ifndef EDGEMETER_DISCOVER_DISCOVERY_CONFIG_H
#define EDGEMETER_DISCOVER_DISCOVERY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/http/http_config.h"
#include "discover/kubernetes_config.h"

struct static_label {
    char *name;
    char *value;
};

/* One entry of static_configs, or of a file: every target gets every label. */
struct static_targets {
    char **targets; /* "host:port" */
    size_t target_count;
    struct static_label *labels;
    size_t label_count;
};

struct static_config {
    struct static_targets *groups;
    size_t group_count;
};

/* One entry of file_sd_configs. */
struct file_config {
    char **patterns; /* paths that end in .json, .yml or .yaml, with wildcards in the last part */
    size_t pattern_count;
    uint64_t refresh_interval_ns; /* 5m; changes are seen at once by inotify */
};

/* One entry of http_sd_configs. */
struct http_discovery_config {
    char *url;
    struct http_config http;
    uint64_t refresh_interval_ns; /* 1m; the most that a request may take, too */
};

enum discoverer_kind {
    DISCOVERER_STATIC,
    DISCOVERER_FILE,
    DISCOVERER_HTTP,
    DISCOVERER_KUBERNETES,
    DISCOVERER_KINDS
};

struct discoverer_config {
    enum discoverer_kind kind;
    uint32_t references; /* beside the maker's */
    uint64_t digest;     /* of what the file says: equal digests are equal configs */
    union {
        struct static_config statics;
        struct file_config file;
        struct http_discovery_config http;
        struct kubernetes_config kubernetes;
    };
};

/* One job's. */
struct discovery_config {
    struct discoverer_config **list; /* one reference each */
    size_t count;
};

/* Each release takes back one hold, the last one the maker's. */
struct discoverer_config *discoverer_config_hold(struct discoverer_config *config);
void discoverer_config_release(struct discoverer_config **config);

void discovery_config_free(struct discovery_config *config);
/* Whether pods are among what it looks for. */
bool discovery_config_has_pods(const struct discovery_config *config);
void static_targets_free(struct static_targets *group);

#endif
