/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file and finds its way: current-context, its context, that one's cluster and user.
 * Programs that give credentials (exec, auth-provider) are not run. */
#include "config/config_kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "config/config_digest.h"

#define MAX_BYTES (1 << 20)

#define autoproblems __attribute__((cleanup(problems_free)))

struct kubeconfig {
    struct config_reader *reader;
    const struct yaml_tree_node *node; /* where problems are reported */
    const struct config_place *place;
    const char *path;
    bool failed;
};

__attribute__((format(printf, 3, 4))) static void
fail(struct kubeconfig *file, const struct yaml_tree_node *at, const char *format, ...)
{
    autofree char *reason = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&reason, format, arguments);
    va_end(arguments);
    file->failed = true;
    if (length < 0) {
        reason = NULL;
        file->reader->no_memory = true;
    } else if (at) {
        config_error(file->reader, file->node, file->place, "%s:%u:%u: %s", file->path, at->line,
                     at->column, reason);
    } else {
        config_error(file->reader, file->node, file->place, "%s: %s", file->path, reason);
    }
}

/* --- looking things up --- */

static const struct yaml_tree_node *find(const struct yaml_tree_node *mapping, const char *key)
{
    const struct yaml_tree_pair *pair =
        mapping && mapping->kind == YAML_TREE_MAPPING ? yaml_tree_find(mapping, key) : NULL;

    return pair && pair->value->kind != YAML_TREE_NULL ? pair->value : NULL;
}

static const struct yaml_tree_node *find_text(const struct yaml_tree_node *mapping, const char *key)
{
    const struct yaml_tree_node *value = find(mapping, key);

    return value && value->kind == YAML_TREE_SCALAR && value->text.length ? value : NULL;
}

/* The `what` of the list's item of that name. */
static const struct yaml_tree_node *find_named(struct kubeconfig *file,
                                               const struct yaml_tree_node *root, const char *list,
                                               const char *what, const struct yaml_tree_node *name)
{
    const struct yaml_tree_node *items = find(root, list);

    for (size_t i = 0; items && items->kind == YAML_TREE_SEQUENCE && i < items->count; i++) {
        const struct yaml_tree_node *item_name = find_text(items->items[i], "name");
        if (item_name && text_equal(item_name->text, name->text))
            return find(items->items[i], what);
    }
    fail(file, name, "%s has no \"%s\"", list, name->text.bytes);
    return NULL;
}

/* --- values --- */

static void take_text(struct kubeconfig *file, const struct yaml_tree_node *value, char **out)
{
    if (!value)
        return;
    free(*out);
    *out = config_copy_text(file->reader, value->text);
}

/* A relative path starts from the folder of the kubeconfig. */
static void take_path(struct kubeconfig *file, const struct yaml_tree_node *value, char **out)
{
    const char *slash = strrchr(file->path, '/');

    if (!value)
        return;
    free(*out);
    *out = NULL;
    if (*value->text.bytes == '/' || !slash)
        *out = config_copy_text(file->reader, value->text);
    else if (asprintf(out, "%.*s/%s", (int)(slash - file->path), file->path, value->text.bytes) < 0)
        *out = NULL;
    file->reader->no_memory |= !*out;
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Base64 to text; the caller frees. NULL where it is not that. */
static char *decode(struct text text)
{
    char *out = malloc(text.length / 4 * 3 + 4), *to = out;
    unsigned bits = 0, held = 0;
    size_t i = 0;

    for (; out && i < text.length && text.bytes[i] != '='; i++) {
        int digit = digit_of(text.bytes[i]);
        if (digit < 0)
            break;
        held = held << 6 | (unsigned)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (char)(held >> bits & 0xff);
        }
    }
    while (i < text.length && text.bytes[i] == '=')
        i++;
    if (!out || i < text.length) {
        free(out);
        return NULL;
    }
    *to = '\0';
    return out;
}

/* KEY-data holds what is to be, KEY names a file that does. */
static void take_data_or_path(struct kubeconfig *file, const struct yaml_tree_node *mapping,
                              const char *key, char **data, char **path)
{
    char data_key[64];

    snprintf(data_key, sizeof(data_key), "%s-data", key);
    const struct yaml_tree_node *value = find_text(mapping, data_key);
    if (!value) {
        take_path(file, find_text(mapping, key), path);
        return;
    }
    free(*data);
    *data = decode(value->text);
    if (!*data)
        fail(file, value, "%s is not base64", data_key);
}

/* --- the parts --- */

static void take_cluster(struct kubeconfig *file, const struct yaml_tree_node *cluster,
                         struct kubernetes_config *config)
{
    const struct yaml_tree_node *server = find_text(cluster, "server");
    const struct yaml_tree_node *insecure = find_text(cluster, "insecure-skip-tls-verify");

    if (!server)
        fail(file, cluster, "the cluster has no server");
    take_text(file, server, &config->api_server);
    take_text(file, find_text(cluster, "tls-server-name"), &config->http.tls.server_name);
    take_text(file, find_text(cluster, "proxy-url"), &config->http.proxy.url);
    take_data_or_path(file, cluster, "certificate-authority", &config->http.tls.ca,
                      &config->http.tls.ca_file);
    config->http.tls.insecure_skip_verify = insecure && text_equal(insecure->text, TEXT("true"));
}

static void take_user(struct kubeconfig *file, const struct yaml_tree_node *user,
                      struct http_config *http)
{
    static const char *const programs[] = {"exec", "auth-provider"};
    const struct yaml_tree_node *token = find_text(user, "token");
    const struct yaml_tree_node *token_file = find_text(user, "tokenFile");

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        const struct yaml_tree_node *program = find(user, programs[i]);
        if (program)
            fail(file, program,
                 "%s is not supported: no program is run for credentials; use a token or a client "
                 "certificate",
                 programs[i]);
    }
    if (token_file) /* which is read again and again: it wins, as in kubectl */
        take_path(file, token_file, &http->authorization.credentials_file);
    else
        take_text(file, token, &http->authorization.credentials);
    take_text(file, find_text(user, "username"), &http->basic_auth.username);
    take_text(file, find_text(user, "password"), &http->basic_auth.password);
    take_data_or_path(file, user, "client-certificate", &http->tls.cert, &http->tls.cert_file);
    take_data_or_path(file, user, "client-key", &http->tls.key, &http->tls.key_file);
    if ((token || token_file) && !http->authorization.type)
        http->authorization.type = config_copy_text(file->reader, TEXT("Bearer"));
}

static void take_context(struct kubeconfig *file, const struct yaml_tree_node *root,
                         struct kubernetes_config *config)
{
    const struct yaml_tree_node *current = find_text(root, "current-context");
    const struct yaml_tree_node *context = NULL;

    if (!current)
        fail(file, NULL, "it has no current-context");
    else
        context = find_named(file, root, "contexts", "context", current);
    if (!context)
        return;
    const struct yaml_tree_node *cluster_name = find_text(context, "cluster");
    const struct yaml_tree_node *user_name = find_text(context, "user");
    if (!cluster_name) {
        fail(file, context, "the context has no cluster");
        return;
    }
    const struct yaml_tree_node *cluster =
        find_named(file, root, "clusters", "cluster", cluster_name);
    const struct yaml_tree_node *user =
        user_name ? find_named(file, root, "users", "user", user_name) : NULL;
    if (!file->failed)
        take_cluster(file, cluster, config);
    if (!file->failed && user)
        take_user(file, user, &config->http);
}

void config_read_kubeconfig(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, const char *path,
                            struct kubernetes_config *config)
{
    struct kubeconfig file = {reader, node, place, path, false};
    autoproblems struct problems problems = {.file = path};
    autoyaml struct yaml_tree *tree = NULL;
    autobuffer struct buffer bytes;

    buffer_init(&bytes, MAX_BYTES);
    int error = file_read(path, &bytes);
    if (error) {
        fail(&file, NULL, "%s", strerror(-error));
        return;
    }
    error = yaml_tree_parse(buffer_text(&bytes), &problems, &tree);
    if (error == -ENOMEM) {
        reader->no_memory = true;
    } else if (error) {
        config_error(reader, node, place, "%s:%u:%u: %s", path, problems.list[0].line,
                     problems.list[0].column, problems.list[0].message);
    } else {
        take_context(&file, yaml_tree_root(tree), config);
        config->server_digest = config_digest(yaml_tree_root(tree), config->server_digest);
    }
}
