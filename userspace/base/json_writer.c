/* SPDX-License-Identifier: Apache-2.0 */
/* Commas, and scalars by json_text.c. Checks no nesting. */
#include "base/json_writer.h"

#include <inttypes.h>

#include "base/json_text.h"

static void separate(struct json_writer *json)
{
    if (json->separate)
        buffer_append_char(json->out, ',');
    json->separate = true;
}

void json_open(struct json_writer *json, char bracket)
{
    separate(json);
    buffer_append_char(json->out, bracket);
    json->separate = false;
}

void json_close(struct json_writer *json, char bracket)
{
    buffer_append_char(json->out, bracket);
    json->separate = true;
}

void json_key(struct json_writer *json, struct text name)
{
    separate(json);
    json_append_string(json->out, name);
    buffer_append_char(json->out, ':');
    json->separate = false;
}

void json_text(struct json_writer *json, struct text value)
{
    separate(json);
    json_append_string(json->out, value);
}

void json_number(struct json_writer *json, double value)
{
    separate(json);
    json_append_number(json->out, value);
}

void json_uint(struct json_writer *json, uint64_t value)
{
    separate(json);
    buffer_printf(json->out, "%" PRIu64, value);
}

void json_bool(struct json_writer *json, bool value)
{
    separate(json);
    buffer_append_string(json->out, value ? "true" : "false");
}

void json_nothing(struct json_writer *json)
{
    separate(json);
    buffer_append_string(json->out, "null");
}
