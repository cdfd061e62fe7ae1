/* SPDX-License-Identifier: Apache-2.0 */
/* kubernetes_sd_configs. Roles that are not built are refused by name. */
#include <stdlib.h>

#include "base/cleanup.h"

#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_kubeconfig.h"
#include "config/config_selector.h"
#include "config/config_values.h"

#define MAX_NAMESPACES 1024

#define KUBERNETES(member) offsetof(struct kubernetes_config, member)

/* --- role --- */

static bool is_role(const struct yaml_tree_node *role)
{
    return role && (text_equal(role->text, TEXT("pod")) || text_equal(role->text, TEXT("node")));
}

static void decode_role(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    static const char *const unbuilt[] = {"service", "endpoints", "endpointslice", "ingress"};
    struct kubernetes_config *config = target;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (is_role(node)) {
        config->role = text_equal(node->text, TEXT("node")) ? KUBERNETES_NODE : KUBERNETES_POD;
        return;
    }
    for (size_t i = 0; i < sizeof(unbuilt) / sizeof(*unbuilt); i++) {
        if (!text_equal(node->text, text_of(unbuilt[i])))
            continue;
        config_error(reader, node, place,
                     "\"%s\" is not supported by this version of edgemeter; pod and node are: have "
                     "the pods behind a service found by role pod, and what is no pod listed in "
                     "file_sd_configs or answered to http_sd_configs",
                     unbuilt[i]);
        return;
    }
    config_error(reader, node, place, "\"%s\" is no role; pod and node are", node->text.bytes);
}

/* --- namespaces --- */

static void decode_name(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *element)
{
    char **name = element;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!node->text.length || memchr(node->text.bytes, '/', node->text.length))
        config_error(reader, node, place, "\"%s\" is no name of a namespace", node->text.bytes);
    *name = config_copy_text(reader, node->text);
}

static void decode_names(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct kubernetes_config *config = target;

    if (node->kind == YAML_TREE_SEQUENCE && node->count > MAX_NAMESPACES) {
        config_error(reader, node, place, "has %zu names; %d is the most", node->count,
                     MAX_NAMESPACES);
        return;
    }
    config_decode_list(reader, node, place, sizeof(*config->namespaces),
                       (void **)&config->namespaces, &config->namespace_count, decode_name);
}

static const struct config_block namespaces_block = {
    (const struct config_field[]){{"own_namespace", CONFIG_BOOL, KUBERNETES(own_namespace)},
                                  {"names", CONFIG_CUSTOM, .decode = decode_names},
                                  {NULL}}};

/* --- selectors --- */

struct selector {
    char *role, *label, *field;
};

static const struct config_block selector_block = {
    (const struct config_field[]){{"role", CONFIG_TEXT, offsetof(struct selector, role)},
                                  {"label", CONFIG_TEXT, offsetof(struct selector, label)},
                                  {"field", CONFIG_TEXT, offsetof(struct selector, field)},
                                  {NULL}}};

typedef const char *(*fault_fn)(struct text selector, struct text *where);

static void check_selector(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, const char *key, fault_fn find_fault)
{
    const struct yaml_tree_node *given = config_given(node, key);
    struct text where;

    if (!given || given->kind != YAML_TREE_SCALAR)
        return;
    const char *fault = find_fault(given->text, &where);
    if (fault)
        config_error(reader, given, &(struct config_place){place, key}, "at \"%.*s\": %s",
                     TEXT_FORMAT(where), fault);
}

/* A selector is of the role itself; one of nodes chooses what is attached to pods. */
static struct kubernetes_selector *choose_selector(struct config_reader *reader,
                                                   const struct yaml_tree_node *node,
                                                   const struct config_place *place,
                                                   struct kubernetes_config *config,
                                                   const char *role)
{
    bool is_pod = role && strcmp(role, "pod") == 0, is_node = role && strcmp(role, "node") == 0;

    if (is_pod && config->role == KUBERNETES_POD)
        return &config->pods;
    if (is_node)
        return &config->nodes;
    config_error(reader, node, place,
                 "role %s supports only %s selectors, and this is one of \"%s\"",
                 config->role == KUBERNETES_POD ? "pod" : "node",
                 config->role == KUBERNETES_POD ? "pod and node" : "node", role ? role : "");
    return NULL;
}

static void decode_selector(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, struct kubernetes_config *config)
{
    struct selector selector = {0};

    config_decode_block(reader, node, place, &selector_block, &selector);
    struct kubernetes_selector *chosen =
        choose_selector(reader, node, place, config, selector.role);
    check_selector(reader, node, place, "label", config_label_selector_fault);
    check_selector(reader, node, place, "field", config_field_selector_fault);
    if (!selector.field && yaml_tree_find(node, "field"))
        selector.field = config_copy_text(reader, TEXT("")); /* given, and empty: all nodes' */
    if (chosen && (chosen->label || chosen->field)) {
        config_error(reader, node, place, "a second selector of role %s", selector.role);
        chosen = NULL;
    }
    if (chosen) {
        *chosen = (struct kubernetes_selector){selector.label, selector.field};
    } else {
        free(selector.label);
        free(selector.field);
    }
    free(selector.role);
}

/* Which selectors fit depends on the role: after all other keys, and where it is a role. */
static void decode_selectors(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place, struct kubernetes_config *config)
{
    const struct yaml_tree_node *list = config_given(node, "selectors");
    const struct config_place where = {.parent = place, .key = "selectors"};

    if (!is_role(config_given(node, "role")))
        return;
    if (!list || !config_expect(reader, list, &where, YAML_TREE_SEQUENCE))
        return;
    for (size_t i = 0; i < list->count; i++) {
        const struct config_place item = {.parent = &where, .index = i};
        if (config_expect(reader, list->items[i], &item, YAML_TREE_MAPPING))
            decode_selector(reader, list->items[i], &item, config);
    }
}

static void expect_text(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    (void)target; /* it is read after all other keys */
    config_expect(reader, node, place, YAML_TREE_SCALAR);
}

static void keep_for_later(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    (void)reader, (void)node, (void)place, (void)target;
}

/* --- attach_metadata --- */

static const struct config_block attach_block = {
    (const struct config_field[]){{"node", CONFIG_BOOL, KUBERNETES(attach.node)},
                                  {"namespace", CONFIG_BOOL, KUBERNETES(attach.namespace)},
                                  {"deployment", CONFIG_UNBUILT, .neutral = "false"},
                                  {"job", CONFIG_UNBUILT, .neutral = "false"},
                                  {"cronjob", CONFIG_UNBUILT, .neutral = "false"},
                                  {NULL}}};

/* --- the server --- */

static bool is_query_key(const char *key)
{
    static const char *const keys[] = {"role", "namespaces", "selectors", "attach_metadata"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static uint64_t digest_server(const struct yaml_tree_node *node)
{
    uint64_t digest = 1;

    for (size_t i = 0; i < node->count; i++) {
        if (is_query_key(node->pairs[i].key->text.bytes))
            continue;
        digest = config_digest(node->pairs[i].key, digest);
        digest = config_digest(node->pairs[i].value, digest);
    }
    return digest;
}

/* The first key of <http_config>, or NULL. */
static const struct yaml_tree_pair *find_http_key(const struct yaml_tree_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const char *key = node->pairs[i].key->text.bytes;
        if (!is_query_key(key) && strcmp(key, "api_server") != 0 &&
            strcmp(key, "kubeconfig_file") != 0 && node->pairs[i].value->kind != YAML_TREE_NULL)
            return &node->pairs[i];
    }
    return NULL;
}

/* A server is named by api_server or kubeconfig_file; without either it is the cluster's own. */
static void check_exclusions(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place,
                             const struct kubernetes_config *config)
{
    const struct yaml_tree_node *server = config_given(node, "api_server");
    const struct yaml_tree_node *file = config_given(node, "kubeconfig_file");
    const struct yaml_tree_pair *http = find_http_key(node);

    if (server && file)
        config_error(reader, file, place, "api_server and kubeconfig_file exclude each other");
    if ((server || file) && config->own_namespace)
        config_error(reader, server ? server : file, place,
                     "%s and namespaces.own_namespace exclude each other: only in a cluster there "
                     "is an own namespace",
                     server ? "api_server" : "kubeconfig_file");
    if (http && !server)
        config_error(reader, http->key, place,
                     file ? "%s and kubeconfig_file exclude each other"
                          : "%s needs api_server: in a cluster the pod's "
                            "service account is used",
                     http->key->text.bytes);
}

static void check_server(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, struct kubernetes_config *config)
{
    const struct yaml_tree_node *server = config_given(node, "api_server");
    const struct yaml_tree_node *file = config_given(node, "kubeconfig_file");
    const char *key = server ? "api_server" : "kubeconfig_file";
    const struct config_place where = {.parent = place, .key = key};

    check_exclusions(reader, node, place, config);
    config->server_digest = digest_server(node);
    if (file && !server && file->kind == YAML_TREE_SCALAR) {
        autofree char *path = config_copy_path(reader, file->text);
        if (path)
            config_read_kubeconfig(reader, file, &where, path, config);
    }
    const char *fault = config->api_server ? config_url_fault(text_of(config->api_server)) : NULL;
    if (fault)
        config_error(reader, server ? server : file, &where, "%s", fault);
}

/* --- the block --- */

static void check_kubernetes(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place, void *target)
{
    if (!config_given(node, "role"))
        config_error(reader, node, place, "role is missing; pod and node are supported");
    decode_selectors(reader, node, place, target);
    check_server(reader, node, place, target);
}

const struct config_block config_kubernetes_block = {
    (const struct config_field[]){
        {"role", CONFIG_CUSTOM, .decode = decode_role},
        {"api_server", CONFIG_TEXT, KUBERNETES(api_server)},
        {"kubeconfig_file", CONFIG_CUSTOM, .decode = expect_text},
        {"namespaces", CONFIG_BLOCK, .block = &namespaces_block},
        {"selectors", CONFIG_CUSTOM, .block = &selector_block, .decode = keep_for_later},
        {"attach_metadata", CONFIG_BLOCK, .block = &attach_block},
        {"", CONFIG_INLINE, KUBERNETES(http), .block = &config_http_block},
        {NULL}},
    check_kubernetes};

static void decode_kubernetes(struct config_reader *reader, const struct yaml_tree_node *node,
                              const struct config_place *place, struct discoverer_config *config)
{
    kubernetes_config_init(&config->kubernetes);
    config_decode_block(reader, node, place, &config_kubernetes_block, &config->kubernetes);
    config->digest = config->digest * 31 + config->kubernetes.server_digest; /* a file's too */
}

void config_decode_kubernetes(struct config_reader *reader, const struct yaml_tree_node *node,
                              const struct config_place *place, void *discovery)
{
    config_decode_discoverers(reader, node, place, discovery, DISCOVERER_KUBERNETES,
                              decode_kubernetes);
}
