/* SPDX-License-Identifier: Apache-2.0 */
/* Differences entry by entry, summed up by name. */
#include "top/top_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "top/top_quantile.h"

static const char *const column_names[TOP_COLUMNS] = {
    [TOP_NAME] = "name",
    [TOP_RATE] = "rate",
    [TOP_ERRORS] = "errors",
    [TOP_P50] = "p50",
    [TOP_P90] = "p90",
    [TOP_P99] = "p99",
    [TOP_IN] = "in",
    [TOP_OUT] = "out",
    [TOP_REQUESTS] = "requests",
    [TOP_UNANSWERED] = "unanswered",
};

int top_column_parse(const char *name, enum top_column *out)
{
    for (size_t i = 0; i < TOP_COLUMNS; i++) {
        if (strcmp(name, column_names[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- names ---- */

static struct text text_of_json(const json_t *value)
{
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : (struct text){0};
}

static struct text label_of(const struct top_entry *entry, const char *name)
{
    return text_of_json(json_object_get(json_object_get(entry->json, "labels"), name));
}

/* A label, or one of what stands beside the labels under a label's short name. */
static struct text part_of(const struct top_entry *entry, const char *name)
{
    static const char *const beside[] = {"method", "status", "route", "host"};
    struct text label = label_of(entry, name);

    for (size_t i = 0; i < ARRAY_SIZE(beside) && !label.length; i++) {
        if (strcmp(name, beside[i]) == 0)
            label = text_of_json(json_object_get(entry->json, name));
    }
    return label;
}

/* Where rules have left neither a pod nor a cgroup: all labels there are. */
static void name_by_all(const struct top_entry *entry, struct buffer *out)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(entry->json, "labels"), name, value)
    {
        buffer_printf(out, "%s%s=", out->length ? "," : "", name);
        buffer_append_text(out, text_of_json(value));
    }
    if (!out->length)
        buffer_append_string(out, "other");
}

static void name_by_owner(const struct top_entry *entry, struct buffer *out)
{
    static const char *const owners[] = {"pod", "pod_uid", "service", "cgroup"};
    struct text namespace = label_of(entry, "namespace");

    for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
        struct text owner = label_of(entry, owners[i]);
        if (!owner.length)
            continue;
        if (namespace.length) {
            buffer_append_text(out, namespace);
            buffer_append_char(out, '/');
        }
        buffer_append_text(out, owner);
        return;
    }
    name_by_all(entry, out);
}

static void name_by_list(const struct top_entry *entry, const char *by, struct buffer *out)
{
    char name[256];

    for (const char *rest = by; *rest;) {
        size_t length = strcspn(rest, ",");
        if (length < sizeof(name)) {
            memcpy(name, rest, length);
            name[length] = '\0';
            struct text part = part_of(entry, name);
            if (rest != by)
                buffer_append_char(out, ' ');
            buffer_append_text(out, part.length ? part : TEXT("-"));
        }
        rest += length + (rest[length] == ',');
    }
}

/* Longer ones than TOP_NAME_MAX are cut; an embedded NUL is shown as what is no character. */
static char *name_of(const struct top_entry *entry, const char *by)
{
    autobuffer struct buffer name;

    buffer_init(&name, 4 * TOP_MAX_BYTES);
    if (by)
        name_by_list(entry, by, &name);
    else
        name_by_owner(entry, &name);
    if (name.failed)
        return NULL;
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] == '\0')
            name.bytes[i] = '\1';
    }
    size_t length = name.length < TOP_NAME_MAX ? name.length : TOP_NAME_MAX;
    while (length && length < name.length && ((unsigned char)name.bytes[length] & 0xc0) == 0x80)
        length--;
    return strndup(name.bytes ? name.bytes : "", length);
}

static bool name_matches(const char *name, const char *filter)
{
    return !filter || !*filter || strcasestr(name, filter);
}

/* ---- sums ---- */

static void counters_add(struct top_counters *sum, const struct top_counters *more)
{
    sum->requests += more->requests;
    sum->errors += more->errors;
    sum->unanswered += more->unanswered;
    sum->request_bytes += more->request_bytes;
    sum->response_bytes += more->response_bytes;
    for (size_t i = 0; i < TOP_MAX_BUCKETS; i++)
        sum->buckets[i] += more->buckets[i];
}

static bool went_back(const struct top_counters *now, const struct top_counters *before)
{
    for (size_t i = 0; i < TOP_MAX_BUCKETS; i++) {
        if (now->buckets[i] < before->buckets[i])
            return true;
    }
    return now->requests < before->requests || now->errors < before->errors ||
           now->unanswered < before->unanswered || now->request_bytes < before->request_bytes ||
           now->response_bytes < before->response_bytes;
}

/* What was counted since. The whole, where the agent has begun anew meanwhile. */
static struct top_counters counters_since(const struct top_counters *now,
                                          const struct top_counters *before)
{
    struct top_counters since = *now;

    if (!before || went_back(now, before))
        return since;
    since.requests -= before->requests;
    since.errors -= before->errors;
    since.unanswered -= before->unanswered;
    since.request_bytes -= before->request_bytes;
    since.response_bytes -= before->response_bytes;
    for (size_t i = 0; i < TOP_MAX_BUCKETS; i++)
        since.buckets[i] -= before->buckets[i];
    return since;
}

static int compare_identity(const void *identity, const void *entry)
{
    return strcmp(identity, ((const struct top_entry *)entry)->identity);
}

static const struct top_counters *counters_in(const struct top_reading *reading,
                                              const char *identity)
{
    const struct top_entry *entry = bsearch(identity, reading->entries, reading->count,
                                            sizeof(*reading->entries), compare_identity);
    return entry ? &entry->counters : NULL;
}

static bool same_bounds(const struct top_reading *a, const struct top_reading *b)
{
    return a->bound_count == b->bound_count &&
           memcmp(a->bounds, b->bounds, a->bound_count * sizeof(a->bounds[0])) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct top_line *)a)->name, ((const struct top_line *)b)->name);
}

/* Neighbours of the same name become one line. */
static void merge_lines(struct top_table *table)
{
    size_t kept = 0;

    qsort(table->lines, table->count, sizeof(*table->lines), compare_names);
    for (size_t i = 0; i < table->count; i++) {
        struct top_line *line = &table->lines[i];
        if (kept && strcmp(table->lines[kept - 1].name, line->name) == 0) {
            counters_add(&table->lines[kept - 1].total, &line->total);
            counters_add(&table->lines[kept - 1].recent, &line->recent);
            free(line->name);
        } else {
            table->lines[kept++] = *line;
        }
    }
    table->count = kept;
}

static int add_line(struct top_table *table, const struct top_reading *before,
                    const struct top_entry *entry, const struct top_view *view)
{
    struct top_line line = {.total = entry->counters};

    line.name = name_of(entry, view->by);
    if (!line.name)
        return -ENOMEM;
    if (!name_matches(line.name, view->filter)) {
        free(line.name);
        return 0;
    }
    if (before)
        line.recent = counters_since(&entry->counters, counters_in(before, entry->identity));
    counters_add(&table->sum.total, &line.total);
    counters_add(&table->sum.recent, &line.recent);
    table->lines[table->count++] = line;
    return 0;
}

/* ---- order ---- */

struct order {
    const struct top_table *table;
    const struct top_view *view;
};

/* Largest first, what has no value last; names from A to Z. Equal ones by name. */
static int compare_lines(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    enum top_column column = order->view->sort;
    int result = 0;

    if (column != TOP_NAME) {
        double left = top_line_value(order->table, a, column);
        double right = top_line_value(order->table, b, column);
        if (isnan(left) || isnan(right))
            result = isnan(left) - isnan(right);
        else
            result = (left < right) - (left > right);
    }
    if (!result)
        return column == TOP_NAME && order->view->reverse ? -compare_names(a, b)
                                                          : compare_names(a, b);
    return order->view->reverse ? -result : result;
}

double top_line_value(const struct top_table *table, const struct top_line *line,
                      enum top_column column)
{
    const struct top_counters *recent = &line->recent;
    double seconds = table->seconds > 0 ? table->seconds : NAN;

    switch (column) {
    case TOP_RATE:
        return (double)recent->requests / seconds;
    case TOP_ERRORS:
        return recent->requests ? (double)recent->errors / (double)recent->requests : NAN;
    case TOP_P50:
        return top_quantile(0.5, table->bounds, table->bound_count, recent->buckets);
    case TOP_P90:
        return top_quantile(0.9, table->bounds, table->bound_count, recent->buckets);
    case TOP_P99:
        return top_quantile(0.99, table->bounds, table->bound_count, recent->buckets);
    case TOP_IN:
        return (double)recent->request_bytes / seconds;
    case TOP_OUT:
        return (double)recent->response_bytes / seconds;
    case TOP_REQUESTS:
        return (double)line->total.requests;
    case TOP_UNANSWERED:
        return (double)line->total.unanswered;
    default:
        return NAN;
    }
}

int top_table_build(const struct top_reading *before, const struct top_reading *now,
                    const struct top_view *view, struct top_table **out)
{
    autotable struct top_table *table = calloc(1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    table->lines = calloc(now->count + 1, sizeof(*table->lines));
    if (!table->lines)
        return -ENOMEM;
    if (before && (before->time >= now->time || !same_bounds(before, now)))
        before = NULL;
    table->seconds = before ? now->time - before->time : 0;
    table->bound_count = now->bound_count;
    memcpy(table->bounds, now->bounds, sizeof(table->bounds));
    for (size_t i = 0; i < now->count; i++) {
        if (now->entries[i].role != view->role)
            continue;
        int error = add_line(table, before, &now->entries[i], view);
        if (error)
            return error;
    }
    merge_lines(table);
    qsort_r(table->lines, table->count, sizeof(*table->lines), compare_lines,
            &(struct order){table, view});
    *out = TAKE_PTR(table);
    return 0;
}

void top_table_free(struct top_table **pointer)
{
    struct top_table *table = TAKE_PTR(*pointer);
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->lines[i].name);
    free(table->lines);
    free(table);
}
