/* SPDX-License-Identifier: Apache-2.0 */
/* collect/http_rows over a cgroup tree in a temporary folder: made-up rows in, and what the last
 * drain gave the sink by the text of its series. */
#ifndef EDGEMETER_TESTS_UNIT_ROWS_FIXTURE_H
#define EDGEMETER_TESTS_UNIT_ROWS_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "collect/http_rows.h"

#define MAX_ENTRIES 8192
#define MS 1000000ull

/* Labels that every series sent has, as they sort among the others. */
#define SENT(name, before, between, after) \
    name "{" before "cluster=\"c\"," between "instance=\"n\",job=\"http-metrics\"" after "}"
#define HTTP(method, status) \
    "http_request_method=\"" method "\",http_response_status_code=\"" status "\","
#define DETAIL(name, cgroup, method, status) \
    SENT(name, "cgroup=\"" cgroup "\",", HTTP(method, status), ",url_scheme=\"http\"")
#define TOTAL(cgroup, method, status)                                             \
    SENT("http_requests_total", "cgroup=\"" cgroup "\",", "code=\"" status "\",", \
         ",method=\"" method "\"")
#define UNANSWERED(cgroup, role) \
    SENT("http_requests_unanswered_total", "cgroup=\"" cgroup "\",", "", ",role=\"" role "\"")

struct received {
    char *series;
    struct sample sample; /* with a reference of a histogram */
};

static struct {
    struct sample_sink sink;
    struct received *list;
    size_t count, records;
} received;

static struct http_metrics_config config;
static struct series_table *series;
static struct cgroup_tree *tree;
static struct http_rows *rows;
static struct pod_table *pods; /* NULL: there is none */
static uint64_t pod_wait_ns;
static struct metric *rows_no_pod, *rows_unnamed; /* NULL: not counted */
static char folder[64], folder_aside[96];

/* What the kernel would hold. */
static struct http_row_entry entries[MAX_ENTRIES];
static size_t entry_count;
static struct http_row_key deleted[MAX_ENTRIES];
static size_t deleted_count;
static int delete_error; /* what the next deletion ends with */

static inline void received_clear(void)
{
    for (size_t i = 0; i < received.count; i++) {
        free(received.list[i].series);
        if (received.list[i].sample.type == SAMPLE_HISTOGRAM)
            histogram_release(received.list[i].sample.histogram);
    }
    free(received.list);
    received.list = NULL;
    received.count = received.records = 0;
}

static inline void received_append(struct sample_sink *sink, const struct sample_record *record)
{
    const struct sample *samples = record->samples;
    size_t count = record->count;
    (void)sink;
    assert_int_equal(received.records, 0); /* a drain is one record */
    received.records++;
    received.list = calloc(count, sizeof(*received.list));
    assert_non_null(received.list);
    for (size_t i = 0; i < count; i++) {
        struct buffer text;
        buffer_init(&text, 65536);
        assert_non_null(series_table_labels(series, samples[i].series));
        labels_write(series_table_labels(series, samples[i].series), &text);
        received.list[i] = (struct received){text.bytes, samples[i]};
        if (samples[i].type == SAMPLE_HISTOGRAM)
            histogram_hold(samples[i].histogram);
    }
    received.count = count;
}

static inline int entry_delete(void *context, const struct http_row_entry *entry)
{
    (void)context;
    if (delete_error)
        return delete_error;
    deleted[deleted_count++] = entry->key;
    return 0;
}

/* Takes from the kernel what was deleted; a drain must not see the entries move. */
static inline void entries_remove_deleted(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < entry_count; i++) {
        bool gone = false;
        for (size_t k = 0; k < deleted_count && !gone; k++)
            gone = memcmp(&entries[i].key, &deleted[k], sizeof(deleted[k])) == 0;
        if (!gone)
            entries[kept++] = entries[i];
    }
    entry_count = kept;
    deleted_count = 0;
}

/* Makes the folder; gives its id. */
static inline uint64_t cgroup_make(const char *path)
{
    char whole[256];
    struct stat status;
    snprintf(whole, sizeof(whole), "%s%s", folder, path);
    assert_int_equal(mkdir(whole, 0700), 0);
    assert_int_equal(stat(whole, &status), 0);
    return status.st_ino;
}

/* Moves it aside, so that its inode does not come again: a cgroup's id never does. */
static inline void cgroup_remove(const char *path)
{
    static unsigned removed;
    char whole[256], aside[256];
    snprintf(whole, sizeof(whole), "%s%s", folder, path);
    snprintf(aside, sizeof(aside), "%s/%u", folder_aside, removed++);
    assert_int_equal(rename(whole, aside), 0);
}

static inline void rows_start(void)
{
    static const struct label external = {{"cluster", 7}, {"c", 1}};
    static struct labels *external_labels;
    struct labels_builder *builder;

    if (!external_labels) {
        assert_int_equal(labels_builder_new(&builder), 0);
        labels_builder_set(builder, external.name, external.value);
        assert_int_equal(labels_builder_build(builder, &external_labels), 0);
        labels_builder_free(&builder);
    }
    const struct http_rows_environment environment = {
        .config = &config,
        .series = series,
        .external_labels = external_labels,
        .instance = "n",
        .pods = pods,
        .pod_wait_ns = pod_wait_ns,
        .rows_no_pod = rows_no_pod,
        .rows_unnamed = rows_unnamed,
        .row_delete = entry_delete,
    };
    assert_int_equal(cgroup_tree_new(folder, &tree), 0);
    assert_int_equal(http_rows_new(&environment, tree, &rows), 0);
}

static inline int fixture_setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/edgemeter-rows-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(folder_aside, sizeof(folder_aside), "%s-aside", folder);
    assert_int_equal(mkdir(folder_aside, 0700), 0);
    received.sink.append = received_append;
    assert_int_equal(http_metrics_config_init(&config), 0);
    assert_int_equal(series_table_new(1u << 20, &series), 0);
    entry_count = deleted_count = 0;
    delete_error = 0;
    rows_start();
    return 0;
}

static inline int fixture_teardown(void **state)
{
    char command[256];
    (void)state;
    received_clear();
    http_rows_free(&rows);
    cgroup_tree_free(&tree);
    assert_int_equal(series_table_count(series), 0); /* every reference was given back */
    series_table_free(&series);
    http_metrics_config_free(&config);
    snprintf(command, sizeof(command), "rm -rf %s %s", folder, folder_aside);
    return system(command);
}

/* The names, each a literal. */
static inline void names_set(struct http_metrics_names *names, const char *const *list,
                             size_t count)
{
    names->list = calloc(count, sizeof(*names->list));
    assert_non_null(names->list);
    for (names->count = 0; names->count < count; names->count++)
        names->list[names->count] = strdup(list[names->count]);
}

/* The row's entry, made where there is none. */
static inline struct http_row_entry *entry_of(struct http_row_key key)
{
    for (size_t i = 0; i < entry_count; i++)
        if (memcmp(&entries[i].key, &key, sizeof(key)) == 0)
            return &entries[i];
    assert_true(entry_count < MAX_ENTRIES);
    entries[entry_count] = (struct http_row_entry){.key = key};
    return &entries[entry_count++];
}

/* Counts requests in the row, all of them in the bucket. */
static inline void count_requests(struct http_row_key key, size_t bucket, uint64_t requests)
{
    struct http_row *row = &entry_of(key)->row;
    row->buckets[bucket] += requests;
    row->duration_sum += requests * 20 * MS;
    row->first_byte_sum += requests * 10 * MS;
    row->request_bytes += requests * 3;
    row->response_bytes += requests * 1000;
}

static inline void drain(int64_t before_ms, int64_t now_ms)
{
    received_clear();
    int error = http_rows_drain(rows, entries, entry_count, before_ms, now_ms, &received.sink);
    entries_remove_deleted();
    assert_int_equal(error, 0);
}

static inline const struct sample *received_find(const char *text, int64_t timestamp_ms)
{
    const struct sample *found = NULL;
    for (size_t i = 0; i < received.count; i++) {
        if (strcmp(received.list[i].series, text) != 0 ||
            received.list[i].sample.timestamp_ms != timestamp_ms)
            continue;
        assert_null(found); /* no two samples of a series at one moment */
        found = &received.list[i].sample;
    }
    return found;
}

/* That the series had this value at this moment. */
static inline void assert_sample(const char *text, int64_t timestamp_ms, double value)
{
    const struct sample *sample = received_find(text, timestamp_ms);
    if (!sample) {
        print_error("no sample of %s at %lld; there are:\n", text, (long long)timestamp_ms);
        for (size_t i = 0; i < received.count && i < 100; i++)
            print_error("%s %g %lld\n", received.list[i].series, received.list[i].sample.value,
                        (long long)received.list[i].sample.timestamp_ms);
    }
    assert_non_null(sample);
    assert_int_equal(sample->type, SAMPLE_FLOAT);
    if (sample->value != value)
        print_error("%s is %g, wanted %g\n", text, sample->value, value);
    assert_true(sample->value == value);
}

static inline void assert_stale(const char *text, int64_t timestamp_ms)
{
    const struct sample *sample = received_find(text, timestamp_ms);
    assert_non_null(sample);
    assert_true(sample_is_stale(sample));
}

static inline void assert_no_sample(const char *text, int64_t timestamp_ms)
{
    assert_null(received_find(text, timestamp_ms));
}

/* How many samples stand at the moment. */
static inline size_t received_at(int64_t timestamp_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < received.count; i++)
        count += received.list[i].sample.timestamp_ms == timestamp_ms;
    return count;
}

#define ROW(id, of_role, of_method, of_status, ...)           \
    ((struct http_row_key){.cgroup = (id),                    \
                           .role = HTTP_ROLE_##of_role,       \
                           .method = HTTP_METHOD_##of_method, \
                           .status = (of_status)__VA_OPT__(, ) __VA_ARGS__})

#endif
