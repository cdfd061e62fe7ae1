/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and deletes rows in the programs' maps, and reads their account. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "collect/http_meter_state.h"

static void meter_take(struct http_meter *meter, size_t *count, const struct http_row_key *key,
                       const struct http_row *row)
{
    if (*count < meter->capacity)
        meter->rows[(*count)++] = (struct http_row_entry){*key, *row, NULL};
}

/* Fewer system calls than rows. 0, or a negative errno where the kernel cannot. */
static int read_batched(struct http_meter *meter, int map, size_t *count)
{
    uint32_t next = 0;
    void *position = NULL;

    while (*count < meter->capacity) {
        uint32_t taken = HTTP_METER_BATCH;
        int error = bpf_map_lookup_batch(map, position, &next, meter->batch_keys,
                                         meter->batch_values, &taken, NULL);
        if (error && error != -ENOENT)
            return error;
        for (uint32_t i = 0; i < taken; i++)
            meter_take(meter, count, &meter->batch_keys[i], &meter->batch_values[i]);
        if (error)
            break; /* -ENOENT: that was the last batch */
        position = &next;
    }
    return 0;
}

static int read_one_by_one(struct http_meter *meter, int map, size_t *count)
{
    struct http_row_key key, *previous = NULL;
    struct http_row row;
    int error;

    while (!(error = bpf_map_get_next_key(map, previous, &key))) {
        if (bpf_map_lookup_elem(map, &key, &row) == 0)
            meter_take(meter, count, &key, &row);
        previous = &key;
    }
    return error == -ENOENT ? 0 : error;
}

static void read_surplus(struct http_meter *meter, size_t *count)
{
    int map = bpf_map__fd(meter->bpf->maps.surplus_rows);

    for (uint32_t role = 0; role < HTTP_ROLES; role++) {
        struct http_row_entry *entry = &meter->rows[*count];
        uint64_t total = 0;

        *entry = (struct http_row_entry){.key = {.role = role, .method = HTTP_METHOD_OTHER}};
        if (bpf_map_lookup_elem(map, &role, &entry->row))
            continue;
        for (size_t i = 0; i < HTTP_BUCKETS; i++)
            total += entry->row.buckets[i];
        *count += total > 0;
    }
}

/* Unanswered requests have no histogram that is shown. */
static void read_native(struct http_meter *meter, size_t count)
{
    int map = bpf_map__fd(meter->bpf->maps.native_rows);

    for (size_t i = 0; i < count; i++) {
        struct http_row_entry *entry = &meter->rows[i];
        bool answered = entry->key.status || !entry->key.cgroup;
        if (answered && bpf_map_lookup_elem(map, &entry->key, &meter->native_rows[i]) == 0)
            entry->native = &meter->native_rows[i];
    }
}

/* What the programs add once for both sums. */
static void complete_sums(struct http_row *row)
{
    row->duration_sum += row->at_once_sum;
    row->first_byte_sum += row->at_once_sum;
    row->at_once_sum = 0;
}

int http_meter_read(struct http_meter *meter, const struct http_row_entry **rows, size_t *count)
{
    int map = bpf_map__fd(meter->bpf->maps.rows);

    *count = 0;
    int error = meter->no_batch ? -EOPNOTSUPP : read_batched(meter, map, count);
    if (error) {
        meter->no_batch = true;
        *count = 0;
        error = read_one_by_one(meter, map, count);
    }
    read_surplus(meter, count);
    if (meter->native_rows)
        read_native(meter, *count);
    for (size_t i = 0; i < *count; i++)
        complete_sums(&meter->rows[i].row);
    *rows = meter->rows;
    return error;
}

int http_meter_delete(struct http_meter *meter, const struct http_row_entry *entry)
{
    int map = bpf_map__fd(meter->bpf->maps.rows);
    struct http_row row;

    int error = bpf_map_lookup_elem(map, &entry->key, &row);
    if (!error && memcmp(row.buckets, entry->row.buckets, sizeof(row.buckets)) != 0)
        return -EAGAIN;
    if (!error)
        error = bpf_map_delete_elem(map, &entry->key);
    if (meter->native_rows && (!error || error == -ENOENT))
        bpf_map_delete_elem(bpf_map__fd(meter->bpf->maps.native_rows), &entry->key);
    return error == -ENOENT ? 0 : error;
}

int http_meter_read_outcomes(struct http_meter *meter, uint64_t out[HTTP_OUTCOMES])
{
    autofree uint64_t *values = calloc(meter->cpus, sizeof(*values));
    int map = bpf_map__fd(meter->bpf->maps.outcomes);

    if (!values)
        return -ENOMEM;
    for (uint32_t outcome = 0; outcome < HTTP_OUTCOMES; outcome++) {
        int error = bpf_map_lookup_elem(map, &outcome, values);
        if (error)
            return error;
        out[outcome] = 0;
        for (int cpu = 0; cpu < meter->cpus; cpu++)
            out[outcome] += values[cpu];
    }
    return 0;
}

uint64_t http_meter_memory(const struct http_meter *meter)
{
    uint64_t total = 0;
    struct bpf_map *map;

    bpf_object__for_each_map(map, meter->bpf->obj)
    {
        char path[64], line[128];
        uint64_t bytes;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
        FILE *info = fopen(path, "re");
        if (!info)
            continue;
        while (fgets(line, sizeof(line), info))
            if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
                total += bytes;
        fclose(info);
    }
    return total;
}
