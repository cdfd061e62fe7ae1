/* SPDX-License-Identifier: Apache-2.0 */
/* The log in memory: a list of segments, each one a mapping, filled with records from the left and
 * forgotten as a whole. One reference of its series (and histogram) is held per sample until its
 * segment goes. Nothing is encoded or sent here. */
#include "ship/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#include "ship/record.h"

#define SEGMENT_MAX_BYTES (128 * 1024) /* unless one record is longer */
#define SEGMENTS_AT_LEAST 8            /* so that a full queue drops little at a time */
#define PAGE_BYTES 4096

struct segment {
    struct segment *next;
    size_t capacity; /* of `bytes` */
    size_t length;
    uint64_t histogram_bytes;
    struct sample_counts end; /* what the log had taken when this segment's last record was whole */
    uint8_t bytes[];
};

struct queue_reader {
    struct queue *queue;
    struct queue_reader *next;
    struct segment *segment;
    struct record_cursor cursor;
    struct sample_counts read;
    uint64_t released;
    struct queue_range *shards;
    uint32_t shard_count;
    char *name;
    queue_drop_fn on_drop;
    void *context;
};

struct queue {
    struct series_table *series;
    uint64_t max_bytes;
    uint64_t bytes;
    size_t segment_size;
    struct segment *oldest;
    struct segment *newest;
    struct sample_counts appended;
    struct queue_reader *readers;
};

static uint64_t histogram_bytes(const struct histogram *h)
{
    return sizeof(*h) +
           ((uint64_t)h->positive_span_count + h->negative_span_count) *
               sizeof(*h->positive_spans) +
           ((uint64_t)h->positive_delta_count + h->negative_delta_count) *
               sizeof(*h->positive_deltas);
}

static uint64_t record_histogram_bytes(const struct sample *samples, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (samples[i].type == SAMPLE_HISTOGRAM)
            bytes += histogram_bytes(samples[i].histogram);
    return bytes;
}

static struct sample_counts counts_of(const struct sample *samples, size_t count)
{
    struct sample_counts counts = {};
    for (size_t i = 0; i < count; i++)
        counts.histograms += samples[i].type == SAMPLE_HISTOGRAM;
    counts.floats = count - counts.histograms;
    return counts;
}

static struct sample_counts counts_add(struct sample_counts a, struct sample_counts b)
{
    return (struct sample_counts){.floats = a.floats + b.floats,
                                  .histograms = a.histograms + b.histograms};
}

static struct sample_counts counts_subtract(struct sample_counts a, struct sample_counts b)
{
    return (struct sample_counts){.floats = a.floats - b.floats,
                                  .histograms = a.histograms - b.histograms};
}

/* Sizes of mappings. */
static size_t usual_segment_size(uint64_t max_bytes)
{
    uint64_t size = max_bytes / SEGMENTS_AT_LEAST / PAGE_BYTES * PAGE_BYTES;
    if (size < PAGE_BYTES)
        return PAGE_BYTES;
    return size < SEGMENT_MAX_BYTES ? (size_t)size : SEGMENT_MAX_BYTES;
}

static size_t segment_size_for(const struct queue *queue, size_t record_bytes)
{
    size_t needed = sizeof(struct segment) + record_bytes;
    if (needed <= queue->segment_size)
        return queue->segment_size;
    return (needed + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static size_t segment_size(const struct segment *segment)
{
    return sizeof(*segment) + segment->capacity;
}

static uint64_t segment_bytes(const struct segment *segment)
{
    return segment_size(segment) + segment->histogram_bytes;
}

static bool segment_has_room(const struct segment *segment, size_t record_bytes)
{
    return segment && segment->capacity - segment->length >= record_bytes;
}

static struct queue_position position_of(uint64_t samples)
{
    return (struct queue_position){.offset = (uint32_t)(samples >> 32),
                                   .sample = (uint32_t)samples};
}

static uint64_t samples_before(struct queue_position position)
{
    return (uint64_t)position.offset << 32 | position.sample;
}

static void reader_enter(struct queue_reader *reader, struct segment *segment)
{
    reader->segment = segment;
    reader->cursor = (struct record_cursor){.at = segment ? segment->bytes : NULL};
}

static int segment_add(struct queue *queue, size_t size)
{
    /* A mapping goes back to the system as it is freed, whatever the heap around it looks like. */
    struct segment *segment =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (segment == MAP_FAILED)
        return -ENOMEM;
    segment->capacity = size - sizeof(*segment);
    segment->end = queue->appended;
    if (queue->newest)
        queue->newest->next = segment;
    else
        queue->oldest = segment;
    queue->newest = segment;
    queue->bytes += segment_bytes(segment);
    for (struct queue_reader *r = queue->readers; r; r = r->next)
        if (!r->segment)
            reader_enter(r, segment);
    return 0;
}

static void segment_release_samples(struct queue *queue, struct segment *segment)
{
    struct record_cursor cursor = {.at = segment->bytes};
    while (cursor.at < segment->bytes + segment->length) {
        struct sample sample;
        record_read(&cursor, &sample);
        series_table_release(queue->series, sample.series);
        if (sample.type == SAMPLE_HISTOGRAM)
            histogram_release(sample.histogram);
    }
    queue->bytes -= segment->histogram_bytes;
    segment->histogram_bytes = 0;
    segment->length = 0;
}

/* Forgets the oldest segment. No reader is in it, or all that are have read it to its end. */
static void segment_remove_oldest(struct queue *queue)
{
    struct segment *segment = queue->oldest;
    segment_release_samples(queue, segment);
    for (struct queue_reader *r = queue->readers; r; r = r->next)
        if (r->segment == segment)
            reader_enter(r, segment->next);
    queue->oldest = segment->next;
    if (!queue->oldest)
        queue->newest = NULL;
    queue->bytes -= segment_bytes(segment);
    munmap(segment, segment_size(segment));
}

static void reader_skip_segment(struct queue_reader *reader, const struct segment *segment)
{
    uint64_t end = sample_counts_sum(segment->end);
    if (reader->released < end)
        reader->released = end;
    if (sample_counts_sum(reader->read) >= end)
        return;
    struct sample_counts dropped = counts_subtract(segment->end, reader->read);
    reader->read = segment->end;
    reader->on_drop(reader->context, QUEUE_DROP_FULL, dropped);
}

static void segment_drop_oldest(struct queue *queue)
{
    for (struct queue_reader *r = queue->readers; r; r = r->next)
        reader_skip_segment(r, queue->oldest);
    segment_remove_oldest(queue);
}

static void queue_refuse(struct queue *queue, int error, struct sample_counts counts)
{
    enum queue_drop why = error == -ENOMEM ? QUEUE_DROP_NO_MEMORY : QUEUE_DROP_FULL;
    for (struct queue_reader *r = queue->readers; r; r = r->next)
        r->on_drop(r->context, why, counts);
}

/* Makes the newest segment one that has room for the record. */
static int queue_make_room(struct queue *queue, size_t record_bytes, uint64_t heap_bytes)
{
    size_t size = segment_size_for(queue, record_bytes);
    if (size + heap_bytes > queue->max_bytes)
        return -E2BIG;
    for (;;) {
        bool fits = segment_has_room(queue->newest, record_bytes);
        if (queue->bytes + heap_bytes + (fits ? 0 : size) <= queue->max_bytes)
            return fits ? 0 : segment_add(queue, size);
        segment_drop_oldest(queue);
    }
}

static void segment_append(struct queue *queue, const struct sample *samples, size_t count)
{
    struct segment *segment = queue->newest;
    uint8_t *end = record_write(segment->bytes + segment->length, samples, count);
    segment->length = (size_t)(end - segment->bytes);
    segment->end = queue->appended;
    for (size_t i = 0; i < count; i++) {
        series_table_hold(queue->series, samples[i].series);
        if (samples[i].type == SAMPLE_HISTOGRAM)
            histogram_hold(samples[i].histogram);
    }
}

int queue_append(struct queue *queue, const struct sample_record *record)
{
    const struct sample *samples = record->samples;
    size_t count = record->count;
    if (!count || !queue->readers)
        return 0;
    uint64_t heap_bytes = record_histogram_bytes(samples, count);
    struct sample_counts counts = counts_of(samples, count);
    int error = queue_make_room(queue, record_size(samples, count), heap_bytes);
    if (error) {
        queue_refuse(queue, error, counts);
        return error;
    }
    queue->appended = counts_add(queue->appended, counts);
    queue->newest->histogram_bytes += heap_bytes;
    queue->bytes += heap_bytes;
    segment_append(queue, samples, count);
    return 0;
}

uint64_t queue_bytes(const struct queue *queue)
{
    return queue->bytes;
}

static uint64_t queue_released(const struct queue *queue)
{
    uint64_t least = UINT64_MAX;
    for (const struct queue_reader *r = queue->readers; r; r = r->next)
        if (r->released < least)
            least = r->released;
    return least;
}

/* The newest segment, all of it released, stays mapped to be filled anew: the usual case of a queue
 * that is sent empty every few seconds. */
static bool segment_is_reusable(const struct queue *queue, const struct segment *segment)
{
    return segment == queue->newest && queue->readers &&
           segment_size(segment) == queue->segment_size;
}

static void queue_forget_released(struct queue *queue)
{
    uint64_t released = queue_released(queue);
    while (queue->oldest && sample_counts_sum(queue->oldest->end) <= released) {
        if (!segment_is_reusable(queue, queue->oldest)) {
            segment_remove_oldest(queue);
            continue;
        }
        segment_release_samples(queue, queue->oldest);
        for (struct queue_reader *r = queue->readers; r; r = r->next)
            reader_enter(r, queue->oldest);
        return;
    }
}

int queue_new(struct series_table *series, uint64_t max_bytes, struct queue **out)
{
    struct queue *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    queue->series = series;
    queue->max_bytes = max_bytes;
    queue->segment_size = usual_segment_size(max_bytes);
    *out = queue;
    return 0;
}

void queue_free(struct queue **queue)
{
    if (!*queue)
        return;
    while ((*queue)->oldest)
        segment_remove_oldest(*queue);
    free(TAKE_PTR(*queue));
}

static int reader_setup(struct queue_reader *reader, const char *name)
{
    for (const struct queue_reader *r = reader->queue->readers; r; r = r->next)
        if (strcmp(r->name, name) == 0)
            return -EEXIST;
    reader->name = strdup(name);
    reader->shards = calloc(1, sizeof(*reader->shards));
    if (!reader->name || !reader->shards)
        return -ENOMEM;
    reader->shard_count = 1;
    reader->shards[0].begin = reader->shards[0].end = position_of(reader->released);
    return 0;
}

static void reader_free(struct queue_reader *reader)
{
    free(reader->name);
    free(reader->shards);
    free(reader);
}

int queue_reader_open(struct queue *queue, const char *name, queue_drop_fn on_drop, void *context,
                      struct queue_reader **out)
{
    struct queue_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->queue = queue;
    reader->read = queue->appended;
    reader->released = sample_counts_sum(queue->appended);
    reader->on_drop = on_drop;
    reader->context = context;
    int error = reader_setup(reader, name);
    if (error) {
        reader_free(reader);
        return error;
    }
    reader_enter(reader, queue->newest);
    if (queue->newest)
        reader->cursor.at += queue->newest->length;
    reader->next = queue->readers;
    queue->readers = reader;
    *out = reader;
    return 0;
}

void queue_reader_close(struct queue_reader **reader)
{
    if (!*reader)
        return;
    struct queue *queue = (*reader)->queue;
    struct queue_reader **link = &queue->readers;
    while (*link != *reader)
        link = &(*link)->next;
    *link = (*reader)->next;
    reader_free(TAKE_PTR(*reader));
    queue_forget_released(queue);
}

static uint32_t shard_key(const struct queue_reader *reader, series_id series)
{
    return (uint32_t)labels_hash(series_table_labels(reader->queue->series, series));
}

bool queue_reader_next(struct queue_reader *reader, struct queue_sample *out)
{
    if (sample_counts_sum(reader->read) == sample_counts_sum(reader->queue->appended))
        return false;
    while (reader->cursor.at == reader->segment->bytes + reader->segment->length)
        reader_enter(reader, reader->segment->next);
    *out = (struct queue_sample){};
    record_read(&reader->cursor, &out->sample);
    if (out->sample.type == SAMPLE_HISTOGRAM)
        reader->read.histograms++;
    else
        reader->read.floats++;
    out->end = queue_reader_position(reader);
    out->shard_key = shard_key(reader, out->sample.series);
    return true;
}

struct queue_position queue_reader_position(const struct queue_reader *reader)
{
    return position_of(sample_counts_sum(reader->read));
}

static void reader_rewind(struct queue_reader *reader)
{
    const struct segment *oldest = reader->queue->oldest;
    reader->read = (struct sample_counts){};
    if (!oldest)
        return;
    reader_enter(reader, reader->queue->oldest);
    reader->read = oldest->end;
    struct record_cursor cursor = reader->cursor;
    while (cursor.at < oldest->bytes + oldest->length) {
        struct sample sample;
        record_read(&cursor, &sample);
        *(sample.type == SAMPLE_HISTOGRAM ? &reader->read.histograms : &reader->read.floats) -= 1;
    }
}

void queue_reader_seek(struct queue_reader *reader, struct queue_position position)
{
    struct queue_sample skipped;
    if (samples_before(position) < sample_counts_sum(reader->read))
        reader_rewind(reader);
    while (sample_counts_sum(reader->read) < samples_before(position) &&
           queue_reader_next(reader, &skipped))
        ;
}

struct sample_counts queue_reader_unread(const struct queue_reader *reader)
{
    return counts_subtract(reader->queue->appended, reader->read);
}

uint32_t queue_reader_shard_count(const struct queue_reader *reader)
{
    return reader->shard_count;
}

struct queue_range queue_reader_range(const struct queue_reader *reader, uint32_t shard)
{
    return reader->shards[shard];
}

int queue_reader_set_shards(struct queue_reader *reader, uint32_t count)
{
    struct queue_position stand = reader->shards[0].begin;
    if (count == 0 || count > QUEUE_SHARDS_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < reader->shard_count; i++)
        if (queue_position_compare(reader->shards[i].begin, stand) != 0 ||
            queue_position_compare(reader->shards[i].end, stand) != 0)
            return -EBUSY;
    struct queue_range *shards = calloc(count, sizeof(*shards));
    if (!shards)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        shards[i] = (struct queue_range){stand, stand};
    free(reader->shards);
    reader->shards = shards;
    reader->shard_count = count;
    return 0;
}

void queue_reader_mark(struct queue_reader *reader, uint32_t shard, struct queue_position end)
{
    reader->shards[shard].end = end;
}

void queue_reader_release(struct queue_reader *reader, uint32_t shard,
                          struct queue_position position)
{
    reader->shards[shard] = (struct queue_range){position, position};
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < reader->shard_count; i++)
        if (samples_before(reader->shards[i].begin) < least)
            least = samples_before(reader->shards[i].begin);
    if (least <= reader->released)
        return; /* dropped in the meantime */
    reader->released = least;
    queue_forget_released(reader->queue);
}
