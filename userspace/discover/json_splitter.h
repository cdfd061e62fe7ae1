/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a stream of JSON, in pieces of any size, into the values that are worth parsing one by one,
 * so that a list of a cluster's pods is never in memory as a whole. Checks only what it needs to
 * find their ends: the parser that gets a value does the rest. */
#ifndef EDGEMETER_DISCOVER_JSON_SPLITTER_H
#define EDGEMETER_DISCOVER_JSON_SPLITTER_H

#include "base/buffer.h"

#define JSON_SPLITTER_MAX_DEPTH 1000

enum json_splitter_mode {
    JSON_LINES, /* objects one after the other: each is a value */
    JSON_ITEMS, /* one object: each element of its "items" is a value, the rest is kept */
};

/* 0, or a negative errno that ends the feeding. The text is valid during the call. */
typedef int (*json_value_fn)(void *context, struct text value);

struct json_splitter {
    enum json_splitter_mode mode;
    json_value_fn on_value;
    void *context;
    struct buffer value; /* under way; no larger than max_value */
    struct buffer rest;  /* ITEMS: the object without its items, once it is complete */
    size_t skipped;      /* values that were larger */

    unsigned depth;
    bool in_string, escaped, in_items, in_value, too_large, ended;
    char key[8]; /* ITEMS: the begin of the last string at depth 1 */
    size_t key_length;
    bool key_is_items; /* ... and it is a key, "items" */
};

void json_splitter_init(struct json_splitter *splitter, enum json_splitter_mode mode,
                        size_t max_value, json_value_fn on_value, void *context);
void json_splitter_free(struct json_splitter *splitter);

/* 0; -EBADMSG where this cannot be JSON of that form; -E2BIG where the rest is too large; -ENOMEM;
 * or what on_value gave. After an error nothing more is taken. */
int json_splitter_feed(struct json_splitter *splitter, const char *bytes, size_t length);
/* Whether the stream could end here: between two values, or after the object. */
bool json_splitter_is_complete(const struct json_splitter *splitter);

#endif
