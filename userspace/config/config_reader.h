/* SPDX-License-Identifier: Apache-2.0 */
/* What every block's decoder is handed: where problems go, what the file's blocks inherit, and how
 * a value is named in messages. Decoders return nothing; they report and go on, so that one run
 * finds every problem. */
#ifndef EDGEMETER_CONFIG_CONFIG_READER_H
#define EDGEMETER_CONFIG_CONFIG_READER_H

#include "base/problems.h"
#include "base/yaml_tree.h"
#include "scrape/scrape_config.h"

struct config_reader {
    struct problems *problems;
    struct text directory; /* the file's, for relative paths */
    bool no_memory;
    unsigned last_file_number;   /* of the files included so far */
    uint64_t scrape_interval_ns; /* global's */
    uint64_t scrape_timeout_ns;
    uint64_t global_digest; /* of what jobs inherit from */
    struct scrape_limits scrape_limits;
    struct scrape_protocol_config scrape_protocols;
    bool extra_scrape_metrics;
    char *scrape_failure_log_file; /* NULL: none */
};

/* The way to a value, `scrape_configs[0].static_configs[1]`, from its end. NULL is the top level.
 */
struct config_place {
    const struct config_place *parent;
    const char *key; /* NULL: an item of a list */
    size_t index;
};

#define CONFIG_PLACE_TEXT_SIZE 256
const char *config_place_text(const struct config_place *place, char *out, size_t size);

/* "place: message" at the node. */
void config_error(struct config_reader *reader, const struct yaml_tree_node *node,
                  const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void config_warning(struct config_reader *reader, const struct yaml_tree_node *node,
                    const struct config_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The bare message at the node. */
void config_report(struct config_reader *reader, enum problem_severity severity,
                   const struct yaml_tree_node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether the node is of that kind; reports it where it is not ("must be a list, not a mapping").
 */
bool config_expect(struct config_reader *reader, const struct yaml_tree_node *node,
                   const struct config_place *place, enum yaml_tree_kind kind);

/* A copy, with no_memory set where there is none. */
char *config_copy_text(struct config_reader *reader, struct text text);
/* A relative path starts from the folder of the configuration file. */
char *config_copy_path(struct config_reader *reader, struct text path);

#endif
