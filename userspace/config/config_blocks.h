/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of the file, each decoded by a file of its own. */
#ifndef EDGEMETER_CONFIG_CONFIG_BLOCKS_H
#define EDGEMETER_CONFIG_CONFIG_BLOCKS_H

#include "config/config.h"
#include "config/config_fields.h"

#define CONFIG_MAX_JOBS 4096
#define CONFIG_MAX_REMOTES 64

/* Each takes the whole struct config as its target and the value of its key. */
void config_decode_global(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *config);
void config_decode_scrapes(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *config);
void config_decode_scrape_files(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *config);
void config_decode_remotes(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *config);

extern const struct config_block config_top_block; /* struct config */
extern const struct config_block
    config_global_block; /* these five: each of its own file's struct */
extern const struct config_block config_scrape_block;
extern const struct config_block config_remote_block;
extern const struct config_block config_kubernetes_block;
extern const struct config_block config_oauth2_block;
extern const struct config_block config_rule_block;         /* struct relabel_rule */
extern const struct config_block config_http_metrics_block; /* struct http_metrics_config */
extern const struct config_block config_queue_block;        /* struct queue_config */
extern const struct config_block config_http_block;         /* struct http_config; inline */
extern const struct config_block config_discovery_block;    /* struct discovery_config; inline */

/* One more way for a job to find its targets, whose value is `node`. NULL without memory, noted. */
struct discoverer_config *config_add_discoverer(struct config_reader *reader,
                                                struct discovery_config *discovery,
                                                enum discoverer_kind kind,
                                                const struct yaml_tree_node *node);

/* A list of which each entry is a way of its own, told to `decode`. */
typedef void (*config_discoverer_fn)(struct config_reader *reader,
                                     const struct yaml_tree_node *node,
                                     const struct config_place *place,
                                     struct discoverer_config *config);
void config_decode_discoverers(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place,
                               struct discovery_config *discovery, enum discoverer_kind kind,
                               config_discoverer_fn decode);

/* The entries of kubernetes_sd_configs; the target is a struct discovery_config. */
void config_decode_kubernetes(struct config_reader *reader, const struct yaml_tree_node *node,
                              const struct config_place *place, void *discovery);

/* The target is an enum http_tls_version. */
void config_decode_tls_version(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *version);
extern const struct config_block config_tls_block;           /* struct http_tls_config */
extern const struct config_block config_proxy_block;         /* struct http_proxy_config; inline */
extern const struct config_block config_scrape_limits_block; /* struct scrape_limits; inline */
/* struct scrape_protocol_config; inline; in a job it holds global's before. */
extern const struct config_block config_protocol_block;
extern const struct config_block config_job_protocol_block;

void config_decode_sigv4(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target);
/* That no other way to say who we are is given. */
void config_check_sigv4(struct config_reader *reader, const struct yaml_tree_node *remote,
                        const struct config_place *place);
/* The checksum of some files, and of one more behind them. */
uint64_t config_checksum_add(uint64_t checksum, const char *path, struct text bytes);
/* The target is a struct http_oauth2_config *. */
void config_decode_oauth2(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *oauth2);

/* Limits that the job does not give are global's. */
void config_inherit_limits(struct scrape_limits *limits, const struct scrape_limits *global);
/* The target is a double. */
void config_decode_factor(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *factor);
/* A mapping of names to lists of texts; the target is a struct scrape_params. */
void config_decode_params(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *params);

/* The rules of a struct relabel_rules, compiled. */
void config_decode_relabels(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *rules);

/* That the mapping has a url, whose value is `url` (NULL: none), and that it is one; `owner` is what
 * the mapping describes. */
void config_check_url(struct config_reader *reader, const struct yaml_tree_node *node,
                      const struct config_place *place, const char *url, const char *owner);
/* Lists whose items carry a name that must be unique (job_name, name): reports each repetition. */
void config_check_names(struct config_reader *reader, const struct yaml_tree_node *list,
                        const struct config_place *place, const char *key);

/* Any UTF-8 names a label, as in Prometheus 3; whether it does. */
bool config_check_label_name(struct config_reader *reader, const struct yaml_tree_node *name,
                             const struct config_place *place);
/* Whether a value that was given is no duration, which has been reported. */
bool config_duration_is_bad(const struct yaml_tree_node *given);

/* A mapping of texts to texts (labels, headers): `add` is told each pair; an empty value is "".
 * Values of another kind are reported. */
typedef void (*config_pair_fn)(struct config_reader *reader, const struct yaml_tree_pair *pair,
                               const struct config_place *place, void *context);
void config_decode_pairs(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, config_pair_fn add, void *context);

#endif
