/* SPDX-License-Identifier: Apache-2.0 */
/* http_metrics: the block of ours that turns metering on. */
#include "config/config_blocks.h"
#include "config/config_values.h"

static void decode_roles(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct http_metrics_config *config = target;
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    config->server = config->client = false;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_node *role = node->items[i];
        const struct config_place item = {.parent = place, .index = i};
        bool is_server = role->kind == YAML_TREE_SCALAR && text_equal(role->text, TEXT("server"));
        bool is_client = role->kind == YAML_TREE_SCALAR && text_equal(role->text, TEXT("client"));
        if (!is_server && !is_client)
            config_error(reader, role, &item, "must be server or client");
        else if (is_server ? config->server : config->client)
            config_error(reader, role, &item, "%s is given twice", role->text.bytes);
        config->server |= is_server;
        config->client |= is_client;
    }
    if (node->count == 0)
        config_error(reader, node, place,
                     "must hold server, client or both; remove the http_metrics block to meter "
                     "nothing");
}

static void decode_buckets(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct http_metrics_config *config = target;
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    if (node->count == 0 || node->count > HTTP_METRICS_MAX_BUCKETS) {
        config_error(reader, node, place, "needs 1 to %d upper bounds, and has %zu",
                     HTTP_METRICS_MAX_BUCKETS, node->count);
        return;
    }
    config->bucket_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_node *bound = node->items[i];
        const struct config_place item = {.parent = place, .index = i};
        double value = 0;
        if (!config_expect(reader, bound, &item, YAML_TREE_SCALAR))
            return;
        if (bound->quoted || config_float_parse(bound->text, &value) || value <= 0) {
            config_error(reader, bound, &item,
                         "\"%s\" is not a positive number of seconds (+Inf is added by itself)",
                         bound->text.bytes);
            return;
        }
        config->buckets[i] = value;
        if (i > 0 && value <= config->buckets[i - 1]) {
            config_error(reader, bound, &item, "%s is not above the bound before it, %s",
                         bound->text.bytes, node->items[i - 1]->text.bytes);
            return;
        }
    }
}

static void check_http_metrics(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *target)
{
    struct http_metrics_config *config = target;
    const struct yaml_tree_node *root = config_given(node, "cgroup_root");
    const struct yaml_tree_node *name = config_given(node, "job_name");
    if (root && config->cgroup_root && *config->cgroup_root != '/')
        config_error(reader, root, &(struct config_place){place, "cgroup_root"},
                     "\"%s\" is not an absolute path", config->cgroup_root);
    if (name && config->job_name && !*config->job_name)
        config_error(reader, name, &(struct config_place){place, "job_name"}, "is empty");
}

#define METRICS(member) offsetof(struct http_metrics_config, member)

const struct config_block config_http_metrics_block = {
    (const struct config_field[]){
        {"cgroup_root", CONFIG_TEXT, METRICS(cgroup_root)},
        {"interval", CONFIG_DURATION, METRICS(interval_ns)},
        {"job_name", CONFIG_TEXT, METRICS(job_name)},
        {"roles", CONFIG_CUSTOM, .decode = decode_roles},
        {"buckets", CONFIG_CUSTOM, .decode = decode_buckets},
        {"max_rows", CONFIG_UINT32, METRICS(max_rows), 16, 1048576},
        {"native_histograms", CONFIG_UNBUILT, .neutral = "false", .ours = true},
        {"routes", CONFIG_UNBUILT, .neutral = "[]", .ours = true},
        {"hosts", CONFIG_UNBUILT, .neutral = "[]", .ours = true},
        {"relabel_configs", CONFIG_UNBUILT, .neutral = "[]", .ours = true},
        {NULL}},
    check_http_metrics};
