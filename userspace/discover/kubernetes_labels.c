/* SPDX-License-Identifier: Apache-2.0 */
/* Sets single meta labels. */
#include "discover/kubernetes_labels.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"

#define META "__meta_kubernetes_"
#define MAX_NAME (64 * 1024) /* of a label name: no key is nearly as long */

json_t *kubernetes_parse(struct text text)
{
    return json_loadb(text.bytes ? text.bytes : "", text.length, JSON_ALLOW_NUL, NULL);
}

struct text kubernetes_text(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT("");
}

/* A character that is no letter, digit or underscore becomes one, whatever its bytes. */
static void append_sanitized(struct buffer *out, struct text key)
{
    for (size_t i = 0; i < key.length; i++) {
        unsigned char c = (unsigned char)key.bytes[i];
        if ((c & 0xc0) != 0x80)
            buffer_append_char(out, c < 0x80 && isalnum(c) ? (char)c : '_');
    }
}

int kubernetes_set(struct labels_builder *builder, const char *name, struct text key,
                   struct text value)
{
    autobuffer struct buffer whole;

    buffer_init(&whole, MAX_NAME);
    buffer_printf(&whole, META "%s", name);
    append_sanitized(&whole, key);
    return whole.failed ? -E2BIG : labels_builder_set(builder, buffer_text(&whole), value);
}

int kubernetes_set_lower(struct labels_builder *builder, const char *name, struct text key,
                         struct text value)
{
    autobuffer struct buffer lower, lower_key;

    buffer_init(&lower, MAX_NAME);
    buffer_init(&lower_key, MAX_NAME);
    for (size_t i = 0; i < value.length; i++)
        buffer_append_char(&lower, (char)tolower((unsigned char)value.bytes[i]));
    for (size_t i = 0; i < key.length; i++)
        buffer_append_char(&lower_key, (char)tolower((unsigned char)key.bytes[i]));
    if (lower.failed || lower_key.failed)
        return -E2BIG;
    return kubernetes_set(builder, name, buffer_text(&lower_key), buffer_text(&lower));
}

static int set_pairs(struct labels_builder *builder, const char *what, const char *kind,
                     const json_t *pairs)
{
    char value_name[64], present_name[64];
    const char *key;
    json_t *value;

    snprintf(value_name, sizeof(value_name), "%s_%s_", what, kind);
    snprintf(present_name, sizeof(present_name), "%s_%spresent_", what, kind);
    json_object_foreach((json_t *)pairs, key, value)
    {
        if (!json_is_string(value))
            return -EBADMSG;
        struct text text = {json_string_value(value), json_string_length(value)};
        int error = kubernetes_set(builder, value_name, text_of(key), text);
        if (!error)
            error = kubernetes_set(builder, present_name, text_of(key), TEXT("true"));
        if (error)
            return error;
    }
    return 0;
}

int kubernetes_set_metadata(struct labels_builder *builder, const char *what,
                            const json_t *metadata)
{
    int error = set_pairs(builder, what, "label", json_object_get(metadata, "labels"));

    return error ? error
                 : set_pairs(builder, what, "annotation", json_object_get(metadata, "annotations"));
}

int kubernetes_set_address(struct labels_builder *builder, struct text host, long long port)
{
    char address[320];
    bool brackets = memchr(host.bytes, ':', host.length) || memchr(host.bytes, '%', host.length);
    int length = snprintf(address, sizeof(address), "%s%.*s%s:%lld", brackets ? "[" : "",
                          TEXT_FORMAT(host), brackets ? "]" : "", port);

    if (length >= (int)sizeof(address))
        return -EBADMSG;
    return labels_builder_set(builder, TEXT("__address__"), text_of(address));
}
