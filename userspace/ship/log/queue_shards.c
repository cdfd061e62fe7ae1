/* SPDX-License-Identifier: Apache-2.0 */
/* Readers come and go; where a remote stands remains. */
#include "ship/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ship/log/queue_state.h"

static struct place *place_find(const struct queue *queue, const char *name)
{
    char file[PLACE_FILE_BYTES];
    struct place *place;
    place_file_name(name, file);
    TAILQ_FOREACH(place, &queue->places, siblings)
    if (strncmp(place->name, place->unknown ? file : name, PLACE_NAME_MAX) == 0)
        return place;
    return NULL;
}

static struct queue_position log_end(struct queue *queue)
{
    const struct segment *newest = queue_newest(queue);
    if (!newest)
        return (struct queue_position){.segment = queue->next_number};
    return (struct queue_position){.segment = newest->head.number, .offset = newest->length};
}

static void clamp(struct queue_position *position, struct queue_position least,
                  struct queue_position most)
{
    if (queue_position_compare(*position, least) < 0)
        *position = least;
    if (queue_position_compare(*position, most) > 0)
        *position = most;
}

/* A range of which nothing is there, any more or after a power cut yet, is no range. */
static void forget_stale_ranges(struct queue *queue, struct place *place)
{
    const struct segment *oldest = TAILQ_FIRST(&queue->segments);
    struct queue_position most = log_end(queue), least = most;
    if (oldest)
        least = (struct queue_position){.segment = oldest->head.number};
    for (uint32_t i = 0; i < place->shard_count; i++) {
        struct queue_range *range = &place->shards[i];
        clamp(&range->begin, least, most);
        clamp(&range->end, range->begin, most);
        clamp(&range->apart, range->end, most);
        if (queue_position_compare(range->begin, range->end) < 0)
            queue_metrics_replayed(&queue->metrics);
    }
}

static int place_take(struct queue *queue, const char *name, struct place **out)
{
    struct place *place = place_find(queue, name);
    if (place && place->reader)
        return -EEXIST;
    int error = 0;
    if (!place) {
        error = place_new(name, log_end(queue), &place);
        if (!error)
            TAILQ_INSERT_TAIL(&queue->places, place, siblings);
    } else {
        if (place->unknown)
            error = place_make_known(place, name);
        if (!error)
            forget_stale_ranges(queue, place);
    }
    if (error)
        return error;
    *out = place;
    return 0;
}

int queue_reader_open(struct queue *queue, const char *name, queue_drop_fn on_drop, void *context,
                      struct queue_reader **out)
{
    struct queue_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    int error = place_take(queue, name, &reader->place);
    if (error) {
        free(reader);
        return error;
    }
    reader->place->reader = reader;
    reader->queue = queue;
    reader->on_drop = on_drop;
    reader->context = context;
    segment_window_init(&reader->window);
    TAILQ_INSERT_TAIL(&queue->readers, reader, siblings);
    if (queue_metrics_follow(&queue->metrics, reader))
        log_warn("ship", "a remote's place in the queue will not be among the metrics",
                 LOG_STR("remote_name", name));
    queue_reader_seek(reader, place_released(reader->place));
    queue_save_place(queue, reader->place);
    reader_drop(reader, QUEUE_DROP_FULL, reader->place->abandoned);
    reader->place->abandoned = (struct sample_counts){};
    *out = reader;
    return 0;
}

void queue_reader_note_config(struct queue_reader *reader, uint64_t digest)
{
    if (reader->place->config_digest == digest)
        return;
    reader->place->config_digest = digest;
    queue_save_place(reader->queue, reader->place);
}

bool queue_has_place(const struct queue *queue, const char *name, uint64_t *digest)
{
    const struct place *place = place_find(queue, name);
    *digest = place ? place->config_digest : 0;
    return place != NULL;
}

bool queue_reader_has(const struct queue_reader *reader, struct queue_position end)
{
    const struct segment *segment;
    TAILQ_FOREACH(segment, &reader->queue->segments, siblings)
    if (segment->head.number == end.segment)
        return true;
    return false;
}

void queue_reader_abandon(struct queue_reader *reader, struct sample_counts lost)
{
    sample_counts_add(&reader->place->abandoned, lost);
}

void queue_reader_close(struct queue_reader **out)
{
    struct queue_reader *reader = *out;
    if (!reader)
        return;
    reader_detach(reader);
    if (reader->place->dirty)
        queue_save_place(reader->queue, reader->place);
    reader->place->reader = NULL;
    TAILQ_REMOVE(&reader->queue->readers, reader, siblings);
    metric_free(&reader->segment_metric);
    record_reader_free(&reader->record);
    segment_window_free(&reader->window);
    free(TAKE_PTR(*out));
}

uint32_t queue_reader_shard_count(const struct queue_reader *reader)
{
    return reader->place->shard_count;
}

struct queue_range queue_reader_range(const struct queue_reader *reader, uint32_t shard)
{
    return reader->place->shards[shard];
}

int queue_reader_set_shards(struct queue_reader *reader, uint32_t count)
{
    struct place *place = reader->place;
    struct queue_position stand = place->shards[0].begin;
    if (count == 0 || count > QUEUE_SHARDS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < place->shard_count; i++)
        if (queue_position_compare(place->shards[i].begin, stand) != 0 ||
            queue_position_compare(place->shards[i].apart, stand) != 0)
            return -EBUSY;
    int error = place_set_shards(place, count, stand);
    if (!error)
        queue_save_place(reader->queue, place);
    return error;
}

void queue_reader_mark(struct queue_reader *reader, uint32_t shard, struct queue_position end)
{
    struct queue_range *range = &reader->place->shards[shard];
    range->end = end;
    if (queue_position_compare(range->apart, end) < 0)
        range->apart = end;
    queue_save_place(reader->queue, reader->place);
}

void queue_reader_unmark(struct queue_reader *reader, uint32_t shard)
{
    struct queue_range *range = &reader->place->shards[shard];
    range->end = range->apart = range->begin;
    queue_save_place(reader->queue, reader->place);
}

void queue_reader_release(struct queue_reader *reader, uint32_t shard,
                          struct queue_position position)
{
    struct queue_range *range = &reader->place->shards[shard];
    if (queue_position_compare(position, range->begin) == 0 &&
        queue_position_compare(position, range->end) == 0)
        return;
    range->begin = range->end = position;
    if (queue_position_compare(range->apart, position) < 0)
        range->apart = position;
    reader->place->dirty = true;
    queue_forget(reader->queue);
}
