/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the programs of bpf/http_meter.bpf.c, attaches them with bpf_link (multi mode, beside
 * whatever else is attached). Their maps are read in http_meter_rows.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "collect/capabilities.h"
#include "collect/http_meter_state.h"
#include "collect/native_histogram.h"

/* libbpf's own messages are for whoever looks deeper: what matters is said by us. */
#define VERIFIER_LOG_SHOWN 4096 /* bytes */
static int libbpf_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
    autofree char *message = NULL;

    if (level == LIBBPF_DEBUG || !log_enabled(LOG_LEVEL_DEBUG) ||
        vasprintf(&message, format, arguments) < 0)
        return 0;
    /* the verifier's log comes as one message of up to megabytes; why it refused stands at its end
     */
    size_t length = strlen(message);
    char *line = message + (length > VERIFIER_LOG_SHOWN ? length - VERIFIER_LOG_SHOWN : 0);
    for (char *rest = line; (line = strsep(&rest, "\n"));)
        if (*line)
            log_debug("collect", "libbpf", LOG_STR("message", line));
    return 0;
}

static const char *hint_of(int error)
{
    bool may_lock = capabilities_may_lock_memory();

    switch (error) {
    case -EPERM:
    case -EACCES:
        return may_lock
                   ? "do a seccomp profile, kernel lockdown or a security module forbid bpf(2)?"
                   : "before Linux 5.11 BPF maps need locked memory: give CAP_SYS_RESOURCE, or "
                     "raise RLIMIT_MEMLOCK; on later ones a seccomp profile, kernel lockdown "
                     "or a security module may forbid bpf(2)";
    case -EINVAL: /* also where no memory may be locked: libbpf then tries a map without its BTF */
    case -ENOSYS:
    case -EOPNOTSUPP:
        return may_lock ? "the kernel must be 5.10 or later, with CONFIG_BPF_SYSCALL and "
                          "CONFIG_CGROUP_BPF"
                        : "before Linux 5.11 BPF maps need locked memory: give CAP_SYS_RESOURCE; "
                          "the kernel must be 5.10 or later, with CONFIG_BPF_SYSCALL and "
                          "CONFIG_CGROUP_BPF";
    default:
        return "run with --log.level=debug to see what libbpf says";
    }
}

static int say_why(const char *what, int error)
{
    char missing[CAPABILITIES_TEXT_SIZE];

    capabilities_missing(missing);
    if (missing[0])
        log_error("collect", what, LOG_STR("error", strerror(-error)), LOG_STR("missing", missing),
                  LOG_STR("hint", "run as root, or give what is missing: in Kubernetes by "
                                  "securityContext.capabilities.add, in systemd by "
                                  "AmbientCapabilities"));
    else
        log_error("collect", what, LOG_STR("error", strerror(-error)),
                  LOG_STR("hint", hint_of(error)));
    return error;
}

static uint32_t scratch_count(const struct http_meter *meter)
{
    uint32_t count = (uint32_t)meter->cpus * HTTP_SCRATCHES_PER_CPU;
    return count > HTTP_SCRATCHES_LEAST ? count : HTTP_SCRATCHES_LEAST;
}

static void settings_fill(struct http_meter *meter, const struct http_metrics_config *config)
{
    struct http_meter_bpf__rodata *settings = meter->bpf->rodata;

    for (size_t i = 0; i < HTTP_MAX_BOUNDS; i++)
        settings->bucket_bounds_ns[i] = http_metrics_bound_ns(config, i);
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
        settings->native_bounds_ns[i] = native_bound_ns(i);
    settings->role_enabled[HTTP_ROLE_SERVER] = config->server;
    settings->role_enabled[HTTP_ROLE_CLIENT] = config->client;
    settings->routes_on = config->routes.count > 0;
    settings->hosts_on = config->hosts.count > 0;
    settings->native_on = config->native_histograms;
    settings->scratch_count = scratch_count(meter);
}

static int sizes_set(struct http_meter *meter, const struct http_metrics_config *config)
{
    struct http_meter_bpf *bpf = meter->bpf;
    const struct {
        struct bpf_map *map;
        size_t entries; /* 0: as little as can be */
    } sizes[] = {
        {bpf->maps.rows, config->max_rows},
        {bpf->maps.native_rows, config->native_histograms ? config->max_rows + HTTP_ROLES : 0},
        {bpf->maps.routes, config->routes.count},
        {bpf->maps.hosts, config->hosts.count},
        {bpf->maps.scratches, scratch_count(meter) + meter->cpus},
    };
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(sizes) && !error; i++)
        error = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries ? sizes[i].entries : 1);
    return error;
}

static int names_fill(struct http_meter *meter, const struct http_metrics_config *config)
{
    int routes = bpf_map__fd(meter->bpf->maps.routes), hosts = bpf_map__fd(meter->bpf->maps.hosts);
    int error = 0;

    for (uint32_t i = 0; i < config->routes.count && !error; i++) {
        const char *route = config->routes.list[i];
        struct http_route_key key = {.prefix_bits = 8 * strlen(route)};
        uint32_t number = i + 1;
        memcpy(key.path, route, strnlen(route, sizeof(key.path)));
        error = bpf_map_update_elem(routes, &key, &number, BPF_ANY);
    }
    for (uint32_t i = 0; i < config->hosts.count && !error; i++) {
        const char *host = config->hosts.list[i];
        struct http_host_key key = {0};
        uint32_t number = i + 1;
        memcpy(key.name, host, strnlen(host, sizeof(key.name)));
        error = bpf_map_update_elem(hosts, &key, &number, BPF_ANY);
    }
    return error ? say_why("the routes and hosts cannot be given to the BPF programs", error) : 0;
}

static int meter_load(struct http_meter *meter, const struct http_metrics_config *config)
{
    meter->bpf = http_meter_bpf__open();
    if (!meter->bpf)
        return say_why("the BPF object cannot be opened", -errno);
    settings_fill(meter, config);
    int error = sizes_set(meter, config);
    if (!error)
        error = http_meter_bpf__load(meter->bpf);
    return error ? say_why("the BPF programs cannot be loaded", error) : names_fill(meter, config);
}

/* The descriptor or a negative errno, said. */
static int cgroup_open(const char *cgroup_root)
{
    struct statfs status;
    int cgroup = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = cgroup < 0 || fstatfs(cgroup, &status) ? -errno : 0;

    if (!error && status.f_type == CGROUP2_SUPER_MAGIC)
        return cgroup;
    if (cgroup >= 0)
        close(cgroup);
    log_error("collect",
              error ? "the cgroup folder cannot be opened"
                    : "the folder belongs to no cgroup v2 hierarchy",
              LOG_STR("cgroup", cgroup_root), LOG_STR("error", strerror(error ? -error : EINVAL)),
              LOG_STR("hint", "http_metrics.cgroup_root must be a folder of a cgroup v2 mount that "
                              "no other mount lies over"));
    return error ? error : -EINVAL;
}

static int meter_attach(struct http_meter *meter, const char *cgroup_root)
{
    autoclose int cgroup = cgroup_open(cgroup_root);
    if (cgroup < 0)
        return cgroup;
    struct {
        struct bpf_program *program;
        struct bpf_link **link;
    } attachments[] = {
        {meter->bpf->progs.http_sockets,
         &meter->sockets}, /* first: it must know of every connection */
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

/* A hash that is not preallocated can hold a little more than its maximum. */
static int meter_allocate(struct http_meter *meter, const struct http_metrics_config *config)
{
    meter->capacity = config->max_rows + config->max_rows / 2;
    meter->cpus = libbpf_num_possible_cpus();
    if (meter->cpus <= 0)
        return say_why("the number of CPUs cannot be read", meter->cpus ? meter->cpus : -EINVAL);
    meter->rows = calloc(meter->capacity + HTTP_ROLES, sizeof(*meter->rows));
    meter->batch_keys = calloc(HTTP_METER_BATCH, sizeof(*meter->batch_keys));
    meter->batch_values = calloc(HTTP_METER_BATCH, sizeof(*meter->batch_values));
    if (!meter->rows || !meter->batch_keys || !meter->batch_values)
        return -ENOMEM;
    if (!config->native_histograms)
        return 0;
    meter->native_rows = calloc(meter->capacity + HTTP_ROLES, sizeof(*meter->native_rows));
    return meter->native_rows ? 0 : -ENOMEM;
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
    free((*meter)->native_rows);
    free((*meter)->batch_keys);
    free((*meter)->batch_values);
    free(*meter);
    *meter = NULL;
}
