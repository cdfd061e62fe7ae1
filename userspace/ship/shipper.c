/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that everything is appended to, the one queue behind it, and the remotes that empty it.
 * How a remote sends is remote.c's business. */
#include "ship/shipper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ship/batch.h"
#include "ship/intake_metrics.h"
#include "ship/queue.h"
#include "ship/remote.h"
#include "ship/remote_names.h"

struct shipper {
    struct sample_sink sink; /* the first member: the sink is the shipper */
    struct shipper_environment environment;
    struct queue *queue;
    struct batch_builder *builder;
    struct remote **remotes;
    struct remote_write_config **configs; /* of each; one reference */
    size_t remote_count;
    struct intake_metrics intake;
    struct loop_timer *flush_timer;
    uint64_t flush_end_ns;
    void (*flush_done)(void *context, uint64_t unsent); /* NULL: not flushing, or told */
    void *flush_context;
};

static struct sample_counts counts_of(const struct sample_record *record)
{
    struct sample_counts counts = {.exemplars = record->exemplar_count};
    for (size_t i = 0; i < record->count; i++)
        counts.histograms += record->samples[i].type == SAMPLE_HISTOGRAM;
    counts.floats = record->count - counts.histograms;
    return counts;
}

static int64_t newest_of(const struct sample_record *record)
{
    int64_t newest_ms = record->samples[0].timestamp_ms;
    for (size_t i = 1; i < record->count; i++)
        if (record->samples[i].timestamp_ms > newest_ms)
            newest_ms = record->samples[i].timestamp_ms;
    return newest_ms;
}

static void shipper_append(struct sample_sink *sink, const struct sample_record *record)
{
    struct shipper *shipper = (struct shipper *)sink;
    struct sample_counts counts = counts_of(record);
    int64_t newest_ms = newest_of(record);
    intake_metrics_count(&shipper->intake, counts, newest_ms);
    queue_append(shipper->queue, record); /* tells each remote what it drops */
    for (size_t i = 0; i < shipper->remote_count; i++)
        remote_notify(shipper->remotes[i], record, counts, newest_ms);
}

static uint64_t shipper_unsent(const struct shipper *shipper)
{
    uint64_t unsent = 0;
    for (size_t i = 0; i < shipper->remote_count; i++)
        unsent += sample_counts_sum(remote_pending(shipper->remotes[i]));
    return unsent;
}

/* Never calls back from inside shipper_flush or a remote: the timer does it in the next turn. */
static void on_flush_timer(void *context)
{
    struct shipper *shipper = context;
    uint64_t unsent = shipper_unsent(shipper);
    if (!shipper->flush_done)
        return;
    if (unsent && clock_monotonic_ns() < shipper->flush_end_ns) {
        loop_timer_at(shipper->flush_timer, shipper->flush_end_ns);
        return;
    }
    void (*done)(void *, uint64_t) = TAKE_PTR(shipper->flush_done);
    done(shipper->flush_context, unsent);
}

static void on_remote_empty(void *context)
{
    struct shipper *shipper = context;
    if (shipper->flush_done)
        loop_timer_at(shipper->flush_timer, 0);
}

void shipper_flush(struct shipper *shipper, uint64_t deadline_ns,
                   void (*done)(void *context, uint64_t unsent), void *context)
{
    shipper->flush_done = done;
    shipper->flush_context = context;
    shipper->flush_end_ns = clock_monotonic_ns() + deadline_ns;
    loop_timer_at(shipper->flush_timer, 0);
    for (size_t i = 0; i < shipper->remote_count; i++)
        remote_flush(shipper->remotes[i]);
}

bool shipper_keeps_unsent(const struct shipper *shipper)
{
    return queue_is_durable(shipper->queue);
}

void shipper_show(const struct shipper *shipper,
                  void (*fn)(void *context, const struct shown_remote *remote), void *context)
{
    for (size_t i = 0; i < shipper->remote_count; i++) {
        struct shown_remote remote;
        remote_show(shipper->remotes[i], &remote);
        fn(context, &remote);
    }
}

uint64_t shipper_queue_bytes(const struct shipper *shipper)
{
    return queue_bytes(shipper->queue);
}

struct sample_sink *shipper_sink(struct shipper *shipper)
{
    return &shipper->sink;
}

static struct remote *find_remote(const struct shipper *shipper, const char *name)
{
    for (size_t i = 0; i < shipper->remote_count; i++)
        if (strcmp(remote_name(shipper->remotes[i]), name) == 0)
            return shipper->remotes[i];
    return NULL;
}

static bool is_taken(void *context, const char *name)
{
    return find_remote(context, name) != NULL;
}

static int reserve_remote(struct shipper *shipper)
{
    size_t wanted = shipper->remote_count + 1;
    void *remotes = realloc(shipper->remotes, wanted * sizeof(*shipper->remotes));
    if (remotes)
        shipper->remotes = remotes;
    void *configs = realloc(shipper->configs, wanted * sizeof(*shipper->configs));
    if (configs)
        shipper->configs = configs;
    return remotes && configs ? 0 : -ENOMEM;
}

static int add_remote(struct shipper *shipper, struct remote_write_config *config, const char *name)
{
    const struct remote_environment environment = {
        .shipper = &shipper->environment,
        .queue = shipper->queue,
        .builder = shipper->builder,
        .on_empty = on_remote_empty,
        .context = shipper,
    };
    if (reserve_remote(shipper))
        return -ENOMEM;
    if (find_remote(shipper, name)) {
        log_error("ship", "two remote_write entries have one name, give each its own `name`",
                  LOG_STR("remote_name", name));
        return -EEXIST;
    }
    size_t slot = shipper->remote_count;
    int error = remote_new(&environment, config, name, &shipper->remotes[slot]);
    if (error)
        return error;
    shipper->configs[slot] = remote_write_config_hold(config);
    shipper->remote_count++;
    return 0;
}

/* Adds them all, as far as that is possible. 0 or the last error. */
static int add_remotes(struct shipper *shipper, struct remote_write_config *const *configs,
                       size_t count)
{
    const struct remote_names names = {shipper->queue, is_taken, shipper};
    char **chosen = calloc(count + 1, sizeof(*chosen));
    int error = chosen ? remote_names_choose(&names, configs, count, chosen) : -ENOMEM;
    bool have_names = !error;
    for (size_t i = 0; i < count && have_names; i++) {
        int failed = add_remote(shipper, configs[i], chosen[i]);
        if (failed)
            log_error("ship", "cannot start a remote", LOG_STR("err", strerror(-failed)));
        error = failed ? failed : error;
    }
    for (size_t i = 0; i < count && chosen; i++)
        free(chosen[i]);
    free(chosen);
    return error;
}

static void end_remote(struct shipper *shipper, size_t index)
{
    size_t behind = --shipper->remote_count - index;

    remote_free(&shipper->remotes[index]);
    remote_write_config_release(&shipper->configs[index]);
    memmove(&shipper->remotes[index], &shipper->remotes[index + 1],
            behind * sizeof(*shipper->remotes));
    memmove(&shipper->configs[index], &shipper->configs[index + 1],
            behind * sizeof(*shipper->configs));
}

static size_t count_same(const struct remote_write_config *config,
                         struct remote_write_config *const *configs, size_t count)
{
    size_t same = 0;
    for (size_t i = 0; i < count; i++)
        same += configs[i]->digest == config->digest;
    return same;
}

/* Those that go end first: their successors have their names, and read on where they were. An entry
 * that stands twice in the file is two remotes. */
int shipper_apply(struct shipper *shipper, const struct queue_config *queue,
                  struct remote_write_config *const *remotes, size_t remote_count)
{
    size_t added = 0;

    queue_configure(shipper->queue, queue);
    for (size_t i = shipper->remote_count; i-- > 0;)
        if (count_same(shipper->configs[i], shipper->configs, i + 1) >
            count_same(shipper->configs[i], remotes, remote_count))
            end_remote(shipper, i);
    struct remote_write_config **wanted = calloc(remote_count + 1, sizeof(*wanted));
    if (!wanted)
        return -ENOMEM;
    for (size_t i = 0; i < remote_count; i++)
        if (count_same(remotes[i], remotes, i + 1) >
            count_same(remotes[i], shipper->configs, shipper->remote_count))
            wanted[added++] = remotes[i];
    int error = add_remotes(shipper, wanted, added);
    queue_forget_closed(shipper->queue);
    free(wanted);
    return error;
}

static int queue_start(struct shipper *shipper, const struct queue_config *config,
                       size_t remote_count)
{
    const struct queue_environment environment = {
        .loop = shipper->environment.loop,
        .worker = shipper->environment.worker,
        .series = shipper->environment.series,
        .metrics = shipper->environment.metrics,
        .folder = shipper->environment.storage_path,
        .memory_limit = shipper->environment.memory_limit,
    };
    if (!environment.folder && remote_count)
        log_info("ship", "the queue is in memory alone: what is not sent when the agent ends is "
                         "lost; --storage.path keeps it on disk");
    return queue_new(&environment, config, &shipper->queue);
}

static int shipper_setup(struct shipper *shipper, const struct queue_config *queue,
                         struct remote_write_config *const *remotes, size_t remote_count)
{
    const struct shipper_environment *environment = &shipper->environment;
    int error = queue_start(shipper, queue, remote_count);
    if (!error)
        error = batch_builder_new(environment->series, &shipper->builder);
    if (!error)
        error = loop_timer_new(environment->loop, on_flush_timer, shipper, &shipper->flush_timer);
    if (!error)
        error = intake_metrics_init(&shipper->intake, shipper->environment.metrics);
    if (!error)
        error = add_remotes(shipper, remotes, remote_count);
    if (!error)
        queue_forget_closed(shipper->queue);
    return error;
}

int shipper_new(const struct shipper_environment *environment, const struct queue_config *queue,
                struct remote_write_config *const *remotes, size_t remote_count,
                struct shipper **out)
{
    struct shipper *shipper = calloc(1, sizeof(*shipper));
    if (!shipper)
        return -ENOMEM;
    shipper->sink.append = shipper_append;
    shipper->environment = *environment;
    int error = shipper_setup(shipper, queue, remotes, remote_count);
    if (error) {
        log_error("ship", "cannot prepare remote write", LOG_STR("err", strerror(-error)));
        shipper_free(&shipper);
        return error;
    }
    *out = shipper;
    return 0;
}

void shipper_free(struct shipper **out)
{
    struct shipper *shipper = *out;
    if (!shipper)
        return;
    while (shipper->remote_count)
        end_remote(shipper, shipper->remote_count - 1);
    free(shipper->remotes);
    free(shipper->configs);
    queue_free(&shipper->queue);
    loop_timer_free(&shipper->flush_timer);
    batch_builder_free(&shipper->builder);
    intake_metrics_free(&shipper->intake);
    free(TAKE_PTR(*out));
}
