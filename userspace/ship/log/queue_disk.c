/* SPDX-License-Identifier: Apache-2.0 */
/* The disk: synced by the helper thread, left when it fails, returned to when it works. What was
 * appended in between is in memory in the same form, and is copied into the folder then. */
#include "ship/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "ship/log/disk_job.h"
#include "ship/log/queue_state.h"

#define PROBE_BYTES (1 << 20) /* less than this free, and the disk counts as full */
#define NUMBERS_TRIED 16
#define LONGEST_PAUSE_NS (300 * NS_PER_SECOND) /* of a disk that fails whenever it is used */
#define LOCK_TRIES 5 /* at the start: `edgemeter queue` has it for a moment */
#define LOCK_PAUSE_US 20000

static bool is_durable(const struct queue *queue)
{
    return queue->folder.path != NULL;
}

/* ---- new segments ---- */

static int add_segment(struct queue *queue, struct segment *segment)
{
    int error = dictionary_new(queue->environment.series, &segment->dictionary);
    if (error)
        return error;
    segment->dictionary->learned_end = UINT32_MAX; /* whoever writes it knows it */
    segment->holds_dictionary = true;
    TAILQ_INSERT_TAIL(&queue->segments, segment, siblings);
    return 0;
}

/* A file of that number may be somebody's: then the next one. */
static int new_segment(struct queue *queue, bool in_memory, struct segment **out)
{
    int error = -EEXIST;
    for (int i = 0; error == -EEXIST && i < NUMBERS_TRIED; i++)
        error = segment_new(in_memory ? -1 : queue->folder.fd, queue->next_number++, out);
    if (!error && !in_memory)
        queue->folder_dirty = true;
    return error;
}

/* Half of what the process may still take: the rest is for the kernel's part of the limit, and for
 * what reading, parsing and sending take. */
static void bound_memory(struct queue *queue)
{
    uint64_t limit = queue->environment.memory_limit, taken = memory_anonymous();
    uint64_t most = is_durable(queue) ? FALLBACK_MAX_BYTES : UINT64_MAX;
    uint64_t share = limit > taken ? (limit - taken) / 2 : 0;
    if (share < MEMORY_LEAST_BYTES)
        share = MEMORY_LEAST_BYTES;
    queue->max_memory_bytes = limit && share < most ? share : most;
}

int queue_begin_segment(struct queue *queue)
{
    struct segment *segment;
    int error = -ENOENT;
    if (queue->disk_works) {
        error = new_segment(queue, false, &segment);
        if (error)
            queue_disk_failed(queue, "create a file", error);
    }
    if (error) {
        bound_memory(queue);
        error = new_segment(queue, true, &segment);
    }
    if (error)
        return error;
    error = add_segment(queue, segment);
    if (error)
        segment_free(&segment);
    return error;
}

/* ---- where the remotes stand ---- */

void queue_save_place(struct queue *queue, struct place *place)
{
    place->dirty = true;
    if (queue->folder.fd < 0)
        return;
    bool is_new = place->fd < 0;
    int error = place_save(place, queue->folder.fd);
    if (error) {
        queue_metrics_disk_error(&queue->metrics);
        if (!queue->place_said)
            log_error("ship",
                      "where a remote stands cannot be written: after a crash it would be "
                      "sent more than was on its way",
                      LOG_STR("folder", queue->folder.path), LOG_STR("remote_name", place->name),
                      LOG_STR("err", strerror(-error)));
    }
    queue->place_said = error != 0;
    queue->folder_dirty |= is_new;
}

static void save_dirty_places(struct queue *queue)
{
    struct place *place;
    TAILQ_FOREACH(place, &queue->places, siblings)
    if (place->dirty)
        queue_save_place(queue, place);
}

/* ---- leaving the disk, and coming back ---- */

/* One that fails again before anything has reached it is left alone for ever longer. */
static void leave_disk_alone(struct queue *queue)
{
    uint64_t pause = queue->disk_pause_ns;
    queue->disk_retry_ns = clock_monotonic_ns() + pause;
    pause = pause ? 2 * pause : queue->sync_interval_ns;
    queue->disk_pause_ns = pause < LONGEST_PAUSE_NS ? pause : LONGEST_PAUSE_NS;
}

void queue_disk_failed(struct queue *queue, const char *what, int error)
{
    struct segment *newest = queue_newest(queue);
    queue_metrics_disk_error(&queue->metrics);
    if (queue->disk_works)
        leave_disk_alone(queue);
    queue->disk_works = false;
    if (newest && !newest->in_memory)
        queue_seal(queue, newest);
    if (queue->disk_said)
        return;
    queue->disk_said = true;
    log_error("ship",
              "the queue cannot be written to disk and goes on in memory until it can; what is "
              "in memory is lost if the agent ends",
              LOG_STR("folder", queue->folder.path), LOG_STR("failed", what),
              LOG_STR("err", strerror(-error)));
}

/* What is open can still be read, and copied once there is a folder again. */
static void keep_what_is_open(struct queue *queue)
{
    struct segment *segment;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    if (segment->fd >= 0)
        segment->in_memory = true;
}

static bool is_unlinked(const struct segment *segment)
{
    struct stat file;
    return segment->fd >= 0 && fstat(segment->fd, &file) == 0 && file.st_nlink == 0;
}

static void leave_folder(struct queue *queue, const char *what, int error)
{
    queue_disk_failed(queue, what, error);
    keep_what_is_open(queue);
    folder_close(&queue->folder);
}

static void look_after_folder(struct queue *queue)
{
    struct segment *newest = queue_newest(queue);
    pid_t holder;
    if (queue->folder.fd < 0)
        return;
    if (folder_is_gone(&queue->folder)) {
        leave_folder(queue, "find the folder", -ENOENT);
    } else if (folder_keep_lock(&queue->folder, &holder) == -EBUSY) {
        leave_folder(queue, "keep the folder from another agent: its file `lock` was deleted",
                     -EBUSY);
    } else if (newest && !newest->in_memory && is_unlinked(newest)) {
        queue_metrics_disk_error(&queue->metrics);
        log_error("ship", "a file of the queue was deleted under us, it is written anew",
                  LOG_STR("folder", queue->folder.path));
        queue_seal(queue, newest);
        newest->in_memory = true;
    }
}

static int reopen_folder(struct queue *queue)
{
    pid_t holder;
    struct place *place;
    if (queue->folder.fd >= 0)
        return 0;
    int error = folder_open(&queue->folder, queue->folder.path, &holder);
    if (error)
        return error;
    if (queue_folder_is_foreign(queue)) {
        folder_close(&queue->folder);
        return -EEXIST;
    }
    queue->had_folder = true;
    TAILQ_FOREACH(place, &queue->places, siblings)
    place->dirty = true;
    return 0;
}

static int probe_room(const struct segment *segment)
{
    if (fallocate(segment->fd, FALLOC_FL_KEEP_SIZE, 0, PROBE_BYTES) < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    return ftruncate(segment->fd, SEGMENT_HEAD_BYTES) < 0 ? -errno : 0; /* and gives it back */
}

static int begin_on_disk(struct queue *queue)
{
    struct segment *newest = queue_newest(queue), *segment;
    char name[SEGMENT_NAME_BYTES];
    int error = new_segment(queue, false, &segment);
    if (error)
        return error;
    error = probe_room(segment);
    if (!error) {
        if (newest)
            queue_seal(queue, newest);
        error = add_segment(queue, segment);
    }
    if (error) {
        segment_name(segment->head.number, name);
        unlinkat(queue->folder.fd, name, 0);
        segment_free(&segment);
    }
    return error;
}

static void try_disk_again(struct queue *queue)
{
    int error = reopen_folder(queue);
    if (error == -EEXIST && !queue->foreign_said)
        log_error("ship",
                  "the folder of the queue has files of another process, which are not touched; "
                  "restart the agent to have them sent",
                  LOG_STR("folder", queue->folder.path));
    queue->foreign_said = error == -EEXIST;
    if (!error)
        error = begin_on_disk(queue);
    if (error)
        return;
    queue->disk_works = true;
    queue->disk_said = false;
    log_info("ship", "the queue is written to disk again", LOG_STR("folder", queue->folder.path));
}

/* ---- jobs ---- */

static struct segment *segment_of(const struct queue *queue, uint64_t number)
{
    struct segment *segment;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    if (segment->head.number == number)
        return segment;
    return NULL;
}

static bool is_of_folder(const struct disk_job *job, const struct folder *folder)
{
    struct stat theirs, ours;
    return fstat(job->folder_fd, &theirs) == 0 && fstat(folder->fd, &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* One into a folder that was left meanwhile is none. */
static void finish_copy(struct queue *queue, const struct disk_job *job)
{
    struct segment *segment = segment_of(queue, job->copy_number);
    char name[SEGMENT_NAME_BYTES];
    if (job->copy_error) {
        if (queue->disk_works)
            queue_disk_failed(queue, "copy what was in memory", job->copy_error);
        return;
    }
    if (!is_of_folder(job, &queue->folder))
        return;
    queue->folder_dirty = true;
    if (!segment) { /* released in the meantime */
        segment_name(job->copy_number, name);
        unlinkat(queue->folder.fd, name, 0);
        return;
    }
    cleanup_close(&segment->fd);
    segment->in_memory = false;
    segment->synced = true;
}

static void finish_sync(struct queue *queue, const struct disk_job *job)
{
    if (job->error) {
        if (queue->disk_works)
            queue_disk_failed(queue, "sync", job->error);
        return;
    }
    queue_metrics_synced(&queue->metrics);
    if (queue->disk_works)
        queue->disk_pause_ns = 0;
    const struct segment *segment;
    bool behind = false;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    behind |= !segment->in_memory && !segment->synced;
    queue->unsynced_since_ns = behind ? job->begun_ns : 0;
}

static void close_idle_files(struct queue *queue)
{
    struct segment *segment;
    const struct queue_reader *reader;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    {
        bool in_use = !segment->sealed || !segment->synced || segment->in_memory;
        TAILQ_FOREACH(reader, &queue->readers, siblings)
        in_use |= reader->segment == segment;
        if (!in_use)
            cleanup_close(&segment->fd);
    }
}

static void on_job_done(struct worker_job *worker_job)
{
    struct disk_job *job = (struct disk_job *)worker_job;
    struct queue *queue = job->queue;
    if (queue) {
        queue->job = NULL;
        if (job->fd_count)
            finish_sync(queue, job);
        if (job->copy_fd >= 0)
            finish_copy(queue, job);
        close_idle_files(queue);
    }
    disk_job_free(&job);
}

static int add_segments(struct queue *queue, struct disk_job *job)
{
    struct segment *segment;
    int error = 0;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    {
        if (segment->in_memory || segment->synced || segment->fd < 0)
            continue;
        error = disk_job_sync(job, segment->fd);
        if (error)
            return error;
        segment->synced = true;
    }
    return error;
}

static int add_places(struct queue *queue, struct disk_job *job)
{
    struct place *place;
    int error = 0;
    TAILQ_FOREACH(place, &queue->places, siblings)
    {
        if (!place->unsynced || place->fd < 0)
            continue;
        error = disk_job_sync(job, place->fd);
        if (error)
            return error;
        place->unsynced = false;
    }
    return error;
}

/* The oldest segment that is in memory because the disk had failed. */
static int add_copy(struct queue *queue, struct disk_job *job)
{
    struct segment *segment;
    if (!queue->disk_works)
        return 0;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    if (segment->in_memory && segment->sealed)
        return disk_job_copy(job, segment->fd, queue->folder.fd, segment->head.number,
                             segment->file_bytes);
    return 0;
}

static int make_job(struct queue *queue, struct disk_job **out)
{
    int error = disk_job_new(on_job_done, out);
    if (error)
        return error;
    (*out)->queue = queue;
    error = add_segments(queue, *out);
    if (!error)
        error = add_places(queue, *out);
    if (!error && queue->folder_dirty && queue->folder.fd >= 0) {
        error = disk_job_sync(*out, queue->folder.fd);
        queue->folder_dirty = false;
    }
    if (!error)
        error = add_copy(queue, *out);
    if (error)
        disk_job_free(out);
    return error;
}

static void submit_job(struct queue *queue)
{
    struct disk_job *job;
    if (!queue->environment.worker || make_job(queue, &job))
        return;
    bool idle = !job->fd_count && job->copy_fd < 0;
    if (idle || worker_submit(queue->environment.worker, &job->job))
        disk_job_free(&job);
    else
        queue->job = job;
}

/* ---- the tick ---- */

static void on_sync_timer(void *context)
{
    struct queue *queue = context;
    loop_timer_after(queue->sync_timer, queue->sync_interval_ns);
    queue_forget(queue);
    if (!is_durable(queue))
        return;
    look_after_folder(queue);
    if (!queue->disk_works && clock_monotonic_ns() >= queue->disk_retry_ns)
        try_disk_again(queue);
    save_dirty_places(queue);
    if (!queue->job)
        submit_job(queue);
}

static int start_timer(struct queue *queue)
{
    bool needed = is_durable(queue) || queue->max_age_ms;
    if (!queue->environment.loop || !queue->sync_interval_ns || !needed)
        return 0;
    int error = loop_timer_new(queue->environment.loop, on_sync_timer, queue, &queue->sync_timer);
    if (!error)
        loop_timer_after(queue->sync_timer, queue->sync_interval_ns);
    return error;
}

static int open_at_the_start(struct queue *queue, const char *path, pid_t *holder)
{
    int error = folder_open(&queue->folder, path, holder);
    for (int i = 1; error == -EBUSY && i < LOCK_TRIES; i++) {
        usleep(LOCK_PAUSE_US);
        error = folder_open(&queue->folder, path, holder);
    }
    return error;
}

int queue_disk_open(struct queue *queue, const char *path)
{
    pid_t holder = 0;
    if (!path)
        return start_timer(queue);
    int error = open_at_the_start(queue, path, &holder);
    if (error == -EBUSY) {
        log_error("ship",
                  "another agent has the folder of the queue; give each its own "
                  "--storage.path",
                  LOG_STR("folder", path), LOG_INT("pid", holder));
        return error;
    }
    queue->folder.path = path;
    if (error) {
        queue->next_number = (uint64_t)clock_wall_ms(); /* beyond what may be there */
        queue->first_number = queue->next_number;
        queue_disk_failed(queue, "open the folder", error);
    } else {
        queue->disk_works = queue->had_folder = true;
        error = queue_recover(queue);
        if (error)
            return error;
    }
    return start_timer(queue);
}

/* The last of it, in this thread: nobody waits for the loop any more. */
static void finish_here(struct queue *queue)
{
    struct disk_job *job;
    do {
        if (make_job(queue, &job))
            return;
        bool more = job->copy_fd >= 0;
        disk_job_run(&job->job);
        more &= !job->copy_error;
        on_job_done(&job->job);
        if (!more)
            return;
    } while (true);
}

/* It frees itself. The segment that it copies is left to it: two at one file would harm each other.
 */
static void leave_job(struct queue *queue)
{
    struct segment *copied =
        queue->job->copy_fd >= 0 ? segment_of(queue, queue->job->copy_number) : NULL;
    if (copied)
        copied->in_memory = false;
    queue->job->queue = NULL;
}

void queue_disk_close(struct queue *queue)
{
    loop_timer_free(&queue->sync_timer);
    if (queue->job)
        leave_job(queue);
    if (is_durable(queue) && !queue->disk_works) /* for what is in memory it is now or never */
        try_disk_again(queue);
    if (is_durable(queue)) {
        struct segment *newest = queue_newest(queue);
        if (newest)
            queue_seal(queue, newest);
        queue_forget(queue);
        save_dirty_places(queue);
        finish_here(queue);
    }
    folder_close(&queue->folder);
}
