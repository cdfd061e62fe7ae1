/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter-toolkit's keys, strict as it is. Opens none of the files that the file names. */
#include "config/config_web.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "base/path.h"
#include "config/config_blocks.h"
#include "config/config_fields.h"
#include "config/config_values.h"

static void decode_client_auth(struct config_reader *reader, const struct yaml_tree_node *node,
                               const struct config_place *place, void *target)
{
    static const struct {
        const char *name;
        enum web_client_auth auth;
    } names[] = {
        {"", WEB_NO_CLIENT_CERT},
        {"NoClientCert", WEB_NO_CLIENT_CERT},
        {"RequestClientCert", WEB_REQUEST_CLIENT_CERT},
        {"RequireAnyClientCert", WEB_REQUIRE_ANY_CLIENT_CERT},
        {"RequireClientCert", WEB_REQUIRE_ANY_CLIENT_CERT}, /* as it was once called */
        {"VerifyClientCertIfGiven", WEB_VERIFY_CLIENT_CERT_IF_GIVEN},
        {"RequireAndVerifyClientCert", WEB_REQUIRE_AND_VERIFY_CLIENT_CERT},
    };
    enum web_client_auth *auth = target;

    if (!config_expect(reader, node, place, YAML_TREE_SCALAR))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (text_equal(node->text, text_of(names[i].name))) {
            *auth = names[i].auth;
            return;
        }
    }
    config_error(reader, node, place,
                 "must be NoClientCert, RequestClientCert, RequireAnyClientCert, "
                 "VerifyClientCertIfGiven or RequireAndVerifyClientCert");
}

static void decode_list(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    struct web_list *list = target;

    if (!config_expect(reader, node, place, YAML_TREE_SEQUENCE))
        return;
    if (node->count > WEB_CONFIG_MAX_ITEMS) {
        config_error(reader, node, place, "has more than %d items", WEB_CONFIG_MAX_ITEMS);
        return;
    }
    list->items = calloc(node->count + 1, sizeof(*list->items));
    if (!list->items) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_place item = {.parent = place, .index = i};
        if (config_expect(reader, node->items[i], &item, YAML_TREE_SCALAR))
            list->items[list->count++] = config_copy_text(reader, node->items[i]->text);
    }
}

/* A mapping of texts to texts into an array of pairs of them. */
static void decode_pairs(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, struct web_header **pairs, size_t *count)
{
    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    *pairs = calloc(node->count + 1, sizeof(**pairs));
    if (!*pairs) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_tree_pair *pair = &node->pairs[i];
        const struct config_place item = {.parent = place, .key = pair->key->text.bytes};
        if (config_expect(reader, pair->value, &item, YAML_TREE_SCALAR))
            (*pairs)[(*count)++] = (struct web_header){config_copy_text(reader, pair->key->text),
                                                       config_copy_text(reader, pair->value->text)};
    }
}

_Static_assert(sizeof(struct web_user) == sizeof(struct web_header), "both are pairs of texts");

static bool is_bcrypt(const char *hash)
{
    static const char *const kinds[] = {"$2a$", "$2b$", "$2y$"};

    for (size_t i = 0; hash && i < ARRAY_SIZE(kinds); i++)
        if (!strncmp(hash, kinds[i], 4))
            return strlen(hash) == 60;
    return false;
}

static void decode_users(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct web_config *config = target;

    decode_pairs(reader, node, place, (struct web_header **)&config->users, &config->user_count);
    for (size_t i = 0; i < config->user_count; i++)
        if (!is_bcrypt(config->users[i].hash))
            config_error(reader, node, place,
                         "the password of %s is no bcrypt hash ($2y$...); make one with htpasswd "
                         "-nBC 10",
                         config->users[i].name);
}

struct allowed_header {
    const char *name;
    const char *values[3]; /* none: any */
};

static const struct allowed_header *find_header(const char *name)
{
    static const struct allowed_header allowed[] = {
        {"Content-Security-Policy"},
        {"Strict-Transport-Security"},
        {"X-Content-Type-Options", {"nosniff"}},
        {"X-Frame-Options", {"deny", "sameorigin"}},
        {"X-XSS-Protection"},
    };

    for (size_t i = 0; name && i < ARRAY_SIZE(allowed); i++)
        if (!strcasecmp(name, allowed[i].name))
            return &allowed[i];
    return NULL;
}

static bool may_have(const struct allowed_header *header, const char *value)
{
    for (size_t i = 0; header->values[i]; i++)
        if (!strcmp(value, header->values[i]))
            return true;
    return !header->values[0];
}

static void decode_headers(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct web_config *config = target;

    decode_pairs(reader, node, place, &config->headers, &config->header_count);
    for (size_t i = 0; i < config->header_count; i++) {
        const struct web_header *header = &config->headers[i];
        const struct allowed_header *allowed = find_header(header->name);
        const char *value = header->value ? header->value : "";
        if (!allowed)
            config_error(reader, node, place, "HTTP header %s can not be configured", header->name);
        else if (!config_header_value_is_legal(text_of(value)))
            config_error(reader, node, place, "the value of %s is not one line", header->name);
        else if (!may_have(allowed, value))
            config_error(reader, node, place, "the value of %s must be %s%s%s", header->name,
                         allowed->values[0], allowed->values[1] ? " or " : "",
                         allowed->values[1] ? allowed->values[1] : "");
    }
}

#define TLS(member) offsetof(struct web_tls_config, member)

static void check_tls(struct config_reader *reader, const struct yaml_tree_node *node,
                      const struct config_place *place, void *target)
{
    struct web_tls_config *tls = target;
    bool checks = tls->client_auth >= WEB_VERIFY_CLIENT_CERT_IF_GIVEN;
    bool has_ca = tls->client_ca || tls->client_ca_file;

    tls->given = tls->cert || tls->cert_file || tls->key || tls->key_file || has_ca ||
                 config_given(node, "client_auth_type");
    if (!tls->given) /* an empty block turns nothing on */
        return;
    if (!tls->cert && !tls->cert_file)
        config_error(reader, node, place, "missing one of cert or cert_file");
    if (!tls->key && !tls->key_file)
        config_error(reader, node, place, "missing one of key or key_file");
    if ((tls->cert && tls->cert_file) || (tls->key && tls->key_file) ||
        (tls->client_ca && tls->client_ca_file))
        config_error(reader, node, place, "a text and its _file exclude each other");
    if (has_ca && tls->client_auth == WEB_NO_CLIENT_CERT)
        config_error(reader, node, place,
                     "client CA's have been configured without a Client Auth Policy");
    if (checks && !has_ca)
        config_warning(reader, node, place,
                       "without client_ca_file a certificate of any authority that this system "
                       "trusts is good");
    if (tls->client_sans.count && tls->client_auth != WEB_REQUIRE_AND_VERIFY_CLIENT_CERT)
        config_error(reader, node, place,
                     "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert");
    if (tls->min_version > tls->max_version)
        config_error(reader, node, place, "max_version is below min_version");
}

static const struct config_block tls_block = {
    (const struct config_field[]){
        {"cert", CONFIG_TEXT, TLS(cert)},
        {"cert_file", CONFIG_PATH, TLS(cert_file)},
        {"key", CONFIG_TEXT, TLS(key)},
        {"key_file", CONFIG_PATH, TLS(key_file)},
        {"client_ca", CONFIG_TEXT, TLS(client_ca)},
        {"client_ca_file", CONFIG_PATH, TLS(client_ca_file)},
        {"client_auth_type", CONFIG_CUSTOM, TLS(client_auth), .decode = decode_client_auth},
        {"client_allowed_sans", CONFIG_CUSTOM, TLS(client_sans), .decode = decode_list},
        {"min_version", CONFIG_CUSTOM, TLS(min_version), .decode = config_decode_tls_version},
        {"max_version", CONFIG_CUSTOM, TLS(max_version), .decode = config_decode_tls_version},
        {"cipher_suites", CONFIG_CUSTOM, TLS(cipher_suites), .decode = decode_list},
        {"curve_preferences", CONFIG_CUSTOM, TLS(curves), .decode = decode_list},
        {"prefer_server_cipher_suites", CONFIG_BOOL, TLS(prefer_server_ciphers)},
        {NULL}},
    check_tls};

static const struct config_block http_block = {
    (const struct config_field[]){{"http2", CONFIG_BOOL, offsetof(struct web_config, http2)},
                                  {"headers", CONFIG_CUSTOM, 0, .decode = decode_headers},
                                  {NULL}}};

static void decode_http(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    config_decode_block(reader, node, place, &http_block, target);
}

static const struct config_block web_block = {(const struct config_field[]){
    {"tls_server_config", CONFIG_BLOCK, offsetof(struct web_config, tls), .block = &tls_block},
    {"http_server_config", CONFIG_CUSTOM, 0, .decode = decode_http},
    {"basic_auth_users", CONFIG_CUSTOM, 0, .decode = decode_users},
    {NULL}}};

static int decode(const char *path, struct text bytes, struct web_config *config,
                  struct problems *problems)
{
    autoyaml struct yaml_tree *tree = NULL;
    struct config_reader reader = {.problems = problems, .directory = path_folder(path)};

    int error = yaml_tree_parse(bytes, problems, &tree);
    if (error)
        return error;
    const struct yaml_tree_node *root = yaml_tree_root(tree); /* an empty file turns nothing on */
    if (root)
        config_decode_block(&reader, root, NULL, &web_block, config);
    if (reader.no_memory)
        return -ENOMEM;
    return problems_have_error(problems) ? -EINVAL : 0;
}

int config_web_load(const char *path, struct web_config **out, struct problems *problems)
{
    autobuffer struct buffer bytes;
    struct web_config *config = calloc(1, sizeof(*config));

    *problems = (struct problems){.file = path};
    buffer_init(&bytes, YAML_TREE_MAX_BYTES);
    if (!config)
        return -ENOMEM;
    web_config_init(config);
    int error = file_read(path, &bytes);
    if (error && error != -ENOMEM) {
        problems_add(problems, PROBLEM_ERROR, 0, 0, "cannot read it: %s", strerror(-error));
        error = -EINVAL;
    }
    if (!error && bytes.length)
        error = decode(path, buffer_text(&bytes), config, problems);
    if (error)
        web_config_free(&config);
    else
        *out = config;
    return error;
}
