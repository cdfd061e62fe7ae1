/* SPDX-License-Identifier: Apache-2.0 */
/* tls_config, the proxy's keys, and oauth2, which has both of its own. Never puts a value into a
 * message: most of them are secrets. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/config_blocks.h"
#include "config/config_values.h"

/* --- tls_config --- */

void config_decode_tls_version(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *target)
{
    static const char *const names[] = {
        [HTTP_TLS_1_0] = "TLS10",
        [HTTP_TLS_1_1] = "TLS11",
        [HTTP_TLS_1_2] = "TLS12",
        [HTTP_TLS_1_3] = "TLS13",
    };
    enum http_tls_version *version = target;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    for (size_t i = HTTP_TLS_1_0; i < ARRAY_SIZE(names); i++) {
        if (text_equal(node->text, text_of(names[i]))) {
            *version = (enum http_tls_version)i;
            return;
        }
    }
    config_error(reader, node, place, "must be TLS10, TLS11, TLS12 or TLS13");
}

static void exclude(struct config_reader *reader, const struct yaml_tree_node *node,
                    const struct config_place *place, const char *a, const char *b, bool both)
{
    if (both)
        config_error(reader, node, place, "%s and %s exclude each other", a, b);
}

static void check_tls(struct config_reader *reader, const struct yaml_tree_node *node,
                      const struct config_place *place, void *target)
{
    struct http_tls_config *tls = target;
    bool has_cert = tls->cert || tls->cert_file, has_key = tls->key || tls->key_file;

    exclude(reader, node, place, "ca", "ca_file", tls->ca && tls->ca_file);
    exclude(reader, node, place, "cert", "cert_file", tls->cert && tls->cert_file);
    exclude(reader, node, place, "key", "key_file", tls->key && tls->key_file);
    if (has_cert != has_key)
        config_error(reader, node, place, "%s needs %s: a client certificate is a pair of both",
                     has_cert ? "cert_file" : "key_file", has_cert ? "key_file" : "cert_file");
    if (tls->min_version && tls->max_version && tls->min_version > tls->max_version)
        config_error(reader, node, place, "max_version is below min_version");
}

#define TLS(member) offsetof(struct http_tls_config, member)

const struct config_block config_tls_block = {
    (const struct config_field[]){
        {"ca", CONFIG_TEXT, TLS(ca)},
        {"ca_file", CONFIG_PATH, TLS(ca_file)},
        {"cert", CONFIG_TEXT, TLS(cert)},
        {"cert_file", CONFIG_PATH, TLS(cert_file)},
        {"key", CONFIG_TEXT, TLS(key)},
        {"key_file", CONFIG_PATH, TLS(key_file)},
        {"server_name", CONFIG_TEXT, TLS(server_name)},
        {"insecure_skip_verify", CONFIG_BOOL, TLS(insecure_skip_verify)},
        {"min_version", CONFIG_CUSTOM, TLS(min_version), .decode = config_decode_tls_version},
        {"max_version", CONFIG_CUSTOM, TLS(max_version), .decode = config_decode_tls_version},
        {"ca_ref", CONFIG_UNBUILT},
        {"cert_ref", CONFIG_UNBUILT},
        {"key_ref", CONFIG_UNBUILT},
        {NULL}},
    check_tls};

/* --- proxies --- */

static void decode_proxy_url(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place, void *target)
{
    static const char *const socks[] = {"socks5://", "socks5h://"};
    char **url = target;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR) || !node->text.length)
        return;
    const char *fault = config_url_fault(node->text);
    for (size_t i = 0; i < ARRAY_SIZE(socks); i++)
        if (text_has_prefix(node->text, text_of(socks[i])))
            fault = NULL;
    if (fault)
        config_error(reader, node, place, "%s", fault);
    *url = config_copy_text(reader, node->text);
}

struct connect_headers {
    struct http_proxy_config *proxy;
    struct text name;
};

static void decode_connect_value(struct config_reader *reader, const struct yaml_tree_node *node,
                                 const struct config_place *place,
                                 const struct connect_headers *headers)
{
    struct http_proxy_config *proxy = headers->proxy;
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!config_header_value_is_legal(node->text)) {
        config_error(reader, node, place,
                     "a header's value is one line without control characters");
        return;
    }
    void *longer = realloc(proxy->connect_headers,
                           (proxy->connect_header_count + 1) * sizeof(*proxy->connect_headers));
    if (!longer) {
        reader->no_memory = true;
        return;
    }
    proxy->connect_headers = longer;
    proxy->connect_headers[proxy->connect_header_count++] = (struct http_header){
        config_copy_text(reader, headers->name), config_copy_text(reader, node->text)};
}

static void decode_connect_headers(struct config_reader *reader, const struct yaml_tree_node *node,
                                   const struct config_place *place, void *target)
{
    struct http_proxy_config *proxy = target;
    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        const struct config_place item = {.parent = place, .key = pair->key->text.bytes};
        const struct connect_headers headers = {proxy, pair->key->text};
        if (!config_header_name_is_legal(pair->key->text))
            config_error(reader, pair->key, &item, "\"%s\" is not a valid header name",
                         pair->key->text.bytes);
        if (!config_expect(reader, pair->value, &item, YAML_TREE_SEQUENCE))
            continue;
        for (size_t k = 0; k < pair->value->count; k++) {
            const struct config_place value = {.parent = &item, .index = k};
            decode_connect_value(reader, pair->value->items[k], &value, &headers);
        }
    }
}

static void check_proxy(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    struct http_proxy_config *proxy = target;
    exclude(reader, node, place, "proxy_from_environment", "proxy_url",
            proxy->from_environment && proxy->url);
    exclude(reader, node, place, "proxy_from_environment", "no_proxy",
            proxy->from_environment && proxy->no_proxy);
    if (proxy->no_proxy && !proxy->url && !proxy->from_environment)
        config_error(reader, node, place, "no_proxy needs proxy_url");
    if (proxy->connect_header_count && !proxy->url && !proxy->from_environment)
        config_error(reader, node, place,
                     "proxy_connect_header needs proxy_url or proxy_from_environment");
}

#define PROXY(member) offsetof(struct http_proxy_config, member)

const struct config_block config_proxy_block = {
    (const struct config_field[]){
        {"proxy_url", CONFIG_CUSTOM, PROXY(url), .decode = decode_proxy_url},
        {"no_proxy", CONFIG_TEXT, PROXY(no_proxy)},
        {"proxy_from_environment", CONFIG_BOOL, PROXY(from_environment)},
        {"proxy_connect_header", CONFIG_CUSTOM, .decode = decode_connect_headers},
        {NULL}},
    check_proxy};

/* --- oauth2 --- */

static void decode_scope(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *element)
{
    if (config_expect(reader, node, place, YAML_TREE_SCALAR))
        *(char **)element = config_copy_text(reader, node->text);
}

static void decode_scopes(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct http_oauth2_config *oauth2 = target;
    config_decode_list(reader, node, place, sizeof(char *), (void **)&oauth2->scopes,
                       &oauth2->scope_count, decode_scope);
}

static void add_endpoint_param(struct config_reader *reader, const struct yaml_tree_pair *pair,
                               const struct config_place *place, void *context)
{
    struct http_oauth2_config *oauth2 = context;
    (void)place;
    oauth2->endpoint_params[oauth2->endpoint_param_count++] = (struct http_header){
        config_copy_text(reader, pair->key->text), config_copy_text(reader, pair->value->text)};
}

static void decode_endpoint_params(struct config_reader *reader, const struct yaml_tree_node *node,
                                   const struct config_place *place, void *target)
{
    struct http_oauth2_config *oauth2 = target;
    oauth2->endpoint_params = calloc(node->count + 1, sizeof(*oauth2->endpoint_params));
    if (!oauth2->endpoint_params)
        reader->no_memory = true;
    else
        config_decode_pairs(reader, node, place, add_endpoint_param, oauth2);
}

static void check_oauth2(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct http_oauth2_config *oauth2 = target;
    const struct yaml_tree_node *url = config_given(node, "token_url");
    const struct config_place where = {.parent = place, .key = "token_url"};

    if (!oauth2->client_id)
        config_error(reader, node, place, "client_id is missing");
    if (!oauth2->token_url)
        config_error(reader, node, place, "token_url is missing");
    else if (config_url_fault(text_of(oauth2->token_url)))
        config_error(reader, url, &where, "%s", config_url_fault(text_of(oauth2->token_url)));
    exclude(reader, node, place, "client_secret", "client_secret_file",
            oauth2->client_secret && oauth2->client_secret_file);
}

#define OAUTH2(member) offsetof(struct http_oauth2_config, member)

const struct config_block config_oauth2_block = {
    (const struct config_field[]){
        {"client_id", CONFIG_TEXT, OAUTH2(client_id)},
        {"client_secret", CONFIG_TEXT, OAUTH2(client_secret)},
        {"client_secret_file", CONFIG_PATH, OAUTH2(client_secret_file)},
        {"client_secret_ref", CONFIG_UNBUILT},
        {"scopes", CONFIG_CUSTOM, .decode = decode_scopes},
        {"token_url", CONFIG_TEXT, OAUTH2(token_url)},
        {"endpoint_params", CONFIG_CUSTOM, .decode = decode_endpoint_params},
        {"tls_config", CONFIG_BLOCK, OAUTH2(tls), .block = &config_tls_block},
        {"", CONFIG_INLINE, OAUTH2(proxy), .block = &config_proxy_block},
        {NULL}},
    check_oauth2};

void config_decode_oauth2(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct http_oauth2_config **oauth2 = target;

    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    *oauth2 = calloc(1, sizeof(**oauth2));
    if (!*oauth2)
        reader->no_memory = true;
    else
        config_decode_block(reader, node, place, &config_oauth2_block, *oauth2);
}
