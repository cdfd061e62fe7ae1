/* SPDX-License-Identifier: Apache-2.0 */
/* file_sd_configs: targets in files, read at the start, when something happens in their folders,
 * and every refresh interval. A file that cannot be read or understood keeps the targets that it
 * had. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file_list.h"
#include "base/file_read.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "discover/target_file.h"

#define MAX_FILES 16384
#define MAX_REASON 512
#define RETRY_NS (5 * NS_PER_SECOND) /* while a folder is not there, or cannot be read */

/* A file as it was read last. */
struct target_source {
    char *path;
    XXH128_hash_t content;
    bool taken;         /* `content` was handed over */
    size_t group_count; /* handed over */
    bool seen;          /* in this refresh */
    char *failure;      /* the log has this; NULL: none */
    struct metric *mtime;
};

struct file_discoverer {
    struct discoverer discoverer; /* first */
    struct discovery_environment environment;
    const struct file_config *config;
    struct target_sink *sink;
    struct file_watch *watch; /* NULL: no inotify, files are looked at every refresh interval */
    struct loop_timer *timer;
    struct target_source *files;
    size_t file_count;
    bool folder_missing, warned;
    bool unlisted; /* a pattern's folder could not be read */
    struct metric *scan_duration, *read_errors, *watcher_errors;
};

static const struct metric_family scan_duration_family = {
    .name = "prometheus_sd_file_scan_duration_seconds",
    .help = "The duration of the File-SD scan in seconds.",
    .type = METRIC_SUMMARY,
};
static const struct metric_family read_errors_family = {
    .name = "prometheus_sd_file_read_errors_total",
    .help = "The number of File-SD read errors.",
    .type = METRIC_COUNTER,
};
static const struct metric_family watcher_errors_family = {
    .name = "prometheus_sd_file_watcher_errors_total",
    .help = "The number of File-SD errors caused by filesystem watch failures.",
    .type = METRIC_COUNTER,
};
static const struct metric_family mtime_family = {
    .name = "prometheus_sd_file_mtime_seconds",
    .help = "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.",
    .type = METRIC_GAUGE,
};

/* ---- the files that are known ---- */

static struct target_source *find_file(struct file_discoverer *self, const char *path)
{
    for (size_t i = 0; i < self->file_count; i++)
        if (strcmp(self->files[i].path, path) == 0)
            return &self->files[i];
    return NULL;
}

static struct target_source *add_file(struct file_discoverer *self, const char *path)
{
    if (self->file_count == MAX_FILES)
        return NULL;
    void *files = realloc(self->files, (self->file_count + 1) * sizeof(*self->files));
    if (!files)
        return NULL;
    self->files = files;
    struct target_source *file = &self->files[self->file_count];
    *file = (struct target_source){.path = strdup(path)};
    if (!file->path)
        return NULL;
    self->file_count++;
    return file;
}

static void file_source(const struct target_source *file, size_t index, char **out)
{
    if (asprintf(out, "%s:%zu", file->path, index) < 0)
        *out = NULL;
}

/* Groups from `from` on are no longer there. */
static void take_back_groups(struct file_discoverer *self, struct target_source *file, size_t from)
{
    for (size_t i = from; i < file->group_count; i++) {
        autofree char *source = NULL;
        file_source(file, i, &source);
        if (source)
            target_sink_update(self->sink, &(struct target_group){.source = text_of(source)});
    }
    if (file->group_count > from)
        file->group_count = from;
}

static void forget_file(struct file_discoverer *self, size_t index)
{
    struct target_source *file = &self->files[index];
    metric_free(&file->mtime);
    free(file->failure);
    free(file->path);
    self->files[index] = self->files[--self->file_count];
}

/* ---- one file ---- */

static int hand_over(struct file_discoverer *self, struct target_source *file,
                     const struct target_file *content)
{
    struct labels_builder *builder = NULL;
    autofree struct labels *filepath = NULL;

    int error = labels_builder_new(&builder);
    if (!error)
        error = labels_builder_set(builder, TEXT("__meta_filepath"), text_of(file->path));
    if (!error)
        error = labels_builder_build(builder, &filepath);
    labels_builder_free(&builder);
    for (size_t i = 0; i < content->group_count && !error; i++) {
        autofree char *source = NULL;
        file_source(file, i, &source);
        if (!source)
            return -ENOMEM;
        error =
            static_targets_hand_over(&content->groups[i], text_of(source), filepath, self->sink);
        if (file->group_count <= i)
            file->group_count = i + 1;
    }
    if (!error)
        take_back_groups(self, file, content->group_count);
    return error;
}

/* Each reason once, until it changes or the file is well again. */
static void note_failure(struct file_discoverer *self, struct target_source *file,
                         const char *reason)
{
    metric_add(self->read_errors, 1);
    if (file->failure && strcmp(file->failure, reason) == 0)
        return;
    log_error("discover", "cannot take targets from a file; those that it had before stay",
              LOG_STR("file", file->path), LOG_STR("err", reason));
    free(file->failure);
    file->failure = strdup(reason);
}

static void set_mtime(struct file_discoverer *self, struct target_source *file,
                      const struct stat *status)
{
    if (!file->mtime && metric_new(self->environment.metrics, &mtime_family,
                                   METRIC_LABELS("filename", file->path), &file->mtime))
        return; /* more files than a family has room for: one without its gauge */
    metric_set(file->mtime, (double)status->st_mtim.tv_sec);
}

/* What is the same as at the last time is not handed over again. */
static void take_content(struct file_discoverer *self, struct target_source *file,
                         const struct stat *status, struct text bytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.bytes, bytes.length);
    autobuffer struct buffer reason;
    struct target_file content;

    buffer_init(&reason, MAX_REASON);
    if (!file->failure && file->taken && XXH128_isEqual(hash, file->content)) {
        set_mtime(self, file, status);
        return;
    }
    int error = target_file_parse(file->path, bytes, &content, &reason);
    if (!error) {
        error = hand_over(self, file, &content);
        target_file_free(&content);
    }
    if (error) {
        bool in_words = error == -EINVAL && reason.bytes;
        note_failure(self, file, in_words ? reason.bytes : strerror(-error));
        return;
    }
    if (file->failure)
        log_info("discover", "a file of targets is well again", LOG_STR("file", file->path));
    free(TAKE_PTR(file->failure));
    file->content = hash;
    file->taken = true;
    set_mtime(self, file, status);
}

static void refresh_file(struct file_discoverer *self, const char *path)
{
    struct target_source *file = find_file(self, path);
    autobuffer struct buffer bytes;
    struct stat status;

    buffer_init(&bytes, TARGET_FILE_MAX_BYTES);
    if (!file)
        file = add_file(self, path);
    if (!file) {
        log_error("discover", "a file of targets is left out: too many, or no memory",
                  LOG_STR("file", path));
        return;
    }
    if (file->seen) /* by two patterns */
        return;
    file->seen = true;
    int error = stat(path, &status) < 0 ? -errno : 0;
    if (!error && !S_ISREG(status.st_mode))
        error = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    if (!error)
        error = file_read(path, &bytes);
    if (error)
        note_failure(self, file, error == -E2BIG ? "larger than 4 MiB" : strerror(-error));
    else
        take_content(self, file, &status, buffer_text(&bytes));
}

/* ---- all files ---- */

/* Whether all its files were found. */
static bool refresh_pattern(struct file_discoverer *self, const char *pattern)
{
    autoglob glob_t found = {0};

    int error = file_list(pattern, &found);
    if (error)
        metric_add(self->read_errors, 1);
    if (error && !self->unlisted)
        log_error("discover", "cannot list the files of a pattern; the targets that there are stay",
                  LOG_STR("pattern", pattern), LOG_STR("err", strerror(-error)));
    for (size_t i = 0; !error && i < found.gl_pathc; i++)
        refresh_file(self, found.gl_pathv[i]);
    return !error;
}

static void watch_patterns(struct file_discoverer *self)
{
    self->folder_missing = false;
    for (size_t i = 0; self->watch && i < self->config->pattern_count; i++) {
        const char *pattern = self->config->patterns[i];
        int error = file_watch_add(self->watch, pattern);
        if (!error)
            continue;
        self->folder_missing = true;
        metric_add(self->watcher_errors, 1);
        if (!self->warned)
            log_warn("discover", "cannot watch the folder of a pattern; it is tried again",
                     LOG_STR("pattern", pattern), LOG_STR("err", strerror(-error)));
    }
    self->warned = self->folder_missing;
}

static void on_refresh(void *context)
{
    struct file_discoverer *self = context;
    uint64_t started = clock_monotonic_ns(), next = self->config->refresh_interval_ns;
    bool all = true;

    watch_patterns(self); /* first: what happens from here on is not missed */
    for (size_t i = 0; i < self->config->pattern_count; i++)
        all &= refresh_pattern(self, self->config->patterns[i]);
    for (size_t i = self->file_count; all && i-- > 0;) {
        struct target_source *file = &self->files[i];
        if (!file->seen) {
            take_back_groups(self, file, 0);
            forget_file(self, i);
        }
    }
    self->unlisted = !all;
    for (size_t i = 0; i < self->file_count; i++)
        self->files[i].seen = false;
    metric_observe(self->scan_duration, (double)(clock_monotonic_ns() - started) / 1e9);
    if ((self->folder_missing || self->unlisted) && next > RETRY_NS)
        next = RETRY_NS;
    loop_timer_after(self->timer, next);
}

/* ---- the discoverer ---- */

static void file_free(struct discoverer *discoverer)
{
    struct file_discoverer *self = (struct file_discoverer *)discoverer;

    file_watch_free(&self->watch);
    loop_timer_free(&self->timer);
    while (self->file_count)
        forget_file(self, self->file_count - 1);
    free(self->files);
    free(self);
}

/* What counts stays in the registry, for the discoverers after this one. */
static int register_metrics(struct file_discoverer *self)
{
    struct metric_registry *metrics = self->environment.metrics;

    int error = metric_new(metrics, &scan_duration_family, NULL, &self->scan_duration);
    if (!error)
        error = metric_new(metrics, &read_errors_family, NULL, &self->read_errors);
    if (!error)
        error = metric_new(metrics, &watcher_errors_family, NULL, &self->watcher_errors);
    return error;
}

int file_discoverer_new(const struct discovery_environment *environment,
                        const struct discoverer_config *config, struct target_sink *sink,
                        struct discoverer **out)
{
    struct file_discoverer *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->discoverer.free = file_free;
    self->environment = *environment;
    self->config = &config->file;
    self->sink = sink;
    int error = register_metrics(self);
    if (!error)
        error = loop_timer_new(environment->loop, on_refresh, self, &self->timer);
    if (error) {
        file_free(&self->discoverer);
        return error;
    }
    error = file_watch_new(environment->loop, on_refresh, self, &self->watch);
    if (error) {
        metric_add(self->watcher_errors, 1);
        log_error("discover", "no inotify: files of targets are looked at every refresh_interval",
                  LOG_STR("err", strerror(-error)));
    }
    on_refresh(self);
    target_sink_synced(sink);
    *out = &self->discoverer;
    return 0;
}
