/* SPDX-License-Identifier: Apache-2.0 */
/* JSON written straight into a buffer: the writer puts the commas, the caller closes what it opens.
 * What did not fit is remembered by the buffer (`failed`). */
#ifndef EDGEMETER_BASE_JSON_WRITER_H
#define EDGEMETER_BASE_JSON_WRITER_H

#include "base/buffer.h"

struct json_writer {
    struct buffer *out;
    bool separate; /* something stands before in this object or array */
};

/* '{' or '[', and its end. */
void json_open(struct json_writer *json, char bracket);
void json_close(struct json_writer *json, char bracket);
/* In an object, before each value. */
void json_key(struct json_writer *json, struct text name);

void json_text(struct json_writer *json, struct text value);
/* null where it is no number that JSON has. */
void json_number(struct json_writer *json, double value);
void json_uint(struct json_writer *json, uint64_t value);
void json_bool(struct json_writer *json, bool value);
/* null. (json_null is jansson's, which would call this one instead of its own.) */
void json_nothing(struct json_writer *json);

#define JSON_TEXT(json, name, value) (json_key(json, TEXT(name)), json_text(json, value))
#define JSON_STRING(json, name, value) (json_key(json, TEXT(name)), json_text(json, text_of(value)))
#define JSON_NUMBER(json, name, value) (json_key(json, TEXT(name)), json_number(json, value))
#define JSON_UINT(json, name, value) (json_key(json, TEXT(name)), json_uint(json, value))
#define JSON_BOOL(json, name, value) (json_key(json, TEXT(name)), json_bool(json, value))
#define JSON_OPEN(json, name, bracket) (json_key(json, TEXT(name)), json_open(json, bracket))

#endif
