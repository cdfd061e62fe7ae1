/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' YAML plus our blocks, as validated structs. Every problem is kept with its place; a
 * file with any error gives no config. */
#ifndef EDGEMETER_CONFIG_CONFIG_H
#define EDGEMETER_CONFIG_CONFIG_H

#include "base/buffer.h"
#include "base/problems.h"
#include "collect/collect_config.h"
#include "discover/discovery_config.h"
#include "scrape/scrape_config.h"
#include "ship/remote_write_config.h"

struct external_label {
    char *name;
    char *value;
};

struct config {
    struct external_label *external_labels; /* sorted by name */
    size_t external_label_count;
    struct scrape_config **scrapes;       /* one reference each */
    struct discovery_config *discoveries; /* of each of them */
    size_t scrape_count;
    char **included; /* scrape_config_files: patterns, as seen from the current folder */
    size_t included_count;
    uint64_t checksum; /* of all files' bytes as they were read: see config_checksum() */
    struct remote_write_config **remotes; /* one reference each */
    size_t remote_count;
    bool http_metrics_given;                  /* the block that turns metering on */
    struct http_metrics_config *http_metrics; /* never NULL */
    uint64_t http_metrics_digest;             /* equal digests are equal configs */
    struct queue_config queue;
    struct buffer printed; /* the file as YAML again, without what it includes; secrets hidden */
};

/* Reads and validates `path`. 0 with *out (warnings possible), -EINVAL with at least one error in
 * `problems`, or -ENOMEM. A file that cannot be read is -EINVAL with the reason as its problem. */
int config_load(const char *path, struct config **out, struct problems *problems);
/* The same over bytes in memory; `name` stands for the file in messages. */
int config_parse(const char *name, const char *bytes, size_t length, struct config **out,
                 struct problems *problems);
/* A number for the bytes of the file and of those that `config` includes as they are now: while it
 * is config->checksum none has changed. 0, or a negative errno where one cannot be read. */
int config_checksum(const char *path, const struct config *config, uint64_t *out);
/* What runs without --config.file: the host's HTTP metered, nothing scraped, nothing sent. */
int config_default(struct config **out);
void config_free(struct config **config);

#endif
