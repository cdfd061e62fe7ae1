/* SPDX-License-Identifier: Apache-2.0 */
/* Follows strings and nesting byte by byte and copies whole runs. Parses no value. */
#include "discover/json_splitter.h"

#include <errno.h>

#define MAX_REST (1 << 20)
#define KEPT_BYTES (256 * 1024) /* a larger buffer goes back after its value */

void json_splitter_init(struct json_splitter *splitter, enum json_splitter_mode mode,
                        size_t max_value, json_value_fn on_value, void *context)
{
    *splitter = (struct json_splitter){.mode = mode, .on_value = on_value, .context = context};
    buffer_init(&splitter->value, max_value);
    buffer_init(&splitter->rest, MAX_REST);
}

void json_splitter_free(struct json_splitter *splitter)
{
    buffer_free(&splitter->value);
    buffer_free(&splitter->rest);
}

bool json_splitter_is_complete(const struct json_splitter *splitter)
{
    return splitter->depth == 0 && (splitter->mode == JSON_LINES || splitter->ended);
}

/* --- copying --- */

/* Bytes of a value, of the rest, or of neither: the commas and spaces between values. */
static int splitter_copy(struct json_splitter *splitter, const char *bytes, size_t length)
{
    if (splitter->in_value) {
        if (splitter->too_large)
            return 0;
        int error = buffer_append(&splitter->value, bytes, length);
        splitter->too_large = error == -E2BIG;
        return splitter->too_large ? 0 : error;
    }
    if (splitter->mode == JSON_LINES || splitter->in_items)
        return 0;
    return buffer_append(&splitter->rest, bytes, length);
}

static int splitter_end_value(struct json_splitter *splitter)
{
    int error = 0;

    splitter->in_value = false;
    if (splitter->too_large)
        splitter->skipped++;
    else
        error = splitter->on_value(splitter->context, buffer_text(&splitter->value));
    splitter->too_large = false;
    if (splitter->value.capacity > KEPT_BYTES)
        buffer_free(&splitter->value);
    buffer_clear(&splitter->value);
    return error;
}

/* --- the bytes that matter --- */

/* Whether a value would begin here. */
static bool splitter_at_value(const struct json_splitter *splitter)
{
    if (splitter->in_value)
        return false;
    return splitter->mode == JSON_LINES ? splitter->depth == 0
                                        : splitter->in_items && splitter->depth == 2;
}

static int splitter_open(struct json_splitter *splitter, char bracket)
{
    if (splitter->depth == JSON_SPLITTER_MAX_DEPTH)
        return -EBADMSG;
    if (splitter_at_value(splitter))
        splitter->in_value = true;
    else if (splitter->mode == JSON_ITEMS && splitter->depth == 1)
        splitter->in_items = bracket == '[' && splitter->key_is_items;
    splitter->depth++;
    return 0;
}

/* The closing bracket is part of what it closes. */
static int splitter_close(struct json_splitter *splitter, const char *bracket)
{
    unsigned value_depth = splitter->mode == JSON_LINES ? 0 : 2;

    if (splitter->depth == 0)
        return -EBADMSG;
    splitter->depth--;
    if (splitter->mode == JSON_ITEMS && splitter->depth == 1)
        splitter->in_items = false;
    int error = splitter_copy(splitter, bracket, 1);
    if (!error && splitter->in_value && splitter->depth == value_depth)
        error = splitter_end_value(splitter);
    if (splitter->mode == JSON_ITEMS && splitter->depth == 0)
        splitter->ended = true;
    return error;
}

static void splitter_begin_string(struct json_splitter *splitter)
{
    splitter->in_string = true;
    splitter->key_length = 0;
}

static void splitter_note_key(struct json_splitter *splitter, char c)
{
    if (splitter->depth == 1 && splitter->key_length < sizeof(splitter->key))
        splitter->key[splitter->key_length++] = c;
}

static void splitter_separate(struct json_splitter *splitter, char c)
{
    if (splitter->depth == 1)
        splitter->key_is_items = c == ':' && splitter->key_length == strlen("items") &&
                                 memcmp(splitter->key, "items", strlen("items")) == 0;
}

/* How many of the bytes matter to nothing and can be copied as they are. */
static size_t plain_length(const struct json_splitter *splitter, const char *bytes, size_t length)
{
    size_t plain = 0;

    if (splitter->in_string) {
        if (splitter->escaped || splitter->depth == 1)
            return 0;
        while (plain < length && bytes[plain] != '"' && bytes[plain] != '\\')
            plain++;
        return plain;
    }
    if (splitter->depth <= 2)
        return 0;
    while (plain < length && !strchr("\"{}[]", bytes[plain]))
        plain++;
    return plain;
}

static int splitter_take_in_string(struct json_splitter *splitter, const char *c)
{
    if (splitter->escaped)
        splitter->escaped = false;
    else if (*c == '\\')
        splitter->escaped = true;
    else if (*c == '"')
        splitter->in_string = false;
    if (splitter->in_string)
        splitter_note_key(splitter, *c);
    return splitter_copy(splitter, c, 1);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int splitter_take(struct json_splitter *splitter, const char *c)
{
    if (splitter->in_string)
        return splitter_take_in_string(splitter, c);
    if (*c == '}' || *c == ']')
        return splitter_close(splitter, c);
    if (is_space(*c))
        return splitter_copy(splitter, c, 1);
    /* Around the object there is nothing, and among the items nothing but objects. */
    if (splitter->ended ||
        (*c != '{' && (splitter->depth == 0 || (splitter_at_value(splitter) && *c != ','))))
        return -EBADMSG;
    int error = 0;
    if (*c == '{' || *c == '[') {
        bool copied_before = splitter->mode == JSON_ITEMS && splitter->depth <= 1;
        if (copied_before) /* the bracket before the items belongs to the rest */
            error = splitter_copy(splitter, c, 1);
        if (!error)
            error = splitter_open(splitter, *c);
        return error || copied_before ? error : splitter_copy(splitter, c, 1);
    }
    if (*c == '"')
        splitter_begin_string(splitter);
    else if (*c == ':' || *c == ',')
        splitter_separate(splitter, *c);
    return splitter_copy(splitter, c, 1);
}

int json_splitter_feed(struct json_splitter *splitter, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t plain = plain_length(splitter, bytes + at, length - at);
        int error = plain ? splitter_copy(splitter, bytes + at, plain)
                          : splitter_take(splitter, bytes + at);
        if (error)
            return error;
        at += plain ? plain : 1;
    }
    return 0;
}
