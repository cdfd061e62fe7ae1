/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the programs of bpf/http_meter.bpf.c, attaches them with bpf_link (multi mode, beside whatever
 * else is attached), and reads their maps. */
#include "collect/http_meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "http_connection_state.h"
#include "http_meter.skel.h"

#define BATCH 256 /* rows read with one system call */

struct http_meter {
    struct http_meter_bpf *bpf;
    struct bpf_link *ingress, *egress, *sockets;
    struct http_row_entry *rows; /* max_rows + the surplus rows */
    struct http_row_key *batch_keys;
    struct http_row *batch_values;
    uint32_t max_rows;
    int cpus;
    bool no_batch; /* this kernel has no batch look-ups for hashes */
};

/* libbpf's own messages are for whoever looks deeper: what matters is said by us. */
static int libbpf_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
    char line[512];

    if (level == LIBBPF_DEBUG || !log_enabled(LOG_LEVEL_DEBUG))
        return 0;
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\n")] = '\0';
    log_debug("collect", "libbpf", LOG_STR("message", line));
    return 0;
}

static int say_why(const char *what, int error)
{
    const char *hint = "run with --log.level=debug to see what libbpf says";

    if (error == -EPERM || error == -EACCES)
        hint = "run as root, or with the capabilities BPF, PERFMON and NET_ADMIN (and SYS_RESOURCE "
               "before Linux 5.11)";
    else if (error == -ENOSYS || error == -EINVAL || error == -EOPNOTSUPP)
        hint = "the kernel must be 5.10 or later, with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF";
    log_error("collect", what, LOG_STR("error", strerror(-error)), LOG_STR("hint", hint));
    return error;
}

static void settings_fill(struct http_meter *meter, const struct http_metrics_config *config)
{
    struct http_meter_bpf__rodata *settings = meter->bpf->rodata;

    for (size_t i = 0; i < HTTP_MAX_BOUNDS; i++)
        settings->bucket_bounds_ns[i] =
            i < config->bucket_count ? (uint64_t)(config->buckets[i] * 1e9 + 0.5) : UINT64_MAX;
    settings->role_enabled[HTTP_ROLE_SERVER] = config->server;
    settings->role_enabled[HTTP_ROLE_CLIENT] = config->client;
}

static int meter_load(struct http_meter *meter, const struct http_metrics_config *config)
{
    meter->bpf = http_meter_bpf__open();
    if (!meter->bpf)
        return say_why("the BPF object cannot be opened", -errno);
    settings_fill(meter, config);
    int error = bpf_map__set_max_entries(meter->bpf->maps.rows, config->max_rows);
    if (!error)
        error = bpf_map__set_max_entries(meter->bpf->maps.scratches, meter->cpus * HTTP_SCRATCHES_PER_CPU);
    if (!error)
        error = http_meter_bpf__load(meter->bpf);
    return error ? say_why("the BPF programs cannot be loaded", error) : 0;
}

static int meter_attach(struct http_meter *meter, const char *cgroup_root)
{
    autoclose int cgroup = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0) {
        int error = -errno;
        log_error("collect", "the cgroup folder cannot be opened", LOG_STR("cgroup", cgroup_root),
                  LOG_STR("error", strerror(-error)),
                  LOG_STR("hint", "http_metrics.cgroup_root must be a folder of a cgroup v2 mount"));
        return error;
    }
    struct {
        struct bpf_program *program;
        struct bpf_link **link;
    } attachments[] = {
        {meter->bpf->progs.http_sockets, &meter->sockets}, /* first: it must know of every connection */
        {meter->bpf->progs.http_ingress, &meter->ingress},
        {meter->bpf->progs.http_egress, &meter->egress},
    };
    for (size_t i = 0; i < ARRAY_SIZE(attachments); i++) {
        *attachments[i].link = bpf_program__attach_cgroup(attachments[i].program, cgroup);
        if (!*attachments[i].link)
            return say_why("a BPF program cannot be attached to the cgroup", -errno);
    }
    return 0;
}

static int meter_allocate(struct http_meter *meter, const struct http_metrics_config *config)
{
    meter->max_rows = config->max_rows;
    meter->cpus = libbpf_num_possible_cpus();
    if (meter->cpus <= 0)
        return say_why("the number of CPUs cannot be read", meter->cpus ? meter->cpus : -EINVAL);
    meter->rows = calloc(config->max_rows + HTTP_ROLES, sizeof(*meter->rows));
    meter->batch_keys = calloc(BATCH, sizeof(*meter->batch_keys));
    meter->batch_values = calloc(BATCH, sizeof(*meter->batch_values));
    return meter->rows && meter->batch_keys && meter->batch_values ? 0 : -ENOMEM;
}

int http_meter_new(const struct http_metrics_config *config, const char *cgroup_root,
                   struct http_meter **out)
{
    struct http_meter *meter = calloc(1, sizeof(*meter));
    if (!meter)
        return -ENOMEM;
    libbpf_set_print(libbpf_log);
    int error = meter_allocate(meter, config);
    if (!error)
        error = meter_load(meter, config);
    if (!error)
        error = meter_attach(meter, cgroup_root);
    if (error) {
        http_meter_free(&meter);
        return error;
    }
    *out = meter;
    return 0;
}

void http_meter_detach(struct http_meter *meter)
{
    bpf_link__destroy(TAKE_PTR(meter->ingress));
    bpf_link__destroy(TAKE_PTR(meter->egress));
    bpf_link__destroy(TAKE_PTR(meter->sockets));
}

void http_meter_free(struct http_meter **meter)
{
    if (!*meter)
        return;
    http_meter_detach(*meter);
    http_meter_bpf__destroy((*meter)->bpf);
    free((*meter)->rows);
    free((*meter)->batch_keys);
    free((*meter)->batch_values);
    free(*meter);
    *meter = NULL;
}

static void meter_take(struct http_meter *meter, size_t *count, const struct http_row_key *key,
                       const struct http_row *row)
{
    if (*count < meter->max_rows)
        meter->rows[(*count)++] = (struct http_row_entry){*key, *row};
}

/* Fewer system calls than rows. 0, or a negative errno where the kernel cannot. */
static int read_batched(struct http_meter *meter, int map, size_t *count)
{
    uint32_t next = 0;
    void *position = NULL;

    while (*count < meter->max_rows) {
        uint32_t taken = BATCH;
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

    while (bpf_map_get_next_key(map, previous, &key) == 0) {
        if (bpf_map_lookup_elem(map, &key, &row) == 0)
            meter_take(meter, count, &key, &row);
        previous = &key;
    }
    return 0;
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
    *rows = meter->rows;
    return error;
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

    bpf_object__for_each_map (map, meter->bpf->obj) {
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
