/* SPDX-License-Identifier: Apache-2.0 */
/* The list of segments: appended to at its end, cut at its begin. What is read and what is done
 * about the disk are other files', see queue_state.h. */
#include "ship/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ship/log/queue_state.h"

#define SEGMENT_OLD_MS (3600 * 1000)  /* so old, and not nearly empty: its series may have gone */
#define SEGMENT_YOUNG_MS (180 * 1000) /* until then every target's series have come */
#define SEGMENT_LEAST_SERIES 1024
#define SEGMENT_MOST_ENDED 32768 /* series, that a segment with few others holds */
#define AGES_PER_BOUND 8         /* segments in max_age, so that little goes at a time */

struct sample_counts sample_counts_less(struct sample_counts a, struct sample_counts b)
{
    return (struct sample_counts){
        .floats = a.floats > b.floats ? a.floats - b.floats : 0,
        .histograms = a.histograms > b.histograms ? a.histograms - b.histograms : 0,
        .exemplars = a.exemplars > b.exemplars ? a.exemplars - b.exemplars : 0,
    };
}

/* ---- bounds ---- */

static bool is_durable(const struct queue *queue)
{
    return queue->folder.path != NULL;
}

uint64_t queue_bound(const struct queue *queue, bool in_memory)
{
    return in_memory && queue->max_memory_bytes < queue->max_bytes ? queue->max_memory_bytes
                                                                   : queue->max_bytes;
}

static uint64_t full_segment_bytes(const struct queue *queue, bool in_memory)
{
    uint64_t most = in_memory && is_durable(queue) ? FALLBACK_SEGMENT_BYTES : SEGMENT_MOST_BYTES;
    uint64_t share = queue_bound(queue, in_memory) / SEGMENTS_AT_LEAST;
    if (share < SEGMENT_LEAST_BYTES)
        return SEGMENT_LEAST_BYTES;
    return share < most ? share : most;
}

static uint64_t bytes_of_kind(const struct queue *queue, bool in_memory)
{
    const struct segment *segment;
    uint64_t bytes = 0;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    if (segment->in_memory == in_memory)
        bytes += segment_bytes(segment);
    return bytes;
}

uint64_t queue_bytes(const struct queue *queue)
{
    return bytes_of_kind(queue, false) + bytes_of_kind(queue, true);
}

bool queue_is_durable(const struct queue *queue)
{
    return queue->disk_works;
}

/* ---- forgetting ---- */

static void segment_drop_dictionary(struct segment *segment)
{
    if (!segment->holds_dictionary)
        return;
    segment->holds_dictionary = false;
    struct dictionary *dictionary = segment->dictionary;
    if (dictionary->references == 1)
        segment->dictionary = NULL;
    dictionary_release(&dictionary);
}

void queue_seal(struct queue *queue, struct segment *segment)
{
    segment_seal(segment);
    if (is_durable(queue)) /* in memory alone, what is punched cannot be learned again */
        segment_drop_dictionary(segment);
}

static void remove_file(struct queue *queue, const struct segment *segment)
{
    char name[SEGMENT_NAME_BYTES];
    if (queue->folder.fd < 0)
        return;
    segment_name(segment->head.number, name);
    unlinkat(queue->folder.fd, name, 0);
    queue->folder_dirty = true;
}

void queue_remove(struct queue *queue, struct segment *segment, enum queue_drop why)
{
    struct queue_reader *reader;
    TAILQ_FOREACH(reader, &queue->readers, siblings)
    {
        if (reader->segment == segment)
            reader_leave(reader, segment, why);
        else if (reader->segment_number <= segment->head.number)
            reader_skip(reader, segment, why);
    }
    segment_drop_dictionary(segment);
    TAILQ_REMOVE(&queue->segments, segment, siblings);
    if (!segment->in_memory)
        remove_file(queue, segment);
    segment_free(&segment);
}

/* How far all remotes are done. False: there is none, and so nothing to keep. */
static bool released_by_all(const struct queue *queue, struct queue_position *least)
{
    const struct place *place;
    bool any = false;
    TAILQ_FOREACH(place, &queue->places, siblings)
    {
        struct queue_position released = place_released(place);
        if (!any || queue_position_compare(released, *least) < 0)
            *least = released;
        any = true;
    }
    return any;
}

static void forget_old(struct queue *queue)
{
    int64_t now_ms = clock_wall_ms();
    struct segment *segment;
    while (queue->max_age_ms && (segment = TAILQ_FIRST(&queue->segments)) &&
           now_ms - segment->newest_ms > queue->max_age_ms)
        queue_remove(queue, segment, QUEUE_DROP_AGE);
}

void queue_forget(struct queue *queue)
{
    struct queue_position released;
    bool any = released_by_all(queue, &released);
    struct segment *segment;
    while ((segment = TAILQ_FIRST(&queue->segments))) {
        if (any && (!segment->sealed || queue_position_compare(released, segment->end) < 0))
            break;
        queue_remove(queue, segment, QUEUE_DROP_CORRUPT);
    }
    if (segment && !is_durable(queue) && released.segment == segment->head.number)
        segment_punch(segment, released.offset);
    forget_old(queue);
}

void queue_forget_closed(struct queue *queue)
{
    struct place *place, *next;
    char file[PLACE_FILE_BYTES];
    for (place = TAILQ_FIRST(&queue->places); place; place = next) {
        next = TAILQ_NEXT(place, siblings);
        if (place->reader)
            continue;
        log_info("ship", "a remote is not configured any more, what it has not taken is dropped",
                 LOG_STR("remote_name", place->name));
        place_file_name(place->name, file);
        if (queue->folder.fd >= 0)
            unlinkat(queue->folder.fd, place->unknown ? place->name : file, 0);
        TAILQ_REMOVE(&queue->places, place, siblings);
        place_free(&place);
    }
    queue_forget(queue);
}

/* ---- appending ---- */

static void refuse(struct queue *queue, enum queue_drop why, struct sample_counts counts)
{
    struct queue_reader *reader;
    TAILQ_FOREACH(reader, &queue->readers, siblings)
    reader_drop(reader, why, counts);
}

/* -EAGAIN: the newest segment itself had to go. */
static int make_room(struct queue *queue, uint64_t payload_bytes)
{
    struct segment *newest = queue_newest(queue);
    bool in_memory = newest->in_memory;
    uint64_t most = queue_bound(queue, in_memory);
    uint64_t needed = RECORD_HEAD_BYTES + payload_bytes + RECORD_END_BYTES;
    if (SEGMENT_HEAD_BYTES + needed > most)
        return -E2BIG;
    while (bytes_of_kind(queue, in_memory) + needed > most) {
        struct segment *oldest = TAILQ_FIRST(&queue->segments);
        while (oldest->in_memory != in_memory)
            oldest = TAILQ_NEXT(oldest, siblings);
        bool was_newest = oldest == newest;
        queue_remove(queue, oldest, QUEUE_DROP_FULL);
        if (was_newest)
            return -EAGAIN;
    }
    return 0;
}

/* A segment that is mostly its dictionary goes on, in a small queue of many series. */
static bool is_long(const struct queue *queue, const struct segment *segment)
{
    return segment->length >= full_segment_bytes(queue, segment->in_memory) &&
           (segment->length >= 4 * (uint64_t)segment->definition_bytes ||
            segment->length >= queue_bound(queue, segment->in_memory) / 4);
}

/* The dictionary holds its series in memory: half of them have ended, or half have come since it
 * was young, and may have gone. */
static bool has_churned(struct segment *segment, int64_t age_ms)
{
    uint32_t series = segment->dictionary->series_count;
    if (segment->series_ended >= SEGMENT_MOST_ENDED && segment->series_ended >= series / 2)
        return true;
    if (!segment->series_when_young && age_ms > SEGMENT_YOUNG_MS)
        segment->series_when_young = series > SEGMENT_LEAST_SERIES ? series : SEGMENT_LEAST_SERIES;
    return segment->series_when_young && series > 2 * segment->series_when_young;
}

static bool is_full(const struct queue *queue, struct segment *segment)
{
    uint64_t full = full_segment_bytes(queue, segment->in_memory);
    int64_t age_ms = clock_wall_ms() - segment->head.begun_ms;
    if (is_long(queue, segment) || has_churned(segment, age_ms))
        return true;
    if (age_ms > SEGMENT_OLD_MS && segment->length >= full / 16)
        return true;
    if (queue->max_age_ms && age_ms > queue->max_age_ms / AGES_PER_BOUND)
        return true;
    return segment->in_memory && queue->disk_works;
}

/* The newest segment takes records afterwards. */
static int prepare_newest(struct queue *queue)
{
    struct segment *newest = queue_newest(queue);
    if (newest && !newest->sealed && !is_full(queue, newest))
        return 0;
    if (newest)
        queue_seal(queue, newest);
    queue_forget(queue);
    return queue_begin_segment(queue);
}

static void note_appended(struct queue *queue, struct sample_counts counts)
{
    struct queue_reader *reader;
    TAILQ_FOREACH(reader, &queue->readers, siblings)
    sample_counts_add(&reader->unread, counts);
    if (!queue_newest(queue)->in_memory && !queue->unsynced_since_ns)
        queue->unsynced_since_ns = clock_monotonic_ns();
}

static int append_payload(struct queue *queue, const struct record_payload *payload)
{
    int error = make_room(queue, payload->length);
    if (!error)
        error = segment_append(queue_newest(queue), payload, clock_wall_ms());
    if (!error)
        note_appended(queue, payload->counts);
    return error;
}

/* One record, in a segment that takes it: of one on disk that does not, a segment in memory is
 * tried in the end. An error: nothing was appended. */
static int append_next(struct queue *queue, const struct sample_record *record,
                       struct record_progress *progress)
{
    const struct record_progress reached = *progress;
    for (;; *progress = reached) {
        struct record_payload payload;
        int error = prepare_newest(queue);
        if (error)
            return error;
        struct segment *segment = queue_newest(queue);
        struct dictionary *dictionary = segment->dictionary;
        uint32_t series = dictionary->series_count, metadata = dictionary->metadata_count;
        record_write_next(&queue->writer, dictionary, record, progress, &payload);
        if (!payload.length)
            return 0;
        error = append_payload(queue, &payload);
        queue->appended_whole = !error && payload.samples == record->count;
        if (!error)
            return 0;
        if (error != -EAGAIN)
            dictionary_truncate(dictionary, series, metadata);
        if (error == -E2BIG) {
            refuse(queue, QUEUE_DROP_FULL, payload.counts);
            return 0;
        }
        if (error != -EAGAIN && segment->in_memory) {
            *progress = reached;
            return error;
        }
        if (error != -EAGAIN)
            queue_disk_failed(queue, "write", error);
    }
}

static struct sample_counts rest_of(const struct sample_record *record,
                                    const struct record_progress *progress)
{
    struct sample_counts rest = {.exemplars = record->exemplar_count - progress->exemplar};
    for (size_t i = progress->sample; i < record->count; i++)
        *(record->samples[i].type == SAMPLE_HISTOGRAM ? &rest.histograms : &rest.floats) += 1;
    return rest;
}

void queue_append(struct queue *queue, const struct sample_record *record)
{
    struct record_progress progress = {};
    int error = 0;
    queue->appended_whole = false;
    if (TAILQ_EMPTY(&queue->places))
        return;
    while (progress.sample < record->count && !error)
        error = append_next(queue, record, &progress);
    sample_counts_add(&progress.no_memory, rest_of(record, &progress));
    refuse(queue, QUEUE_DROP_TOO_LARGE, progress.too_large);
    refuse(queue, QUEUE_DROP_NO_MEMORY, progress.no_memory);
}

/* ---- life ---- */

void queue_configure(struct queue *queue, const struct queue_config *config)
{
    queue->max_bytes = config->max_bytes;
    queue->max_age_ms = (int64_t)(config->max_age_ns / NS_PER_MS);
    queue->sync_interval_ns = config->sync_interval_ns;
}

int queue_new(const struct queue_environment *environment, const struct queue_config *config,
              struct queue **out)
{
    struct queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    queue->environment = *environment;
    queue_configure(queue, config);
    queue->max_memory_bytes = UINT64_MAX;
    queue->next_number = 1;
    queue->folder.fd = queue->folder.lock_fd = -1;
    TAILQ_INIT(&queue->segments);
    TAILQ_INIT(&queue->readers);
    TAILQ_INIT(&queue->places);
    record_writer_init(&queue->writer);
    dictionary_writer_init(&queue->scratch);
    int error = queue_metrics_init(&queue->metrics, queue, environment->metrics);
    if (!error)
        error = queue_disk_open(queue, environment->folder);
    if (error) {
        queue_free(&queue);
        return error;
    }
    *out = queue;
    return 0;
}

void queue_free(struct queue **out)
{
    struct queue *queue = *out;
    struct segment *segment;
    struct place *place;
    if (!queue)
        return;
    queue_disk_close(queue);
    while ((segment = TAILQ_FIRST(&queue->segments))) {
        TAILQ_REMOVE(&queue->segments, segment, siblings);
        segment_drop_dictionary(segment);
        segment_free(&segment);
    }
    while ((place = TAILQ_FIRST(&queue->places))) {
        TAILQ_REMOVE(&queue->places, place, siblings);
        place_free(&place);
    }
    queue_metrics_free(&queue->metrics, queue);
    record_writer_free(&queue->writer);
    dictionary_writer_free(&queue->scratch);
    free(TAKE_PTR(*out));
}
