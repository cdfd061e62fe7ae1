/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tree and feeds libyaml's emitter, which knows what needs quotes. Which values are
 * secret is said by their keys. */
#include "config/config_print.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/http/http_client.h"

#define HIDDEN "<secret>"

struct printer {
    yaml_emitter_t emitter;
    struct buffer *out;
    int error;
};

enum hiding {
    HIDE_NOTHING,
    HIDE_PASSWORD, /* of a URL */
    HIDE_ALL,
    HIDE_NEVER, /* names below are people's own */
};

/* Whatever is below such a key is hidden. */
static const struct {
    const char *key;
    enum hiding hiding;
} hidden_keys[] = {
    {"password", HIDE_ALL},
    {"credentials", HIDE_ALL},
    {"bearer_token", HIDE_ALL},
    {"client_secret", HIDE_ALL},
    {"secret_key", HIDE_ALL}, /* of sigv4 */
    {"session_token", HIDE_ALL},
    {"secrets", HIDE_ALL},              /* of http_headers */
    {"proxy_connect_header", HIDE_ALL}, /* but for its names */
    {"headers", HIDE_ALL},
    {"key", HIDE_ALL}, /* of tls_config */
    {"url", HIDE_PASSWORD},
    {"proxy_url", HIDE_PASSWORD},
    {"token_url", HIDE_PASSWORD},
    {"api_server", HIDE_PASSWORD},
    {"labels", HIDE_NEVER},
    {"external_labels", HIDE_NEVER},
    {"params", HIDE_NEVER},
};

static enum hiding hiding_of(struct text key, enum hiding inherited)
{
    if (inherited == HIDE_ALL || inherited == HIDE_NEVER)
        return inherited;
    for (size_t i = 0; i < ARRAY_SIZE(hidden_keys); i++)
        if (text_equal(key, text_of(hidden_keys[i].key)))
            return hidden_keys[i].hiding;
    return inherited;
}

static int on_bytes(void *context, unsigned char *bytes, size_t length)
{
    struct printer *printer = context;
    int error = buffer_append(printer->out, bytes, length);
    if (error)
        printer->error = error;
    return !error;
}

/* `made`: whether libyaml could make the event; what stops one stops all that follow. */
static void emit(struct printer *printer, int made, yaml_event_t *event)
{
    if (!made)
        printer->error = -ENOMEM;
    else if (printer->error)
        yaml_event_delete(event);
    else if (!yaml_emitter_emit(&printer->emitter, event) && !printer->error)
        printer->error = -ENOMEM;
}

static void emit_text(struct printer *printer, struct text text, bool quoted)
{
    yaml_event_t event;
    bool many_lines = memchr(text.bytes, '\n', text.length) != NULL;
    yaml_scalar_style_t style = many_lines ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                : quoted   ? YAML_SINGLE_QUOTED_SCALAR_STYLE
                                           : YAML_PLAIN_SCALAR_STYLE;
    int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text.bytes,
                                            (int)text.length, 1, 1, style);
    emit(printer, made, &event);
}

static void print_scalar(struct printer *printer, const struct yaml_tree_node *node,
                         enum hiding hiding)
{
    if (hiding == HIDE_ALL && node->text.length) {
        emit_text(printer, TEXT(HIDDEN), false);
    } else if (hiding == HIDE_PASSWORD) {
        autofree char *shown = http_url_redacted(node->text.bytes);
        if (shown)
            emit_text(printer, text_of(shown), node->quoted);
        else
            printer->error = -ENOMEM;
    } else {
        emit_text(printer, node->text, node->quoted);
    }
}

static void print_node(struct printer *printer, const struct yaml_tree_node *node,
                       enum hiding hiding)
{
    yaml_event_t event;
    int made;

    switch (node->kind) {
    case YAML_TREE_NULL:
        emit_text(printer, TEXT("null"), false);
        break;
    case YAML_TREE_SCALAR:
        print_scalar(printer, node, hiding);
        break;
    case YAML_TREE_SEQUENCE:
        made =
            yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
        emit(printer, made, &event);
        for (size_t i = 0; i < node->count; i++)
            print_node(printer, node->items[i], hiding);
        emit(printer, yaml_sequence_end_event_initialize(&event), &event);
        break;
    case YAML_TREE_MAPPING:
        made = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
        emit(printer, made, &event);
        for (size_t i = 0; i < node->count; i++) {
            const struct yaml_tree_pair *pair = &node->pairs[i];
            emit_text(printer, pair->key->text, pair->key->quoted);
            print_node(printer, pair->value, hiding_of(pair->key->text, hiding));
        }
        emit(printer, yaml_mapping_end_event_initialize(&event), &event);
        break;
    }
}

int config_print(const struct yaml_tree_node *root, struct buffer *out)
{
    struct printer printer = {.out = out};
    yaml_event_t event;

    if (!yaml_emitter_initialize(&printer.emitter))
        return -ENOMEM;
    yaml_emitter_set_output(&printer.emitter, on_bytes, &printer);
    yaml_emitter_set_unicode(&printer.emitter, 1);
    yaml_emitter_set_width(&printer.emitter, -1);
    emit(&printer, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    emit(&printer, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
    print_node(&printer, root, HIDE_NOTHING);
    emit(&printer, yaml_document_end_event_initialize(&event, 1), &event);
    emit(&printer, yaml_stream_end_event_initialize(&event), &event);
    if (!printer.error && !yaml_emitter_flush(&printer.emitter))
        printer.error = -ENOMEM;
    yaml_emitter_delete(&printer.emitter);
    return printer.error;
}
