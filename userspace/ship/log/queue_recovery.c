/* SPDX-License-Identifier: Apache-2.0 */
/* What a process before has left in the folder: its segments, in order, and where the remotes
 * stood. What cannot be read is counted and passed over. */
#include "ship/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ship/log/queue_state.h"

#define TEMPORARY_SUFFIX ".log.tmp"

struct number_list {
    uint64_t *numbers;
    size_t count, capacity;
    int error;
};

struct recovery {
    struct queue *queue;
    struct number_list segments;
};

static void add_number(struct number_list *list, uint64_t number)
{
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 16;
        uint64_t *grown = realloc(list->numbers, capacity * sizeof(*grown));
        if (!grown) {
            list->error = -ENOMEM;
            return;
        }
        list->numbers = grown;
        list->capacity = capacity;
    }
    list->numbers[list->count++] = number;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The next segment gets a number that none has had. */
static void note_number(struct queue *queue, uint64_t number)
{
    if (number >= queue->next_number && number < UINT64_MAX - 1)
        queue->next_number = number + 1;
}

/* ---- where the remotes stood ---- */

static void take_place(struct queue *queue, const char *file)
{
    struct place *place;
    int error = place_load(queue->folder.fd, file, &place);
    if (error) {
        queue_metrics_corrupt(&queue->metrics);
        log_error("ship",
                  "where a remote stood cannot be read, all that is there is sent to it again",
                  LOG_STR("folder", queue->folder.path), LOG_STR("file", file),
                  LOG_STR("err", strerror(-error)));
        error = place_new_unknown(file, &place);
    }
    if (error)
        return;
    for (uint32_t i = 0; i < place->shard_count; i++) {
        note_number(queue, place->shards[i].begin.segment);
        note_number(queue, place->shards[i].apart.segment);
    }
    place->dirty = false;
    TAILQ_INSERT_TAIL(&queue->places, place, siblings);
}

static void on_name(void *context, const char *name)
{
    struct recovery *recovery = context;
    size_t length = strlen(name), suffix = sizeof(TEMPORARY_SUFFIX) - 1;
    uint64_t number;
    if (segment_name_parse(name, &number))
        add_number(&recovery->segments, number);
    else if (place_is_file_name(name))
        take_place(recovery->queue, name);
    else if (length > suffix && strcmp(name + length - suffix, TEMPORARY_SUFFIX) == 0)
        unlinkat(recovery->queue->folder.fd, name, 0);
}

/* ---- segments ---- */

static void say_bad_segment(const struct queue *queue, const char *name, int error)
{
    log_error("ship", "a file of the queue cannot be read, what it held is lost",
              LOG_STR("folder", queue->folder.path), LOG_STR("file", name),
              LOG_STR("err", error == -EBADMSG ? "it is no segment, or its head is damaged"
                                               : strerror(-error)));
}

static int take_segment(struct queue *queue, uint64_t number)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment *segment;
    note_number(queue, number);
    int error = segment_open(queue->folder.fd, number, &segment);
    if (error == -ENOMEM)
        return error;
    if (error == -EPROTONOSUPPORT) {
        segment_name(number, name);
        log_error("ship",
                  "a file of the queue was written by another version of the agent, and is "
                  "left alone",
                  LOG_STR("folder", queue->folder.path), LOG_STR("file", name));
        return 0;
    }
    if (error) {
        segment_name(number, name);
        queue_metrics_corrupt(&queue->metrics);
        say_bad_segment(queue, name, error);
        if (error == -EBADMSG)
            unlinkat(queue->folder.fd, name, 0);
        return 0;
    }
    if (segment->torn)
        queue_metrics_corrupt(&queue->metrics);
    TAILQ_INSERT_TAIL(&queue->segments, segment, siblings);
    return 0;
}

static void say_recovered(const struct queue *queue)
{
    const struct segment *segment;
    uint64_t samples = 0, segments = 0;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    {
        samples += sample_counts_sum(segment->counts);
        segments++;
    }
    if (segments)
        log_info("ship", "found samples of a process before", LOG_STR("folder", queue->folder.path),
                 LOG_UINT("segments", segments), LOG_UINT("samples", samples),
                 LOG_UINT("bytes", queue_bytes(queue)));
}

int queue_recover(struct queue *queue)
{
    struct recovery recovery = {.queue = queue};
    int error = folder_scan(queue->folder.fd, on_name, &recovery);
    if (error) {
        log_error("ship", "the folder of the queue cannot be read",
                  LOG_STR("folder", queue->folder.path), LOG_STR("err", strerror(-error)));
        error = 0;
    }
    struct number_list *list = &recovery.segments;
    error = list->error;
    if (list->count)
        qsort(list->numbers, list->count, sizeof(*list->numbers), compare_numbers);
    for (size_t i = 0; i < list->count && !error; i++)
        error = take_segment(queue, list->numbers[i]);
    free(list->numbers);
    queue->first_number = queue->next_number;
    if (!error)
        say_recovered(queue);
    return error;
}

/* ---- a folder that came back ---- */

/* What this process has begun there is known; what of that is in no list any more was released. */
static void look_for_foreign(void *context, const char *name)
{
    struct recovery *recovery = context;
    struct queue *queue = recovery->queue;
    const struct segment *segment;
    uint64_t number;
    if (!segment_name_parse(name, &number))
        return;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    if (segment->head.number == number && queue->had_folder)
        return;
    if (number >= queue->first_number && number < queue->next_number && queue->had_folder)
        unlinkat(queue->folder.fd, name, 0);
    else
        add_number(&recovery->segments, number);
}

bool queue_folder_is_foreign(struct queue *queue)
{
    struct recovery recovery = {.queue = queue};
    folder_scan(queue->folder.fd, look_for_foreign, &recovery);
    free(recovery.segments.numbers);
    return recovery.segments.count > 0;
}
