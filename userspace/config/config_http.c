/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' <http_config>, whose keys stand among those of a scrape or a remote. Never puts a
 * value into a message: most of them are secrets. */
#include <ctype.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/config_blocks.h"
#include "config/config_values.h"

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

/* The deprecated keys write into authorization: nothing but one of the four ways may be there. */
static void check_http(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    static const char *const ways[] = {"basic_auth", "authorization", "oauth2", "bearer_token",
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

/* --- http_headers --- */

static const char *const reserved_headers[] = {
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(reserved_headers); i++)
        if (strcasecmp(name, reserved_headers[i]) == 0)
            return true;
    return false;
}

/* One header as it is decoded: its values in the order in which they are sent. */
struct header_lists {
    char **values, **secrets, **files;
    size_t value_count, secret_count, file_count;
};

static void decode_header_value(struct config_reader *reader, const struct yaml_tree_node *node,
                                const struct config_place *place, void *element)
{
    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    if (!config_header_value_is_legal(node->text))
        config_error(reader, node, place,
                     "a header's value is one line without control characters");
    *(char **)element = config_copy_text(reader, node->text);
}

static void decode_header_file(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *element)
{
    if (config_expect(reader, node, place, YAML_TREE_SCALAR))
        *(char **)element = config_copy_path(reader, node->text);
}

static void decode_values(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *target)
{
    struct header_lists *lists = target;
    config_decode_list(reader, node, place, sizeof(char *), (void **)&lists->values,
                       &lists->value_count, decode_header_value);
}

static void decode_secrets(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct header_lists *lists = target;
    config_decode_list(reader, node, place, sizeof(char *), (void **)&lists->secrets,
                       &lists->secret_count, decode_header_value);
}

static void decode_files(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct header_lists *lists = target;
    config_decode_list(reader, node, place, sizeof(char *), (void **)&lists->files,
                       &lists->file_count, decode_header_file);
}

static const struct config_block header_block = {
    (const struct config_field[]){{"values", CONFIG_CUSTOM, .decode = decode_values},
                                  {"secrets", CONFIG_CUSTOM, .decode = decode_secrets},
                                  {"files", CONFIG_CUSTOM, .decode = decode_files},
                                  {NULL}}};

static void take_headers(struct config_reader *reader, struct http_config *http, struct text name,
                         char **list, size_t count, bool are_files)
{
    for (size_t i = 0; i < count; i++) {
        http->extra_headers[http->extra_header_count++] = (struct http_extra_header){
            .name = config_copy_text(reader, name),
            .value = are_files ? NULL : list[i],
            .file = are_files ? list[i] : NULL,
        };
    }
    free(list);
}

static void decode_header(struct config_reader *reader, const struct yaml_tree_pair *pair,
                          const struct config_place *place, struct http_config *http)
{
    struct header_lists lists = {0};
    const char *name = pair->key->text.bytes;

    if (!config_header_name_is_legal(pair->key->text))
        config_error(reader, pair->key, place, "\"%s\" is not a valid header name", name);
    else if (is_reserved(name))
        config_error(reader, pair->key, place,
                     "%s is set by edgemeter itself; it cannot be given here", name);
    config_decode_block(reader, pair->value, place, &header_block, &lists);
    size_t more = lists.value_count + lists.secret_count + lists.file_count;
    void *longer = realloc(http->extra_headers,
                           (http->extra_header_count + more + 1) * sizeof(*http->extra_headers));
    if (!longer) {
        reader->no_memory = true;
        return;
    }
    http->extra_headers = longer;
    take_headers(reader, http, pair->key->text, lists.values, lists.value_count, false);
    take_headers(reader, http, pair->key->text, lists.secrets, lists.secret_count, false);
    take_headers(reader, http, pair->key->text, lists.files, lists.file_count, true);
}

static void decode_extra_headers(struct config_reader *reader, const struct yaml_tree_node *node,
                                 const struct config_place *place, void *target)
{
    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .key = node->pairs[i].key->text.bytes};
        decode_header(reader, &node->pairs[i], &item, target);
    }
}

const struct config_block config_http_block = {
    (const struct config_field[]){
        {"basic_auth", CONFIG_BLOCK, .block = &basic_auth_block},
        {"authorization", CONFIG_BLOCK, .block = &authorization_block},
        {"bearer_token", CONFIG_TEXT, HTTP(authorization.credentials)},
        {"bearer_token_file", CONFIG_PATH, HTTP(authorization.credentials_file)},
        {"oauth2", CONFIG_CUSTOM, HTTP(oauth2), .block = &config_oauth2_block,
         .decode = config_decode_oauth2},
        {"tls_config", CONFIG_BLOCK, HTTP(tls), .block = &config_tls_block},
        {"follow_redirects", CONFIG_BOOL, HTTP(follow_redirects)},
        {"enable_http2", CONFIG_BOOL, HTTP(enable_http2)},
        {"http_headers", CONFIG_CUSTOM, .block = &header_block, .decode = decode_extra_headers},
        {"", CONFIG_INLINE, HTTP(proxy), .block = &config_proxy_block},
        {NULL}},
    check_http};
