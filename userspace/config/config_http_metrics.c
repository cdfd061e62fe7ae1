/* SPDX-License-Identifier: Apache-2.0 */
/* http_metrics: the block of ours that turns metering on. */
#include <ctype.h>
#include <stdlib.h>

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

/* NULL, or what is wrong with it as a path prefix. */
static const char *route_fault(struct text route)
{
    if (!route.length || *route.bytes != '/')
        return "must begin with /";
    if (route.length > HTTP_METRICS_ROUTE_BYTES)
        return "is longer than 128 bytes";
    for (size_t i = 0; i < route.length; i++) {
        unsigned char c = route.bytes[i];
        if (c == '?' || c == '#')
            return "must end before the query and the fragment: ? and # are not part of a path";
        if (c <= ' ' || c == 0x7f)
            return "has a space or a control character in it; write it as a request has it (%20)";
    }
    return NULL;
}

/* The same for a host name. */
static const char *host_fault(struct text host)
{
    if (!host.length)
        return "is empty";
    if (host.length > HTTP_METRICS_HOST_BYTES)
        return "is longer than 63 bytes";
    for (size_t i = 0; i < host.length; i++) {
        unsigned char c = host.bytes[i];
        if (isalnum(c) || strchr("-._", c))
            continue;
        if (c == ':')
            return "must be a host name or an IPv4 address, without scheme and port";
        if (c >= 0x80)
            return "is not ASCII; write the form that requests have (xn--...)";
        return "is not a host name; letters, digits, - . and _ are allowed";
    }
    return NULL;
}

struct name_kind {
    const char *what;
    const char *(*fault)(struct text name);
    bool lower;
};
static const struct name_kind route_kind = {"routes", route_fault, false};
static const struct name_kind host_kind = {"hosts", host_fault, true};

/* Adds the name of `node` unless it is there already; the caller made room. */
static void add_name(struct config_reader *reader, const struct yaml_tree_node *node,
                     const struct config_place *place, const struct name_kind *kind,
                     struct http_metrics_names *names)
{
    char *name = config_copy_text(reader, node->text);
    if (!name)
        return;
    for (char *c = name; kind->lower && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i], name) != 0)
            continue;
        config_error(reader, node, place, "\"%s\" is given twice", name);
        free(name);
        return;
    }
    names->list[names->count++] = name;
}

static void decode_names(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, const struct name_kind *kind,
                         struct http_metrics_names *names)
{
    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    if (node->count > HTTP_METRICS_MAX_NAMES) {
        config_error(reader, node, place, "has %zu %s; %d is the most", node->count, kind->what,
                     HTTP_METRICS_MAX_NAMES);
        return;
    }
    http_metrics_names_free(names);
    if (!node->count)
        return;
    names->list = calloc(node->count, sizeof(*names->list));
    if (!names->list) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .index = i};
        if (!config_expect(reader, node->items[i], &item, YAML_TREE_SCALAR))
            continue;
        const char *fault = kind->fault(node->items[i]->text);
        if (fault)
            config_error(reader, node->items[i], &item, "\"%s\" %s", node->items[i]->text.bytes,
                         fault);
        else
            add_name(reader, node->items[i], &item, kind, names);
    }
}

static void decode_routes(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct http_metrics_config *config = target;
    decode_names(reader, node, place, &route_kind, &config->routes);
}

static void decode_hosts(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct http_metrics_config *config = target;
    decode_names(reader, node, place, &host_kind, &config->hosts);
}

/* In place of the default ones. */
static void decode_relabels(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *rules)
{
    relabel_rules_free(rules);
    config_decode_relabels(reader, node, place, rules);
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
    (const struct config_field[]){{"cgroup_root", CONFIG_TEXT, METRICS(cgroup_root)},
                                  {"interval", CONFIG_DURATION, METRICS(interval_ns)},
                                  {"job_name", CONFIG_TEXT, METRICS(job_name)},
                                  {"roles", CONFIG_CUSTOM, .decode = decode_roles},
                                  {"buckets", CONFIG_CUSTOM, .decode = decode_buckets},
                                  {"max_rows", CONFIG_UINT32, METRICS(max_rows), 16, 1048576},
                                  {"native_histograms", CONFIG_BOOL, METRICS(native_histograms)},
                                  {"routes", CONFIG_CUSTOM, .decode = decode_routes},
                                  {"hosts", CONFIG_CUSTOM, .decode = decode_hosts},
                                  {"relabel_configs", CONFIG_CUSTOM, METRICS(relabels),
                                   .block = &config_rule_block, .decode = decode_relabels},
                                  {NULL}},
    check_http_metrics};
