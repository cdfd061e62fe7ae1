/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to samples and to text. Series are made once per row, at its first drain. */
#include "collect/http_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collect/cgroup_identity.h"
#include "model/float_text.h"

/* A row that was sent before. */
struct known_row {
    struct http_row_key key;
    size_t series_count;
    series_id *series;
};

struct http_rows {
    struct http_rows_environment environment;
    struct cgroup_tree *tree;
    struct labels_builder *builder;
    struct known_row *known; /* sorted by key */
    size_t known_count, known_capacity;
    struct sample *samples; /* of the drain at work */
    size_t sample_count, sample_capacity;
};

int http_rows_new(const struct http_rows_environment *environment, struct cgroup_tree *tree,
                  struct http_rows **out)
{
    struct http_rows *rows = calloc(1, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    rows->environment = *environment;
    rows->tree = tree;
    int error = labels_builder_new(&rows->builder);
    if (error)
        http_rows_free(&rows);
    else
        *out = rows;
    return error;
}

static void known_row_free(struct series_table *table, struct known_row *known)
{
    for (size_t i = 0; i < known->series_count; i++)
        series_table_release(table, known->series[i]);
    free(known->series);
}

void http_rows_free(struct http_rows **rows)
{
    if (!*rows)
        return;
    for (size_t i = 0; i < (*rows)->known_count; i++)
        known_row_free((*rows)->environment.series, &(*rows)->known[i]);
    free((*rows)->known);
    free((*rows)->samples);
    labels_builder_free(&(*rows)->builder);
    free(*rows);
    *rows = NULL;
}

static int key_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct http_row_key));
}

static struct known_row *known_find(const struct http_rows *rows, const struct http_row_key *key)
{
    if (!rows->known_count)
        return NULL;
    return bsearch(key, rows->known, rows->known_count, sizeof(*rows->known), key_compare);
}

/* Who the row belongs to: a pod's container, a service, or a cgroup by its path. A cgroup that was
 * gone before it was ever looked for has only its number. */
static int label_cgroup(struct http_rows *rows, uint64_t id)
{
    struct cgroup_identity identity;
    char number[32];
    int error;

    const char *path = id ? cgroup_tree_path(rows->tree, id) : "other";
    if (!path) {
        snprintf(number, sizeof(number), "id:%llu", (unsigned long long)id);
        path = number;
    }
    cgroup_identity_parse(path, &identity);
    if (identity.pod_uid[0]) {
        error = labels_builder_set(rows->builder, TEXT("pod_uid"), text_of(identity.pod_uid));
        error |= labels_builder_set(rows->builder, TEXT("container_id"), identity.container);
    } else {
        error = labels_builder_set(rows->builder, TEXT("cgroup"), text_of(path));
        error |= labels_builder_set(rows->builder, TEXT("service"), identity.service);
    }
    return error ? -ENOMEM : 0;
}

/* What every series has that is sent, and that text leaves to whoever scrapes it. */
static int label_sent(struct http_rows *rows)
{
    const struct http_rows_environment *environment = &rows->environment;
    struct label_cursor cursor = labels_first(environment->external_labels);
    int error = 0;

    while (labels_next(&cursor))
        error |= labels_builder_set(rows->builder, cursor.label.name, cursor.label.value);
    error |= labels_builder_set(rows->builder, TEXT("job"), text_of(environment->config->job_name));
    error |= labels_builder_set(rows->builder, TEXT("instance"), text_of(environment->instance));
    return error ? -ENOMEM : 0;
}

static int series_build(struct http_rows *rows, const struct http_row_key *key, bool sent,
                        const struct http_series *series, struct labels **out)
{
    labels_builder_clear(rows->builder);
    int error = sent ? label_sent(rows) : 0;
    if (!error)
        error = label_cgroup(rows, key->cgroup);
    if (!error)
        error = http_series_label(rows->builder, key, series);
    return error ? error : labels_builder_build(rows->builder, out);
}

static int series_intern(struct http_rows *rows, const struct http_row_key *key,
                         const struct http_series *series, series_id *out)
{
    autofree struct labels *labels = NULL;
    int error = series_build(rows, key, true, series, &labels);

    return error ? error : series_table_intern(rows->environment.series, labels, out);
}

static int known_grow(struct http_rows *rows)
{
    if (rows->known_count < rows->known_capacity)
        return 0;
    size_t capacity = rows->known_capacity ? rows->known_capacity * 2 : 16;
    struct known_row *grown = reallocarray(rows->known, capacity, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    rows->known = grown;
    rows->known_capacity = capacity;
    return 0;
}

static int known_add(struct http_rows *rows, const struct http_row_key *key,
                     const struct http_series *series, size_t count)
{
    struct known_row known = {.key = *key, .series = calloc(count, sizeof(*known.series))};
    int error = known.series ? known_grow(rows) : -ENOMEM;

    while (!error && known.series_count < count) {
        error = series_intern(rows, key, &series[known.series_count],
                              &known.series[known.series_count]);
        known.series_count += !error;
    }
    if (error) {
        known_row_free(rows->environment.series, &known);
        return error;
    }
    rows->known[rows->known_count++] = known;
    qsort(rows->known, rows->known_count, sizeof(*rows->known), key_compare);
    return 0;
}

static int samples_reserve(struct http_rows *rows, size_t extra)
{
    size_t needed = rows->sample_count + extra;

    if (needed <= rows->sample_capacity)
        return 0;
    struct sample *grown = reallocarray(rows->samples, needed * 2, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    rows->samples = grown;
    rows->sample_capacity = needed * 2;
    return 0;
}

static int drain_row(struct http_rows *rows, const struct http_row_entry *entry, int64_t before_ms,
                     int64_t now_ms)
{
    struct http_series series[HTTP_ROW_MAX_SERIES];
    size_t count =
        http_row_series(rows->environment.config, entry->key.role, &entry->row, series);
    bool fresh = !known_find(rows, &entry->key);

    int error = samples_reserve(rows, 2 * count);
    if (!error && fresh)
        error = known_add(rows, &entry->key, series, count);
    if (error)
        return error;
    const struct known_row *known = known_find(rows, &entry->key);
    for (size_t i = 0; i < count; i++) {
        struct sample sample = {.series = known->series[i], .type = SAMPLE_FLOAT};
        if (fresh) {
            sample.timestamp_ms = before_ms;
            rows->samples[rows->sample_count++] = sample;
        }
        sample.timestamp_ms = now_ms;
        sample.value = series[i].value;
        rows->samples[rows->sample_count++] = sample;
    }
    return 0;
}

/* Walks the hierarchy again where a row's cgroup is not known yet; once for a drain. */
static void refresh_tree(struct http_rows *rows, const struct http_row_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t id = entries[i].key.cgroup;
        if (id && !cgroup_tree_path(rows->tree, id)) {
            if (!known_find(rows, &entries[i].key))
                cgroup_tree_refresh(rows->tree);
            return;
        }
    }
}

int http_rows_drain(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    int64_t before_ms, int64_t now_ms, struct sample_sink *sink)
{
    int error = 0;

    refresh_tree(rows, entries, count);
    rows->sample_count = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = drain_row(rows, &entries[i], before_ms, now_ms);
    sample_sink_append(sink, rows->samples, rows->sample_count);
    return error;
}

static int write_row(struct http_rows *rows, const struct http_family *family,
                     const struct http_row_entry *entry, struct buffer *out)
{
    struct http_series series[HTTP_ROW_MAX_SERIES];
    size_t count = family->series(family, rows->environment.config, &entry->row, series);
    char value[FLOAT_TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        autofree struct labels *labels = NULL;
        int error = series_build(rows, &entry->key, false, &series[i], &labels);
        if (error)
            return error;
        labels_write(labels, out);
        buffer_append_char(out, ' ');
        buffer_append(out, value, float_text(series[i].value, value));
        buffer_append_char(out, '\n');
    }
    return 0;
}

int http_rows_write(struct http_rows *rows, const struct http_row_entry *entries, size_t count,
                    struct buffer *out)
{
    refresh_tree(rows, entries, count);
    for (size_t f = 0; f < http_family_count; f++) {
        const struct http_family *family = &http_families[f];
        bool begun = false;
        for (size_t i = 0; i < count; i++) {
            if (entries[i].key.role != family->role)
                continue;
            if (!begun)
                buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                              family->name, family->type);
            begun = true;
            int error = write_row(rows, family, &entries[i], out);
            if (error)
                return error;
        }
    }
    return out->failed ? -E2BIG : 0;
}
