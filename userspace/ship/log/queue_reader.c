/* SPDX-License-Identifier: Apache-2.0 */
/* One reader: from segment to segment, record to record, sample to sample. It sees to it that what
 * was appended is either read or told as dropped, whatever the bytes look like. */
#include "ship/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ship/log/queue_state.h"

/* ---- what is lost ---- */

void reader_drop(struct queue_reader *reader, enum queue_drop why, struct sample_counts lost)
{
    if (!sample_counts_sum(lost) && !lost.exemplars)
        return;
    queue_metrics_dropped(&reader->queue->metrics, reader->place, why, lost);
    reader->on_drop(reader->context, why, lost);
}

/* The reader has passed `to` of its segment by now; what it had not read of that is dropped. */
static void pass_up_to(struct queue_reader *reader, struct sample_counts to, enum queue_drop why)
{
    struct sample_counts lost = sample_counts_less(to, reader->passed);
    sample_counts_add(&reader->passed, lost);
    reader->unread = sample_counts_less(reader->unread, lost);
    reader_drop(reader, why, lost);
}

/* Damage up to `end` is counted once, however many readers come by. */
static void note_damage(struct queue_reader *reader, uint32_t end)
{
    if (reader->segment->damage_end >= end)
        return;
    reader->segment->damage_end = end;
    queue_metrics_corrupt(&reader->queue->metrics);
}

static enum queue_drop why_unreadable(int error)
{
    return error == -ENOMEM ? QUEUE_DROP_NO_MEMORY : QUEUE_DROP_CORRUPT;
}

/* ---- from segment to segment ---- */

static struct queue_position here(const struct queue_reader *reader)
{
    if (!reader->in_record || !reader->record.index)
        return reader->position;
    return (struct queue_position){reader->segment->head.number, reader->head.offset,
                                   reader->record.index};
}

static void leave_record(struct queue_reader *reader)
{
    reader->position = here(reader);
    reader->in_record = false;
}

static void drop_dictionary(struct queue_reader *reader, struct segment *segment)
{
    if (reader->dictionary && reader->dictionary->references == 1)
        segment->dictionary = NULL;
    dictionary_release(&reader->dictionary);
}

static bool is_read_by_another(const struct queue_reader *reader, const struct segment *segment)
{
    const struct queue_reader *other;
    TAILQ_FOREACH(other, &reader->queue->readers, siblings)
    if (other != reader && other->segment == segment)
        return true;
    return false;
}

void reader_detach(struct queue_reader *reader)
{
    struct segment *segment = reader->segment;
    if (!segment)
        return;
    leave_record(reader);
    drop_dictionary(reader, segment);
    if (segment->sealed && segment->synced && !segment->in_memory &&
        !is_read_by_another(reader, segment))
        cleanup_close(&segment->fd);
    reader->segment = NULL;
}

void reader_leave(struct queue_reader *reader, const struct segment *segment, enum queue_drop why)
{
    uint64_t next = segment->head.number + 1;
    uint64_t left = sample_counts_sum(sample_counts_less(segment->counts, reader->passed));
    pass_up_to(reader, segment->counts, why);
    reader_detach(reader);
    if (left)
        reader->position = (struct queue_position){.segment = next};
    reader->segment_number = next;
}

void reader_skip(struct queue_reader *reader, const struct segment *segment, enum queue_drop why)
{
    reader->unread = sample_counts_less(reader->unread, segment->counts);
    reader_drop(reader, why, segment->counts);
}

/* -ENOMEM, and the reader is where it was. */
static int attach(struct queue_reader *reader, struct segment *segment)
{
    struct dictionary *dictionary = segment->dictionary;
    if (dictionary)
        dictionary_hold(dictionary);
    else if (dictionary_new(reader->queue->environment.series, &dictionary))
        return -ENOMEM;
    segment->dictionary = dictionary;
    reader->dictionary = dictionary;
    reader->segment = segment;
    reader->segment_number = segment->head.number;
    reader->next_offset = SEGMENT_HEAD_BYTES;
    reader->passed = (struct sample_counts){};
    return 0;
}

/* The first segment at or behind the place where the reader is not yet. */
static struct segment *next_segment(const struct queue_reader *reader)
{
    struct segment *segment;
    TAILQ_FOREACH(segment, &reader->queue->segments, siblings)
    if (segment->head.number >= reader->segment_number)
        return segment;
    return NULL;
}

/* False: there is none. */
static bool enter_next(struct queue_reader *reader)
{
    struct segment *segment = next_segment(reader);
    while (segment && attach(reader, segment)) {
        reader_skip(reader, segment, QUEUE_DROP_NO_MEMORY);
        reader->segment_number = segment->head.number + 1;
        segment = TAILQ_NEXT(segment, siblings);
    }
    return segment != NULL;
}

/* ---- from record to record ---- */

static void learn(struct queue_reader *reader)
{
    struct dictionary *dictionary = reader->dictionary;
    struct record_reader *record = &reader->record;
    if (dictionary->learned_end >= record_end(&reader->head))
        return;
    uint64_t numbers = (uint64_t)record->first_number + record->defined;
    if (numbers > record_end(&reader->head) || /* each takes bytes */
        dictionary_learn(dictionary, &record->definitions, record->first_number, record->defined,
                         &reader->queue->scratch))
        note_damage(reader, record_end(&reader->head));
    dictionary->learned_end = record_end(&reader->head);
}

/* The record at next_offset or behind it. -ENOENT: the segment has no more. */
static int begin_record(struct queue_reader *reader)
{
    const uint8_t *payload;
    int error = segment_find_record(reader->segment, reader->queue->folder.fd, &reader->window,
                                    reader->next_offset, &reader->head, &payload);
    if (error)
        return error;
    if (reader->head.offset != reader->next_offset)
        note_damage(reader, reader->head.offset);
    pass_up_to(reader, record_counts_before(&reader->head), QUEUE_DROP_CORRUPT);
    reader->next_offset = record_end(&reader->head);
    if (record_read_begin(&reader->record, payload, reader->head.length, reader->dictionary)) {
        note_damage(reader, reader->next_offset);
        return 0;
    }
    learn(reader);
    reader->in_record = true;
    return 0;
}

static void finish_record(struct queue_reader *reader)
{
    struct sample_counts end = record_counts_before(&reader->head);
    sample_counts_add(&end, reader->record.counts);
    pass_up_to(reader, end, QUEUE_DROP_CORRUPT);
    leave_record(reader);
}

/* The rest of the segment, as far as it is written, cannot be read. */
static void give_up_segment(struct queue_reader *reader, int error)
{
    struct sample_counts all = reader->segment->counts;
    if (sample_counts_sum(sample_counts_less(all, reader->passed)))
        note_damage(reader, reader->segment->length);
    pass_up_to(reader, all, why_unreadable(error));
    reader->next_offset = reader->segment->length;
}

/* On to a record or to the end of the log; false: that is the end. */
static bool advance(struct queue_reader *reader)
{
    if (!reader->segment)
        return enter_next(reader);
    int error = begin_record(reader);
    if (!error)
        return true;
    give_up_segment(reader, error);
    if (!TAILQ_NEXT(reader->segment, siblings))
        return false;
    reader->segment_number = reader->segment->head.number + 1;
    reader_detach(reader);
    return true;
}

/* ---- from sample to sample ---- */

static struct sample_counts counts_of(const struct queue_sample *sample)
{
    bool histogram = sample->sample.type == SAMPLE_HISTOGRAM;
    return (struct sample_counts){!histogram, histogram, sample->exemplar_count};
}

static void take(struct queue_reader *reader, struct queue_sample *out)
{
    bool histogram = out->sample.type == SAMPLE_HISTOGRAM;
    uint64_t *unread = histogram ? &reader->unread.histograms : &reader->unread.floats;
    *(histogram ? &reader->passed.histograms : &reader->passed.floats) += 1;
    *unread -= *unread > 0;
    reader->passed.exemplars += out->exemplar_count;
    reader->unread.exemplars -= reader->unread.exemplars < out->exemplar_count
                                    ? reader->unread.exemplars
                                    : out->exemplar_count;
    out->end = here(reader);
    if (reader->place->shard_count > 1)
        out->shard_key = dictionary_shard_key(reader->dictionary, reader->record.number);
}

/* The next sample of the record. -ENOENT: this one cannot be given; -ENODATA: there is no more. */
static int next_of_record(struct queue_reader *reader, struct queue_sample *out)
{
    if (reader->record.index == reader->record.sample_count) {
        finish_record(reader);
        return -ENODATA;
    }
    int error = record_read_next(&reader->record, out);
    if (error == -EBADMSG) {
        note_damage(reader, record_end(&reader->head));
        finish_record(reader);
        return -ENODATA;
    }
    if (error) {
        struct sample_counts passed = reader->passed;
        sample_counts_add(&passed, counts_of(out));
        pass_up_to(reader, passed, why_unreadable(error));
        return -ENOENT;
    }
    take(reader, out);
    return 0;
}

bool queue_reader_next(struct queue_reader *reader, struct queue_sample *out)
{
    for (;;) {
        if (reader->in_record && !next_of_record(reader, out))
            return true;
        if (!reader->in_record && !advance(reader))
            return false;
    }
}

bool queue_reader_take_appended(struct queue_reader *reader, struct queue_position *end)
{
    const struct segment *newest = queue_newest(reader->queue);
    if (reader->in_record && reader->record.index == reader->record.sample_count)
        finish_record(reader);
    if (!reader->queue->appended_whole || reader->segment != newest || reader->in_record ||
        reader->next_offset != newest->end.offset)
        return false;
    reader->unread =
        sample_counts_less(reader->unread, sample_counts_less(newest->counts, reader->passed));
    reader->passed = newest->counts;
    reader->next_offset = newest->length;
    reader->position = *end = newest->end;
    return true;
}

struct queue_position queue_reader_position(const struct queue_reader *reader)
{
    return here(reader);
}

struct sample_counts queue_reader_unread(const struct queue_reader *reader)
{
    return reader->unread;
}

/* ---- to another place ---- */

/* What records before `offset` define. */
static void learn_before(struct queue_reader *reader, uint32_t offset)
{
    uint32_t at = SEGMENT_HEAD_BYTES;
    const uint8_t *payload;
    if (reader->dictionary->learned_end > at)
        at = reader->dictionary->learned_end;
    for (; at < offset; at = record_end(&reader->head)) {
        if (segment_find_record(reader->segment, reader->queue->folder.fd, &reader->window, at,
                                &reader->head, &payload) ||
            reader->head.offset >= offset)
            return;
        if (!record_read_begin(&reader->record, payload, reader->head.length, reader->dictionary))
            learn(reader);
    }
}

/* To the sample in the segment where the reader is. */
static void go_to_sample(struct queue_reader *reader, uint32_t offset, uint32_t sample)
{
    struct queue_sample skipped;
    const uint8_t *payload;
    int error = segment_find_record(reader->segment, reader->queue->folder.fd, &reader->window,
                                    offset, &reader->head, &payload);
    if (error) {
        reader->passed = reader->segment->counts;
        reader->next_offset = reader->segment->length;
        return;
    }
    reader->passed = record_counts_before(&reader->head);
    reader->next_offset = reader->head.offset;
    if (reader->head.offset != offset || begin_record(reader))
        return;
    while (reader->in_record && reader->record.index < sample &&
           reader->record.index < reader->record.sample_count &&
           record_read_next(&reader->record, &skipped) != -EBADMSG)
        sample_counts_add(&reader->passed, counts_of(&skipped));
}

static struct sample_counts count_unread(const struct queue_reader *reader)
{
    struct sample_counts unread = {};
    const struct segment *segment;
    TAILQ_FOREACH(segment, &reader->queue->segments, siblings)
    if (segment->head.number >= reader->segment_number)
        sample_counts_add(&unread, segment->counts);
    return reader->segment ? sample_counts_less(unread, reader->passed) : unread;
}

void queue_reader_seek(struct queue_reader *reader, struct queue_position position)
{
    reader_detach(reader);
    reader->segment_number = position.segment;
    reader->position = position;
    struct segment *segment = next_segment(reader);
    if (segment && segment->head.number > position.segment)
        reader->position = (struct queue_position){.segment = segment->head.number};
    else if (segment && position.offset >= SEGMENT_HEAD_BYTES && !attach(reader, segment)) {
        learn_before(reader, position.offset);
        go_to_sample(reader, position.offset, position.sample);
    }
    reader->unread = count_unread(reader);
}
