/* SPDX-License-Identifier: Apache-2.0 */
/* How a job finds its targets: the keys of a scrape_configs entry that end in _configs. Ways that
 * are not built are refused by name. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_values.h"

struct discoverer_config *config_add_discoverer(struct config_reader *reader,
                                                struct discovery_config *discovery,
                                                enum discoverer_kind kind,
                                                const struct yaml_tree_node *node)
{
    void *list = realloc(discovery->list, (discovery->count + 1) * sizeof(*discovery->list));
    struct discoverer_config *config = calloc(1, sizeof(*config));
    if (list)
        discovery->list = list;
    if (!list || !config) {
        free(config);
        reader->no_memory = true;
        return NULL;
    }
    config->kind = kind;
    config->digest = config_digest(node, config_digest_text(reader->directory, kind));
    discovery->list[discovery->count++] = config;
    return config;
}

void config_decode_discoverers(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, struct discovery_config *discovery,
                               enum discoverer_kind kind, config_discoverer_fn decode)
{
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .index = i};
        if (node->items[i]->kind == YAML_TREE_NULL) {
            config_error(reader, node->items[i], &item, "an empty list item; remove it");
            continue;
        }
        struct discoverer_config *config =
            config_add_discoverer(reader, discovery, kind, node->items[i]);
        if (!config)
            return;
        decode(reader, node->items[i], &item, config);
    }
}

/* --- static_configs --- */

static void decode_target(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    char **target = element;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (node->text.length == 0)
        config_error(reader, node, place, "an empty target; write host:port, or remove it");
    else if (memchr(node->text.bytes, '/', node->text.length))
        config_error(reader, node, place,
                     "\"%s\" is not a valid hostname; write host:port here, and put http or https "
                     "into scheme and the path into metrics_path",
                     node->text.bytes);
    *target = config_copy_text(reader, node->text);
}

static void decode_targets(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct static_targets *statics = target;
    config_decode_list(reader, node, place, sizeof(*statics->targets), (void **)&statics->targets,
                       &statics->target_count, decode_target);
}

static void add_label(struct config_reader *reader, const struct yaml_tree_pair *pair,
                      const struct config_place *place, void *context)
{
    struct static_targets *statics = context;
    struct text name = pair->key->text;
    if (!config_check_label_name(reader, pair->key, place))
        return;
    if (pair->value->text.length == 0)
        return; /* a label without a value is no label */
    statics->labels[statics->label_count++] = (struct static_label){
        config_copy_text(reader, name), config_copy_text(reader, pair->value->text)};
}

static void decode_labels(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct static_targets *statics = target;
    statics->labels = calloc(node->count + 1, sizeof(*statics->labels));
    if (!statics->labels)
        reader->no_memory = true;
    else
        config_decode_pairs(reader, node, place, add_label, statics);
}

static const struct config_block static_block = {
    (const struct config_field[]){{"targets", CONFIG_CUSTOM, .decode = decode_targets},
                                  {"labels", CONFIG_CUSTOM, .decode = decode_labels},
                                  {NULL}}};

static void decode_static(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    config_decode_block(reader, node, place, &static_block, element);
}

static void decode_statics(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct discoverer_config *config =
        config_add_discoverer(reader, target, DISCOVERER_STATIC, node);
    if (config)
        config_decode_list(reader, node, place, sizeof(*config->statics.groups),
                           (void **)&config->statics.groups, &config->statics.group_count,
                           decode_static);
}

/* --- file_sd_configs --- */

/* A path to .json, .yml or .yaml, in which no slash follows a star. */
static bool pattern_is_legal(struct text pattern)
{
    static const char *const extensions[] = {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"};
    const char *star = memchr(pattern.bytes, '*', pattern.length);
    if (star && strchr(star, '/'))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
        size_t length = strlen(extensions[i]);
        if (pattern.length >= length &&
            text_equal(text_behind(pattern, pattern.length - length), text_of(extensions[i])))
            return true;
    }
    return false;
}

static void decode_pattern(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *element)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!pattern_is_legal(node->text))
        config_error(
            reader, node, place,
            "\"%s\" is not a path for file discovery; it must end in .json, .yml or .yaml, "
            "and only its last part may hold a *",
            node->text.bytes);
    *(char **)element = config_copy_path(reader, node->text);
}

static void decode_patterns(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    struct file_config *file = target;
    config_decode_list(reader, node, place, sizeof(*file->patterns), (void **)&file->patterns,
                       &file->pattern_count, decode_pattern);
}

static void check_file(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    const struct yaml_tree_node *files = config_given(node, "files");
    (void)target;
    if (!files || (files->kind == YAML_TREE_SEQUENCE && !files->count))
        config_error(reader, node, place, "files must name at least one path");
}

static const struct config_block file_block = {
    (const struct config_field[]){
        {"files", CONFIG_CUSTOM, .decode = decode_patterns},
        {"refresh_interval", CONFIG_DURATION, offsetof(struct file_config, refresh_interval_ns)},
        {NULL}},
    check_file};

static void decode_file(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, struct discoverer_config *config)
{
    config->file.refresh_interval_ns = 300 * NS_PER_SECOND;
    config_decode_block(reader, node, place, &file_block, &config->file);
}

static void decode_files(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    config_decode_discoverers(reader, node, place, target, DISCOVERER_FILE, decode_file);
}

/* --- http_sd_configs --- */

static void check_http_discovery(struct config_reader *reader, const struct yaml_tree_node *node,
                                 const struct config_place *place, void *target)
{
    config_check_url(reader, node, place, ((struct http_discovery_config *)target)->url, "entry");
}

static const struct config_block http_block = {
    (const struct config_field[]){{"url", CONFIG_TEXT, offsetof(struct http_discovery_config, url)},
                                  {"refresh_interval", CONFIG_DURATION,
                                   offsetof(struct http_discovery_config, refresh_interval_ns)},
                                  {"", CONFIG_INLINE, offsetof(struct http_discovery_config, http),
                                   .block = &config_http_block},
                                  {NULL}},
    check_http_discovery};

static void decode_server(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, struct discoverer_config *config)
{
    config->http.refresh_interval_ns = 60 * NS_PER_SECOND;
    http_config_init(&config->http.http);
    config_decode_block(reader, node, place, &http_block, &config->http);
}

static void decode_servers(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    config_decode_discoverers(reader, node, place, target, DISCOVERER_HTTP, decode_server);
}

/* --- the block --- */

#define NO_DISCOVERY                                                                        \
    "list the targets in static_configs, or write them into a file of file_sd_configs, or " \
    "have them answered to http_sd_configs"

const struct config_block config_discovery_block = {(const struct config_field[]){
    {"static_configs", CONFIG_CUSTOM, .block = &static_block, .decode = decode_statics},
    {"kubernetes_sd_configs", CONFIG_CUSTOM, .block = &config_kubernetes_block,
     .decode = config_decode_kubernetes},
    {"aws_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"azure_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"consul_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"digitalocean_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"dns_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"docker_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"dockerswarm_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"ec2_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"eureka_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"file_sd_configs", CONFIG_CUSTOM, .block = &file_block, .decode = decode_files},
    {"gce_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"hetzner_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"http_sd_configs", CONFIG_CUSTOM, .block = &http_block, .decode = decode_servers},
    {"ionos_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"kuma_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"lightsail_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"linode_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"marathon_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"nerve_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"nomad_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"openstack_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"outscale_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"ovhcloud_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"puppetdb_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"scaleway_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"serverset_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"stackit_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"triton_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"uyuni_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {"vultr_sd_configs", CONFIG_UNBUILT, .neutral = "[]", .advice = NO_DISCOVERY},
    {NULL}}};
