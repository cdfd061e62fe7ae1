/* SPDX-License-Identifier: Apache-2.0 */
/* Ties the meter, the cgroup tree and the rows together: a drain every interval, one more at the
 * end, and the kernel's own account as metrics. */
#include "collect/collector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect/cgroup_attribution.h"
#include "collect/cgroup_tree.h"
#include "collect/drain_moment.h"
#include "collect/http_meter.h"
#include "collect/http_rows.h"
#include "collect/metering_mark.h"

#define MAX_MOUNTS_BYTES (1 << 20)
#define POD_WAIT \
    (30 * NS_PER_SECOND) /* the kubelet tells of a container a second after its start */

struct collector {
    struct collector_environment environment;
    const struct http_metrics_config *config;
    struct http_meter *meter;
    struct cgroup_tree *tree;
    struct http_rows *rows;
    struct loop_timer *timer;
    uint64_t next_drain_ns;
    int64_t last_drain_ms;
    struct metric *outcomes[HTTP_OUTCOMES];
    struct metric *map_bytes;
    struct metric *rows_no_pod, *rows_unnamed, *attribution;
    struct metric *gaps, *gap_seconds;
    struct metering_mark mark;
};

static const struct metric_family heads_family = {
    .name = "edgemeter_http_heads_total",
    .help = "What became of the requests that the kernel programs saw.",
    .type = METRIC_COUNTER,
};
static const struct metric_family connections_family = {
    .name = "edgemeter_http_connections_total",
    .help = "What became of the connections that carried payload.",
    .type = METRIC_COUNTER,
};
static const struct metric_family heads_seen_family = {
    .name = "edgemeter_http_heads_seen_total",
    .help = "Requests that the kernel programs saw, or whose answer they saw.",
    .type = METRIC_COUNTER,
};
static const struct metric_family connections_seen_family = {
    .name = "edgemeter_http_connections_seen_total",
    .help = "Connections that carried payload.",
    .type = METRIC_COUNTER,
};
static const struct metric_family losses_family = {
    .name = "edgemeter_http_losses_total",
    .help = "How often bytes of a connection could not be looked at.",
    .type = METRIC_COUNTER,
};
static const struct metric_family rows_family = {
    .name = "edgemeter_http_rows_without_pod_total",
    .help = "HTTP rows that have no pod's name: of a cgroup that is no pod's, or of a pod that did "
            "not become known in time.",
    .type = METRIC_COUNTER,
};
static const struct metric_family attribution_family = {
    .name = "edgemeter_http_attribution_possible",
    .help = "Whether the requests of every cgroup are seen, each as that cgroup's.",
    .type = METRIC_GAUGE,
};
static const struct metric_family gaps_family = {
    .name = "edgemeter_http_gaps_total",
    .help = "Times that metering ended without its last drain (kill -9, out of memory), as far as "
            "--storage.path remembers.",
    .type = METRIC_COUNTER,
};
static const struct metric_family gap_seconds_family = {
    .name = "edgemeter_http_gap_seconds_total",
    .help = "Time not metered because of that: each from the last drain to the next start.",
    .type = METRIC_COUNTER,
};
static const struct metric_family map_bytes_family = {
    .name = "edgemeter_bpf_map_memory_bytes",
    .help = "Kernel memory of the BPF maps, as the kernel states it.",
    .type = METRIC_GAUGE,
};

/* What the programs count, and as what it is shown. A head that was seen is in one of the outcomes
 * or still waits; a connection is in one of its outcomes or not decided yet. */
static const struct {
    const struct metric_family *family;
    const char *label, *value;
} outcome_metrics[HTTP_OUTCOMES] = {
    [HTTP_HEAD_SEEN] = {&heads_seen_family, NULL, NULL},
    [HTTP_HEAD_COUNTED] = {&heads_family, "outcome", "counted"},
    [HTTP_HEAD_SURPLUS] = {&heads_family, "outcome", "surplus"},
    [HTTP_HEAD_UNANSWERED] = {&heads_family, "outcome", "unanswered"},
    [HTTP_HEAD_ROLE_OFF] = {&heads_family, "outcome", "role_off"},
    [HTTP_HEAD_TOO_MANY] = {&heads_family, "outcome", "too_many_outstanding"},
    [HTTP_HEAD_REQUEST_UNSEEN] = {&heads_family, "outcome", "request_unseen"},
    [HTTP_CONNECTION_SEEN] = {&connections_seen_family, NULL, NULL},
    [HTTP_CONNECTION_HTTP] = {&connections_family, "outcome", "http"},
    [HTTP_CONNECTION_NOT_HTTP] = {&connections_family, "outcome", "not_http"},
    [HTTP_CONNECTION_TLS] = {&connections_family, "outcome", "tls"},
    [HTTP_LOSS_RESYNC] = {&losses_family, "reason", "resync"},
    [HTTP_LOSS_TUNNEL] = {&losses_family, "reason", "tunnel"},
    [HTTP_LOSS_BOUND] = {&losses_family, "reason", "per_packet_bound"},
    [HTTP_LOSS_NO_MEMORY] = {&losses_family, "reason", "no_memory"},
    [HTTP_LOSS_BUSY] = {&losses_family, "reason", "busy"},
};

static void collector_refresh_metrics(void *context)
{
    struct collector *collector = context;
    uint64_t counts[HTTP_OUTCOMES];

    if (http_meter_read_outcomes(collector->meter, counts))
        return;
    for (size_t i = 0; i < HTTP_OUTCOMES; i++)
        metric_set(collector->outcomes[i], counts[i]);
    metric_set(collector->map_bytes, http_meter_memory(collector->meter));
}

static int collector_register_metrics(struct collector *collector)
{
    struct metric_registry *registry = collector->environment.metrics;
    int error = metric_new(registry, &map_bytes_family, NULL, &collector->map_bytes);

    if (!error && collector->environment.storage_path)
        error = metric_new(registry, &gaps_family, NULL, &collector->gaps);
    if (!error && collector->environment.storage_path)
        error = metric_new(registry, &gap_seconds_family, NULL, &collector->gap_seconds);
    if (!error)
        error = metric_new(registry, &attribution_family, NULL, &collector->attribution);
    if (!error)
        error = metric_new(registry, &rows_family, METRIC_LABELS("reason", "no_pod"),
                           &collector->rows_no_pod);
    if (!error)
        error = metric_new(registry, &rows_family, METRIC_LABELS("reason", "pod_unknown"),
                           &collector->rows_unnamed);
    for (size_t i = 0; i < HTTP_OUTCOMES && !error; i++)
        error = metric_new(registry, outcome_metrics[i].family,
                           METRIC_LABELS(outcome_metrics[i].label, outcome_metrics[i].value),
                           &collector->outcomes[i]);
    return error ? error : metric_registry_on_write(registry, collector_refresh_metrics, collector);
}

static struct drain_moment collector_now(const struct collector *collector)
{
    int64_t last_ms = collector->last_drain_ms, clock_ms = clock_wall_ms();
    struct drain_moment moment =
        drain_moment_next(last_ms, clock_ms, (int64_t)(collector->config->interval_ns / NS_PER_MS));

    if (moment.clock_went_back)
        log_warn("collect", "the clock was set back; HTTP rows follow it",
                 LOG_REAL("seconds", (double)(last_ms - clock_ms) / 1000));
    return moment;
}

static void collector_drain(struct collector *collector, bool last)
{
    const struct http_row_entry *entries;
    size_t count;

    struct drain_moment moment = collector_now(collector);
    int error = http_meter_read(collector->meter, &entries, &count);
    if (!error) {
        error = http_rows_drain(collector->rows, entries, count, moment.before_ms, moment.now_ms,
                                collector->environment.sink);
        collector->last_drain_ms = moment.now_ms;
    }
    if (!error)
        metering_mark_note(&collector->mark, moment.now_ms, last);
    else
        log_error("collect", "not all HTTP rows could be drained; they are kept for the next time",
                  LOG_STR("error", strerror(-error)),
                  LOG_STR("hint", error == -E2BIG ? "there are more series than the agent keeps; "
                                                    "lower http_metrics.max_rows"
                                                  : "is the node short of memory?"));
}

static int collector_delete_row(void *context, const struct http_row_entry *entry)
{
    struct collector *collector = context;

    return http_meter_delete(collector->meter, entry);
}

static void collector_tick(void *context)
{
    struct collector *collector = context;
    uint64_t now = clock_monotonic_ns();

    collector_drain(collector, false);
    while (collector->next_drain_ns <= now)
        collector->next_drain_ns += collector->config->interval_ns;
    loop_timer_at(collector->timer, collector->next_drain_ns);
}

static char *read_mounts(void)
{
    autobuffer struct buffer text;
    FILE *file = fopen("/proc/self/mounts", "re");

    buffer_init(&text, MAX_MOUNTS_BYTES);
    if (!file)
        return NULL;
    for (char *room; (room = buffer_reserve(&text, 4096));) {
        size_t length = fread(room, 1, 4095, file);
        if (!length)
            break;
        text.length += length;
    }
    fclose(file);
    buffer_append_char(&text, '\0');
    return TAKE_PTR(text.bytes);
}

static int collector_find_cgroups(struct collector *collector, char **mount)
{
    autofree char *mounts = read_mounts();

    const char *root = collector->config->cgroup_root;
    *mount = mounts && root ? cgroup_mount_of(mounts, root) : NULL;
    if (mounts && !*mount)
        *mount = cgroup_mount_find(mounts);
    if (!*mount) {
        log_error("collect", "no cgroup v2 hierarchy is mounted, so HTTP cannot be metered",
                  LOG_STR("hint", "mount one (mount -t cgroup2 none /sys/fs/cgroup/unified), or "
                                  "mount the host's into the container"));
        return -ENOENT;
    }
    int error = cgroup_tree_new(*mount, &collector->tree);
    if (error) {
        log_error("collect", "the cgroup hierarchy cannot be walked", LOG_STR("mount", *mount),
                  LOG_STR("error", strerror(-error)));
        return error;
    }
    error = cgroup_tree_follow(collector->tree, collector->environment.loop);
    if (error)
        log_warn("collect", "cgroups that live for less than an interval may remain without a name",
                 LOG_STR("error", strerror(-error)),
                 LOG_STR("hint", "raise fs.inotify.max_user_watches and max_user_instances"));
    return 0;
}

/* Says so where requests cannot be told apart: everything else goes on. */
static void collector_check_attribution(struct collector *collector, const char *mount)
{
    static const struct {
        const char *message, *hint;
    } faults[] = {
        [ATTRIBUTION_PARTIAL] =
            {"only our own cgroup and those below it are seen: the HTTP requests of all others are "
             "not metered",
             "mount the host's /sys/fs/cgroup into the container, in place of its own"},
        [ATTRIBUTION_NONE] =
            {"the kernel takes every socket to be in the root cgroup: HTTP requests are not told "
             "apart by pod or service",
             "cgroup v1's net_prio or net_cls are in use; boot with cgroup_no_v1=net_prio,net_cls "
             "or without cgroup v1"},
    };

    enum cgroup_attribution found = cgroup_attribution_probe(mount);
    metric_set(collector->attribution, found == ATTRIBUTION_WORKS);
    if (found != ATTRIBUTION_WORKS)
        log_warn("collect", faults[found].message, LOG_STR("cgroup", mount),
                 LOG_STR("hint", faults[found].hint));
}

static void collector_open_mark(struct collector *collector)
{
    const char *path = collector->environment.storage_path;
    int error = path ? metering_mark_open(&collector->mark, path, collector->last_drain_ms) : 0;

    if (error)
        log_warn("collect", "it cannot be remembered until when HTTP was metered",
                 LOG_STR("folder", path), LOG_STR("error", strerror(-error)));
    if (!path || error)
        return;
    metric_set(collector->gaps, (double)collector->mark.gaps);
    metric_set(collector->gap_seconds, (double)collector->mark.gap_ms / 1000);
    if (collector->mark.last_gap_ms >= 0)
        log_warn("collect", "HTTP was not metered for a while: the agent was killed",
                 LOG_REAL("seconds", (double)collector->mark.last_gap_ms / 1000));
}

static int collector_start(struct collector *collector)
{
    autofree char *mount = NULL;
    struct http_rows_environment rows = {
        .config = collector->config,
        .series = collector->environment.series,
        .external_labels = collector->environment.external_labels,
        .instance = collector->environment.instance,
        .pods = collector->environment.pods,
        .pod_wait_ns = POD_WAIT,
        .row_delete = collector_delete_row,
        .context = collector,
    };

    int error = collector_find_cgroups(collector, &mount);
    if (error)
        return error;
    const char *root = collector->config->cgroup_root ? collector->config->cgroup_root : mount;
    error = collector_register_metrics(collector);
    if (error)
        return error;
    rows.rows_no_pod = collector->rows_no_pod;
    rows.rows_unnamed = collector->rows_unnamed;
    error = http_rows_new(&rows, collector->tree, &collector->rows);
    if (!error)
        error = http_meter_new(collector->config, root, &collector->meter);
    if (!error)
        error = loop_timer_new(collector->environment.loop, collector_tick, collector,
                               &collector->timer);
    if (error)
        return error;
    collector->last_drain_ms = clock_wall_ms();
    collector_open_mark(collector);
    collector->next_drain_ns = clock_monotonic_ns() + collector->config->interval_ns;
    loop_timer_at(collector->timer, collector->next_drain_ns);
    log_info("collect", "metering HTTP", LOG_STR("cgroup", root));
    collector_check_attribution(collector, mount);
    return 0;
}

int collector_new(const struct collector_environment *environment,
                  const struct http_metrics_config *config, struct collector **out)
{
    struct collector *collector = calloc(1, sizeof(*collector));
    if (!collector)
        return -ENOMEM;
    collector->environment = *environment;
    collector->config = config;
    collector->mark.fd = -1;
    int error = collector_start(collector);
    if (error)
        collector_free(&collector);
    else
        *out = collector;
    return error;
}

void collector_stop(struct collector *collector)
{
    loop_timer_disarm(collector->timer);
    http_meter_detach(collector->meter);
    http_rows_end_waiting(collector->rows);
    collector_drain(collector, true);
}

void collector_end_series(struct collector *collector)
{
    int error =
        http_rows_end(collector->rows, collector->last_drain_ms + 1, collector->environment.sink);

    if (error)
        log_error("collect", "not all HTTP series could be marked stale",
                  LOG_STR("error", strerror(-error)));
}

/* What is not metered has no figures. */
static void collector_free_metrics(struct collector *collector)
{
    struct metric **const others[] = {
        &collector->map_bytes,   &collector->rows_no_pod, &collector->rows_unnamed,
        &collector->attribution, &collector->gaps,        &collector->gap_seconds,
    };

    for (size_t i = 0; i < HTTP_OUTCOMES; i++)
        metric_free(&collector->outcomes[i]);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        metric_free(others[i]);
}

void collector_free(struct collector **collector)
{
    if (!*collector)
        return;
    metric_registry_off_write((*collector)->environment.metrics, collector_refresh_metrics,
                              *collector);
    metering_mark_close(&(*collector)->mark);
    loop_timer_free(&(*collector)->timer);
    http_rows_free(&(*collector)->rows);
    http_meter_free(&(*collector)->meter);
    cgroup_tree_free(&(*collector)->tree);
    collector_free_metrics(*collector);
    free(*collector);
    *collector = NULL;
}

int collector_write(struct collector *collector, struct buffer *out)
{
    const struct http_row_entry *entries;
    size_t count;

    int error = http_meter_read(collector->meter, &entries, &count);
    return error ? error : http_rows_write(collector->rows, entries, count, out);
}

int collector_show(struct collector *collector, http_show_fn fn, void *context)
{
    const struct http_row_entry *entries;
    size_t count;

    int error = http_meter_read(collector->meter, &entries, &count);
    return error ? error : http_rows_show(collector->rows, entries, count, fn, context);
}

int64_t collector_last_drain_ms(const struct collector *collector)
{
    return collector->last_drain_ms;
}

int collector_read_account(struct collector *collector, struct collector_account *out)
{
    const struct http_row_entry *entries;

    *out = (struct collector_account){
        .max_rows = collector->config->max_rows + HTTP_ROLES,
        .map_bytes = http_meter_memory(collector->meter),
    };
    int error = http_meter_read(collector->meter, &entries, &out->rows);
    return error ? error : http_meter_read_outcomes(collector->meter, out->outcomes);
}

const char *collector_outcome_name(size_t outcome)
{
    return outcome_metrics[outcome].value;
}
