/* SPDX-License-Identifier: Apache-2.0 */
/* remote_write and queue. A remote's URL and headers may hold secrets: no message shows a value. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/config_blocks.h"
#include "config/config_digest.h"
#include "config/config_values.h"

/* --- headers --- */

/* Those that the sender, the connection or a signature writes; Prometheus' list. */
static const char *const reserved_headers[] = {
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
};

static const char *header_fault(struct text name, struct text value)
{
    if (!config_header_name_is_legal(name))
        return "is not a valid header name";
    if (strcasecmp(name.bytes, "authorization") == 0)
        return "is set by basic_auth or authorization; use one of these";
    for (size_t i = 0; i < ARRAY_SIZE(reserved_headers); i++)
        if (strcasecmp(name.bytes, reserved_headers[i]) == 0)
            return "is a reserved header and must not be changed; remove it";
    if (!config_header_value_is_legal(value))
        return "has a line break or a control character in its value";
    return NULL;
}

static void add_header(struct config_reader *reader, const struct yaml_tree_pair *pair,
                       const struct config_place *place, void *context)
{
    struct http_config *http = context;
    const char *fault = header_fault(pair->key->text, pair->value->text);
    if (fault)
        config_error(reader, pair->key, place->parent, "\"%s\" %s", pair->key->text.bytes, fault);
    else
        http->headers[http->header_count++] = (struct http_header){
            config_copy_text(reader, pair->key->text), config_copy_text(reader, pair->value->text)};
}

static void decode_headers(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct http_config *http = &((struct remote_write_config *)target)->http;
    http->headers = calloc(node->count + 1, sizeof(*http->headers));
    if (!http->headers)
        reader->no_memory = true;
    else
        config_decode_pairs(reader, node, place, add_header, http);
}

/* --- checks of one remote --- */

static void check_remote(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    config_check_url(reader, node, place, ((struct remote_write_config *)target)->url, "remote");
    config_check_sigv4(reader, node, place);
}

static void decode_protocol(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, void *target)
{
    static const char *const messages[] = {
        [REMOTE_WRITE_V1] = "prometheus.WriteRequest",
        [REMOTE_WRITE_V2] = "io.prometheus.write.v2.Request",
    };
    for (size_t i = 0; node->kind == YAML_TREE_SCALAR && i < ARRAY_SIZE(messages); i++) {
        if (text_equal(node->text, text_of(messages[i]))) {
            *(enum remote_write_protocol *)target = (enum remote_write_protocol)i;
            return;
        }
    }
    config_error(reader, node, place, "must be %s or %s", messages[REMOTE_WRITE_V1],
                 messages[REMOTE_WRITE_V2]);
}

/* 0 is allowed. */
static void decode_limit(struct config_reader *reader, const struct yaml_tree_node *node,
                         const struct config_place *place, void *target)
{
    config_decode_duration(reader, node, place, target);
}

/* Prometheus' defaults leave a min_backoff above 5s without its max_backoff standing alone. */
static void check_queue(struct config_reader *reader, const struct yaml_tree_node *node,
                        const struct config_place *place, void *target)
{
    struct remote_write_config *remote = target;
    if (remote->queue.min_backoff_ns > remote->queue.max_backoff_ns) {
        char text[DURATION_TEXT_SIZE];
        duration_text(remote->queue.min_backoff_ns, text, sizeof(text));
        config_warning(reader, node, place,
                       "min_backoff is above max_backoff; both are taken as %s", text);
        remote->queue.max_backoff_ns = remote->queue.min_backoff_ns;
    }
    if (remote->queue.min_shards > remote->queue.max_shards) {
        config_warning(reader, node, place, "min_shards is above max_shards; both are taken as %u",
                       remote->queue.max_shards);
        remote->queue.min_shards = remote->queue.max_shards;
    }
}

/* --- the blocks --- */

#define MAX_SHARDS 1024 /* QUEUE_SHARDS_MAX */
#define REMOTE(member) offsetof(struct remote_write_config, member)

static const struct config_block queue_config_block = {
    (const struct config_field[]){
        {"capacity", CONFIG_UINT32, REMOTE(queue.capacity), 1, 10000000},
        {"max_shards", CONFIG_UINT32, REMOTE(queue.max_shards), 1, MAX_SHARDS},
        {"min_shards", CONFIG_UINT32, REMOTE(queue.min_shards), 1, MAX_SHARDS},
        {"max_samples_per_send", CONFIG_UINT32, REMOTE(queue.max_samples_per_send), 1, 1000000},
        {"batch_send_deadline", CONFIG_DURATION, REMOTE(queue.batch_send_deadline_ns)},
        {"min_backoff", CONFIG_DURATION, REMOTE(queue.min_backoff_ns)},
        {"max_backoff", CONFIG_DURATION, REMOTE(queue.max_backoff_ns)},
        {"retry_on_http_429", CONFIG_BOOL, REMOTE(queue.retry_on_http_429)},
        {"sample_age_limit", CONFIG_CUSTOM, REMOTE(queue.sample_age_limit_ns),
         .decode = decode_limit},
        {NULL}},
    check_queue};

static const struct config_block metadata_block = {(const struct config_field[]){
    {"send", CONFIG_BOOL, REMOTE(metadata.send)},
    {"send_interval", CONFIG_DURATION, REMOTE(metadata.send_interval_ns)},
    {"max_samples_per_send", CONFIG_UINT32, REMOTE(metadata.max_samples_per_send), 1, 1000000},
    {NULL}}};

const struct config_block config_remote_block = {
    (const struct config_field[]){
        {"url", CONFIG_TEXT, REMOTE(url)},
        {"name", CONFIG_TEXT, REMOTE(name)},
        {"remote_timeout", CONFIG_DURATION, REMOTE(remote_timeout_ns)},
        {"protobuf_message", CONFIG_CUSTOM, REMOTE(protocol), .decode = decode_protocol},
        {"send_exemplars", CONFIG_BOOL, REMOTE(send_exemplars)},
        {"send_native_histograms", CONFIG_BOOL, REMOTE(send_native_histograms)},
        {"max_bytes_per_second", CONFIG_SIZE, REMOTE(max_bytes_per_second)},
        {"round_robin_dns", CONFIG_BOOL, REMOTE(http.round_robin_dns)},
        {"headers", CONFIG_CUSTOM, .decode = decode_headers},
        {"queue_config", CONFIG_BLOCK, .block = &queue_config_block},
        {"metadata_config", CONFIG_BLOCK, .block = &metadata_block},
        {"write_relabel_configs", CONFIG_CUSTOM, REMOTE(relabels), .block = &config_rule_block,
         .decode = config_decode_relabels},
        {"", CONFIG_INLINE, REMOTE(http), .block = &config_http_block},

        {"sigv4", CONFIG_CUSTOM, REMOTE(http.sigv4), .decode = config_decode_sigv4},
        {"azuread", CONFIG_UNBUILT},
        {"google_iam", CONFIG_UNBUILT},
        {NULL}},
    check_remote};

static void decode_max_age(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    config_decode_duration(reader, node, place, target);
}

#define QUEUE(member) offsetof(struct queue_config, member)
const struct config_block config_queue_block = {(const struct config_field[]){
    {"max_bytes", CONFIG_SIZE, QUEUE(max_bytes), .least = 1024},
    {"max_age", CONFIG_CUSTOM, QUEUE(max_age_ns), .decode = decode_max_age},
    {"sync_interval", CONFIG_DURATION, QUEUE(sync_interval_ns)},
    {NULL}}};

static void decode_remote(struct config_reader *reader, const struct yaml_tree_node *node,
                          const struct config_place *place, void *element)
{
    struct remote_write_config *remote = malloc(sizeof(*remote));
    *(struct remote_write_config **)element = remote;
    if (!remote) {
        reader->no_memory = true;
        return;
    }
    remote_write_config_init(remote);
    remote->digest = config_digest(node, 0);
    config_decode_block(reader, node, place, &config_remote_block, remote);
}

void config_decode_remotes(struct config_reader *reader, const struct yaml_tree_node *node,
                           const struct config_place *place, void *target)
{
    struct config *config = target;
    if (node->kind == YAML_TREE_SEQUENCE && node->count > CONFIG_MAX_REMOTES) {
        config_error(reader, node, place, "more than %d remotes", CONFIG_MAX_REMOTES);
        return;
    }
    config_decode_list(reader, node, place, sizeof(*config->remotes), (void **)&config->remotes,
                       &config->remote_count, decode_remote);
    config_check_names(reader, node, place, "name");
}
