/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for whoever reads the queue's files. The input is what stands behind a segment's
 * head, in pieces: one byte that says how (odd: as a record with a right checksum, even: as it is),
 * two bytes length, so many bytes. Whatever they are, nothing is read out of bounds, every series
 * that comes out is one, and all references end. Whole folders are fuzz_queue_folder.c's. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "ship/log/record_read.h"
#include "ship/log/segment.h"

#define SERIES_MAX 10000

static struct series_table *table;
static struct dictionary_writer scratch;
static struct segment_window window;

static void setup(void)
{
    assert(!series_table_new(SERIES_MAX, &table));
    dictionary_writer_init(&scratch);
    segment_window_init(&window);
}

static void add_bytes(struct segment *segment, const void *bytes, size_t length)
{
    assert(pwrite(segment->fd, bytes, length, segment->length) == (ssize_t)length);
    segment->length += (uint32_t)length;
}

static void add_record(struct segment *segment, const uint8_t *payload, size_t length)
{
    uint8_t head[RECORD_HEAD_BYTES];
    const struct record_head record = {.offset = segment->length, .length = (uint32_t)length};
    uint32_t sum = crc32c(record_checksum_begin(&segment->head, &record), payload, length);
    record_head_write(&segment->head, &record, sum, head);
    add_bytes(segment, head, sizeof(head));
    add_bytes(segment, payload, length);
}

static void fill(struct segment *segment, const uint8_t *data, size_t size)
{
    while (size >= 3) {
        size_t length = data[1] | (size_t)data[2] << 8;
        if (length > size - 3)
            length = size - 3;
        if (data[0] & 1)
            add_record(segment, data + 3, length);
        else
            add_bytes(segment, data + 3, length);
        data += 3 + length;
        size -= 3 + length;
    }
}

static void read_record(struct record_reader *reader, const struct record_head *head,
                        const uint8_t *payload, struct dictionary *dictionary)
{
    struct queue_sample sample;
    if (record_read_begin(reader, payload, head->length, dictionary))
        return;
    if ((uint64_t)reader->first_number + reader->defined <= record_end(head))
        dictionary_learn(dictionary, &reader->definitions, reader->first_number, reader->defined,
                         &scratch);
    while (reader->index < reader->sample_count) {
        uint32_t index = reader->index;
        int error = record_read_next(reader, &sample);
        assert(error == 0 || error == -ENOENT || error == -EBADMSG || error == -ENOMEM);
        if (error == -EBADMSG)
            break;
        assert(reader->index == index + 1);
        if (error)
            continue;
        assert(series_table_labels(table, sample.sample.series));
        assert(dictionary_shard_key(dictionary, reader->number));
        assert((sample.sample.type == SAMPLE_HISTOGRAM) == (reader->histogram != NULL));
        for (size_t i = 0; i < sample.exemplar_count; i++)
            assert(labels_count(sample.exemplars[i].labels) < LABELS_MAX_COUNT);
    }
}

static void read_segment(struct segment *segment)
{
    struct record_reader reader = {};
    struct dictionary *dictionary;
    struct record_head head;
    const uint8_t *payload;
    uint32_t offset = SEGMENT_HEAD_BYTES;
    assert(!dictionary_new(table, &dictionary));
    while (!segment_find_record(segment, -1, &window, offset, &head, &payload)) {
        assert(head.offset >= offset && record_end(&head) <= segment->length);
        read_record(&reader, &head, payload, dictionary);
        offset = record_end(&head);
    }
    record_reader_free(&reader);
    dictionary_release(&dictionary);
    assert(series_table_count(table) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment *segment;
    if (!table)
        setup();
    assert(!segment_new(-1, 1, &segment));
    segment->head.marker = 0x4b52414d; /* so that an input can hold it */
    segment->head.salt = 0;
    window.number = 0;
    fill(segment, data, size);
    read_segment(segment);
    segment_free(&segment);
    return 0;
}
