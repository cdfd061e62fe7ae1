/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' <http_config>, whose keys stand among those of a scrape or a remote. Never puts a
 * value into a message: most of them are secrets. */
#include <ctype.h>
#include <stdlib.h>

#include "config/config_blocks.h"

#define HTTP(member) offsetof(struct http_config, member)

static char *empty_text(struct config_reader *reader)
{
    return config_copy_text(reader, TEXT(""));
}

static void check_basic_auth(struct config_reader *reader, const struct yaml_tree_node *node,
                             const struct config_place *place, void *target)
{
    struct http_config *http = target;
    if (http->basic_auth.username && http->basic_auth.username_file)
        config_error(reader, node, place, "username and username_file exclude each other");
    if (http->basic_auth.password && http->basic_auth.password_file)
        config_error(reader, node, place, "password and password_file exclude each other");
    if (!http->basic_auth.username && !http->basic_auth.username_file)
        http->basic_auth.username = empty_text(reader); /* the block is given: it is used */
}

static const struct config_block basic_auth_block = {
    (const struct config_field[]){{"username", CONFIG_TEXT, HTTP(basic_auth.username)},
                                  {"username_file", CONFIG_PATH, HTTP(basic_auth.username_file)},
                                  {"username_ref", CONFIG_UNBUILT},
                                  {"password", CONFIG_TEXT, HTTP(basic_auth.password)},
                                  {"password_file", CONFIG_PATH, HTTP(basic_auth.password_file)},
                                  {"password_ref", CONFIG_UNBUILT},
                                  {NULL}},
    check_basic_auth};

static void trim(char *text)
{
    char *start = text + strspn(text, " \t\r\n");
    size_t length = strlen(start);
    while (length && isspace((unsigned char)start[length - 1]))
        length--;
    memmove(text, start, length);
    text[length] = '\0';
}

static void check_authorization(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *target)
{
    struct http_config *http = target;
    if (http->authorization.type)
        trim(http->authorization.type);
    if (!http->authorization.type || !*http->authorization.type) {
        free(http->authorization.type);
        http->authorization.type = config_copy_text(reader, TEXT("Bearer"));
    } else if (strcasecmp(http->authorization.type, "basic") == 0) {
        config_error(reader, node, place, "type cannot be \"Basic\"; use basic_auth instead");
    }
    if (http->authorization.credentials && http->authorization.credentials_file)
        config_error(reader, node, place, "credentials and credentials_file exclude each other");
    if (!http->authorization.credentials && !http->authorization.credentials_file)
        config_warning(reader, node, place,
                       "neither credentials nor credentials_file is given: no Authorization header "
                       "is sent");
}

static const struct config_block authorization_block = {
    (const struct config_field[]){
        {"type", CONFIG_TEXT, HTTP(authorization.type)},
        {"credentials", CONFIG_TEXT, HTTP(authorization.credentials)},
        {"credentials_file", CONFIG_PATH, HTTP(authorization.credentials_file)},
        {"credentials_ref", CONFIG_UNBUILT},
        {NULL}},
    check_authorization};

static void check_tls(struct config_reader *reader, const struct yaml_tree_node *node,
                      const struct config_place *place, void *target)
{
    struct http_config *http = target;
    if (!http->tls.cert_file != !http->tls.key_file)
        config_error(reader, node, place, "%s needs %s: a client certificate is a pair of both",
                     http->tls.cert_file ? "cert_file" : "key_file",
                     http->tls.cert_file ? "key_file" : "cert_file");
}

static const struct config_block tls_block = {
    (const struct config_field[]){
        {"ca_file", CONFIG_PATH, HTTP(tls.ca_file)},
        {"cert_file", CONFIG_PATH, HTTP(tls.cert_file)},
        {"key_file", CONFIG_PATH, HTTP(tls.key_file)},
        {"server_name", CONFIG_TEXT, HTTP(tls.server_name)},
        {"insecure_skip_verify", CONFIG_BOOL, HTTP(tls.insecure_skip_verify)},
        {"ca", CONFIG_UNBUILT, .advice = "put it into a file and name that as ca_file"},
        {"cert", CONFIG_UNBUILT, .advice = "put it into a file and name that as cert_file"},
        {"key", CONFIG_UNBUILT, .advice = "put it into a file and name that as key_file"},
        {"ca_ref", CONFIG_UNBUILT},
        {"cert_ref", CONFIG_UNBUILT},
        {"key_ref", CONFIG_UNBUILT},
        {"min_version", CONFIG_UNBUILT},
        {"max_version", CONFIG_UNBUILT},
        {NULL}},
    check_tls};

/* The deprecated keys write into authorization: nothing but one of the four ways may be there. */
static void check_http(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    static const char *const ways[] = {"basic_auth", "authorization", "bearer_token",
                                       "bearer_token_file"};
    struct http_config *http = target;
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        const struct yaml_tree_node *way = config_given(node, ways[i]);
        if (!way || (way->kind == YAML_TREE_SCALAR && way->text.length == 0))
            continue;
        const struct config_place where = {.parent = place, .key = ways[i]};
        if (first)
            config_error(reader, way, &where, "excludes %s; keep one of them", first);
        else
            first = ways[i];
    }
    bool has_token = http->authorization.credentials || http->authorization.credentials_file;
    if (has_token && !http->authorization.type)
        http->authorization.type = config_copy_text(reader, TEXT("Bearer"));
}

/* Either value is kept: the client speaks HTTP/1.1 only, and true no more than permits HTTP/2. */
static void check_bool(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    bool value;
    (void)target;
    config_decode_bool(reader, node, place, &value);
}

const struct config_block config_http_block = {
    (const struct config_field[]){
        {"basic_auth", CONFIG_BLOCK, .block = &basic_auth_block},
        {"authorization", CONFIG_BLOCK, .block = &authorization_block},
        {"bearer_token", CONFIG_TEXT, HTTP(authorization.credentials)},
        {"bearer_token_file", CONFIG_PATH, HTTP(authorization.credentials_file)},
        {"tls_config", CONFIG_BLOCK, .block = &tls_block},
        {"follow_redirects", CONFIG_BOOL, HTTP(follow_redirects)},
        {"enable_http2", CONFIG_CUSTOM, .decode = check_bool},
        {"oauth2", CONFIG_UNBUILT},
        {"proxy_url", CONFIG_UNBUILT},
        {"no_proxy", CONFIG_UNBUILT},
        {"proxy_from_environment", CONFIG_UNBUILT, .neutral = "false"},
        {"proxy_connect_header", CONFIG_UNBUILT, .neutral = "{}"},
        {"http_headers", CONFIG_UNBUILT, .neutral = "{}"},
        {NULL}},
    check_http};
