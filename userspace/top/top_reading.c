/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to counters. Takes nothing on trust: the agent at the other end may be any program. */
#include "top/top_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ERROR_STATUS 500

/* Of a member that is missing or of another kind: "" or 0. */
static struct text member_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT("");
}

static uint64_t as_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) > 0
               ? (uint64_t)json_integer_value(value)
               : 0;
}

static uint64_t member_count(const json_t *object, const char *name)
{
    return as_count(json_object_get(object, name));
}

/* What is equal in two readings of the same entry, and in no other entry. */
static char *identity_of(const json_t *json, char kind)
{
    static const char *const members[] = {"role", "labels", "method", "status", "route", "host"};
    json_t *parts = json_array();
    char *text = NULL;

    int failed = !parts || json_array_append_new(parts, json_stringn(&kind, 1));
    for (size_t i = 0; i < ARRAY_SIZE(members) && !failed; i++) {
        json_t *member = json_object_get(json, members[i]);
        failed =
            member ? json_array_append(parts, member) : json_array_append_new(parts, json_null());
    }
    if (!failed)
        text = json_dumps(parts, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(parts);
    return text;
}

static int read_buckets(const struct top_reading *reading, const json_t *list,
                        struct top_counters *counters)
{
    if (json_array_size(list) != reading->bound_count + 1)
        return -EINVAL;
    for (size_t i = 0; i <= reading->bound_count; i++)
        counters->buckets[i] = as_count(json_array_get(list, i));
    return 0;
}

static int read_entry(const struct top_reading *reading, json_t *json, bool answered,
                      struct top_entry *entry)
{
    struct top_counters *counters = &entry->counters;
    uint64_t count = member_count(json, "count");

    *entry = (struct top_entry){
        .json = json,
        .role = text_equal(member_text(json, "role"), TEXT("client")) ? TOP_CLIENT : TOP_SERVER,
    };
    if (!json_is_object(json) || !json_is_object(json_object_get(json, "labels")))
        return -EINVAL;
    if (answered) {
        counters->requests = count;
        counters->errors = atoi(member_text(json, "status").bytes) >= ERROR_STATUS ? count : 0;
        counters->request_bytes = member_count(json, "requestBytes");
        counters->response_bytes = member_count(json, "responseBytes");
        if (read_buckets(reading, json_object_get(json, "buckets"), counters))
            return -EINVAL;
    } else {
        counters->unanswered = count;
    }
    entry->identity = identity_of(json, answered ? 'a' : 'u');
    return entry->identity ? 0 : -ENOMEM;
}

static int compare_entries(const void *a, const void *b)
{
    const struct top_entry *left = a, *right = b;
    return strcmp(left->identity, right->identity);
}

static int read_list(struct top_reading *reading, const json_t *list, bool answered)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        int error = read_entry(reading, json_array_get(list, i), answered,
                               &reading->entries[reading->count]);
        if (error)
            return error;
        reading->count++;
    }
    return 0;
}

static int read_bounds(struct top_reading *reading, const json_t *list)
{
    reading->bound_count = json_array_size(list);
    if (reading->bound_count >= TOP_MAX_BUCKETS)
        return -EINVAL;
    for (size_t i = 0; i < reading->bound_count; i++) {
        reading->bounds[i] = json_number_value(json_array_get(list, i));
        if (reading->bounds[i] <= (i ? reading->bounds[i - 1] : 0))
            return -EINVAL;
    }
    return 0;
}

static int read_data(struct top_reading *reading, const json_t *data)
{
    const json_t *requests = json_object_get(data, "requests");
    const json_t *unanswered = json_object_get(data, "unanswered");

    if (!json_is_number(json_object_get(data, "time")) || !json_is_array(requests))
        return -EINVAL;
    reading->time = json_number_value(json_object_get(data, "time"));
    reading->enabled = json_is_true(json_object_get(data, "enabled"));
    reading->entries = calloc(json_array_size(requests) + json_array_size(unanswered) + 1,
                              sizeof(*reading->entries));
    if (!reading->entries)
        return -ENOMEM;
    int error = read_bounds(reading, json_object_get(data, "bounds"));
    if (!error)
        error = read_list(reading, requests, true);
    if (!error)
        error = read_list(reading, unanswered, false);
    if (!error)
        qsort(reading->entries, reading->count, sizeof(*reading->entries), compare_entries);
    return error;
}

int top_reading_parse(struct text json, struct top_reading **out, const char **why)
{
    autoreading struct top_reading *reading = calloc(1, sizeof(*reading));
    if (!reading)
        return -ENOMEM;
    reading->root = json_loadb(json.bytes ? json.bytes : "", json.length, JSON_ALLOW_NUL, NULL);
    if (!reading->root) {
        *why = "the answer is no JSON";
        return -EINVAL;
    }
    int error = read_data(reading, json_object_get(reading->root, "data"));
    if (error == -EINVAL)
        *why = "the answer is not that of an edgemeter of this version";
    if (!error)
        *out = TAKE_PTR(reading);
    return error;
}

void top_reading_free(struct top_reading **pointer)
{
    struct top_reading *reading = TAKE_PTR(*pointer);
    if (!reading)
        return;
    for (size_t i = 0; i < reading->count; i++)
        free(reading->entries[i].identity);
    free(reading->entries);
    json_decref(reading->root);
    free(reading);
}
