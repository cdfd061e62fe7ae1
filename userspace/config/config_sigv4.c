/* SPDX-License-Identifier: Apache-2.0 */
/* remote_write.sigv4: a pair of keys, from the file or from AWS' environment variables. Other ways
 * to get one (profile, role_arn, the instance's own role) are refused by name. */
#include <stdlib.h>

#include "config/config_blocks.h"

#define KEYS_INSTEAD "give access_key and secret_key, or a proxy that signs"
#define SIGV4(member) offsetof(struct http_sigv4_config, member)

static char *from_environment(struct config_reader *reader, const char *name, const char *other)
{
    const char *value = getenv(name);
    if (!value && other)
        value = getenv(other);
    return value && *value ? config_copy_text(reader, text_of(value)) : NULL;
}

static void check_keys(struct config_reader *reader, const struct yaml_tree_node *node,
                       const struct config_place *place, void *target)
{
    struct http_sigv4_config *sigv4 = target;
    if (!sigv4->access_key != !sigv4->secret_key) {
        config_error(reader, node, place, "access_key and secret_key go together; give both");
        return;
    }
    if (!sigv4->access_key) {
        sigv4->access_key = from_environment(reader, "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
        sigv4->secret_key = from_environment(reader, "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");
        sigv4->session_token = from_environment(reader, "AWS_SESSION_TOKEN", NULL);
    }
    if (!sigv4->region)
        sigv4->region = from_environment(reader, "AWS_REGION", "AWS_DEFAULT_REGION");
    if (!sigv4->access_key || !sigv4->secret_key)
        config_error(reader, node, place,
                     "access_key and secret_key are missing, and AWS_ACCESS_KEY_ID and "
                     "AWS_SECRET_ACCESS_KEY are not in the environment");
    if (!sigv4->region)
        config_error(reader, node, place,
                     "region is missing, and AWS_REGION is not in the environment");
}

static const struct config_block sigv4_block = {
    (const struct config_field[]){{"region", CONFIG_TEXT, SIGV4(region)},
                                  {"access_key", CONFIG_TEXT, SIGV4(access_key)},
                                  {"secret_key", CONFIG_TEXT, SIGV4(secret_key)},
                                  {"profile", CONFIG_UNBUILT, .advice = KEYS_INSTEAD},
                                  {"role_arn", CONFIG_UNBUILT, .advice = KEYS_INSTEAD},
                                  {"external_id", CONFIG_UNBUILT, .advice = KEYS_INSTEAD},
                                  {"use_fips_sts_endpoint", CONFIG_UNBUILT, .neutral = "false"},
                                  {"service_name", CONFIG_UNBUILT},
                                  {NULL}},
    check_keys};

void config_decode_sigv4(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    struct http_sigv4_config **sigv4 = target;

    if (!config_expect(reader, node, place, YAML_TREE_MAPPING))
        return;
    *sigv4 = calloc(1, sizeof(**sigv4));
    if (!*sigv4)
        reader->no_memory = true;
    else
        config_decode_block(reader, node, place, &sigv4_block, *sigv4);
}

void config_check_sigv4(struct config_reader *reader, const struct yaml_tree_node *remote,
                        const struct config_place *place)
{
    static const char *const others[] = {"basic_auth", "authorization", "oauth2", "bearer_token",
                                         "bearer_token_file"};
    const struct yaml_tree_node *sigv4 = config_given(remote, "sigv4");
    const struct config_place where = {.parent = place, .key = "sigv4"};
    for (size_t i = 0; sigv4 && i < sizeof(others) / sizeof(*others); i++)
        if (config_given(remote, others[i]))
            config_error(reader, sigv4, &where, "excludes %s; keep one of them", others[i]);
}
