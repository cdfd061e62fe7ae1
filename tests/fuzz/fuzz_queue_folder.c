/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for a queue that starts on a folder as somebody left it. The input is pieces:
 * one byte that says what (bits 0-1: segment 1, 2, 3, or where the remote stands; bit 2: as a
 * record or a slot with a right checksum), two bytes length, so many bytes. Whatever they are, the
 * queue starts, reads to its end, goes on, and gives back all references. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "ship/log/bytes.h"
#include "ship/log/place.h"
#include "ship/log/segment.h"

#define SERIES_MAX 10000
#define SEGMENTS 3
#define MARKER 0x4b52414d /* so that an input can hold it */
#define REMOTE "a"

enum { WHICH_BITS = 3, AS_RECORD = 4 };

static struct series_table *table;
static char folder[64] = "/tmp/edgemeter-fuzz-XXXXXX";
static int folder_fd;

static void remove_folder(void)
{
    rmdir(folder);
}

static void setup(void)
{
    char in_memory[] = "/dev/shm/edgemeter-fuzz-XXXXXX";
    const char *made = mkdtemp(in_memory) ? in_memory : mkdtemp(folder);
    assert(made && (folder_fd = open(made, O_RDONLY | O_DIRECTORY)) >= 0);
    assert(!series_table_new(SERIES_MAX, &table));
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    snprintf(folder, sizeof(folder), "%s", made);
    atexit(remove_folder);
}

static void empty_folder(void)
{
    DIR *dir = fdopendir(openat(folder_fd, ".", O_RDONLY | O_DIRECTORY));
    assert(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        unlinkat(folder_fd, entry->d_name, 0);
    closedir(dir);
}

/* ---- the files ---- */

static struct segment_head head_of(unsigned which)
{
    return (struct segment_head){.marker = MARKER, .number = which + 1};
}

static void add_record(int fd, unsigned which, const uint8_t *payload, size_t length)
{
    uint8_t bytes[RECORD_HEAD_BYTES];
    const struct segment_head segment = head_of(which);
    const struct record_head record = {.offset = (uint32_t)lseek(fd, 0, SEEK_END),
                                       .length = (uint32_t)length};
    uint32_t sum = crc32c(record_checksum_begin(&segment, &record), payload, length);
    record_head_write(&segment, &record, sum, bytes);
    assert(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
    assert(write(fd, payload, length) == (ssize_t)length);
}

/* A generation, a number of shards, and their ranges, under a right checksum. */
static void add_slot(int fd, const uint8_t *data, size_t size)
{
    static uint8_t slot[PLACE_SLOT_BYTES];
    if (size < 2 || size > sizeof(slot) - 64)
        return;
    memset(slot, 0, sizeof(slot));
    memcpy(slot, "EDGEMRMT", 8);
    put_u32(slot + 8, 1);
    put_u64(slot + 16, data[0]);
    put_u32(slot + 24, strlen(REMOTE));
    put_u32(slot + 28, data[1]);
    memcpy(slot + 32, REMOTE, strlen(REMOTE));
    memcpy(slot + 32 + strlen(REMOTE), data + 2, size - 2);
    size_t used = 32 + strlen(REMOTE) + 32 * (size_t)data[1];
    put_u32(slot + 12, crc32c(0, slot + 16, used - 16));
    assert(pwrite(fd, slot, used, data[0] % 2 * PLACE_SLOT_BYTES) == (ssize_t)used);
}

static void make_files(const uint8_t *data, size_t size)
{
    int files[SEGMENTS + 1];
    char name[PLACE_FILE_BYTES];
    for (unsigned i = 0; i <= SEGMENTS; i++) {
        uint8_t head[SEGMENT_HEAD_BYTES];
        const struct segment_head segment = head_of(i);
        if (i < SEGMENTS)
            segment_name(i + 1, name);
        else
            place_file_name(REMOTE, name);
        files[i] = openat(folder_fd, name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        segment_head_write(&segment, head);
        assert(files[i] >= 0 && (i == SEGMENTS || write(files[i], head, sizeof(head)) > 0));
    }
    while (size >= 3) {
        unsigned which = data[0] & WHICH_BITS;
        size_t length = data[1] | (size_t)data[2] << 8;
        length = length < size - 3 ? length : size - 3;
        if (!(data[0] & AS_RECORD))
            assert(write(files[which], data + 3, length) == (ssize_t)length);
        else if (which < SEGMENTS)
            add_record(files[which], which, data + 3, length);
        else
            add_slot(files[which], data + 3, length);
        data += 3 + length;
        size -= 3 + length;
    }
    for (unsigned i = 0; i <= SEGMENTS; i++)
        close(files[i]);
}

/* ---- the queue ---- */

static void on_drop(void *context, enum queue_drop why, struct sample_counts dropped)
{
    (void)context, (void)dropped;
    assert(why < QUEUE_DROPS);
}

static void append_one(struct queue *queue)
{
    struct labels_builder *builder;
    struct labels *labels;
    struct sample sample = {.timestamp_ms = 1790000000000, .value = 7};
    assert(!labels_builder_new(&builder));
    assert(!labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), TEXT("fuzz")));
    assert(!labels_builder_build(builder, &labels));
    assert(!series_table_intern(table, labels, &sample.series));
    queue_append(queue, &(struct sample_record){.samples = &sample, .count = 1});
    series_table_release(table, sample.series);
    labels_builder_free(&builder);
    free(labels);
}

static unsigned read_all(struct queue_reader *reader)
{
    struct queue_sample sample;
    unsigned count = 0;
    struct queue_position last = {};
    while (queue_reader_next(reader, &sample)) {
        assert(series_table_labels(table, sample.sample.series));
        assert(queue_position_compare(last, sample.end) < 0);
        last = sample.end;
        count++;
    }
    return count;
}

static void live(void)
{
    char path[64];
    struct queue *queue;
    struct queue_reader *reader;
    const struct queue_config config = {.max_bytes = 1 << 20};
    snprintf(path, sizeof(path), "/proc/self/fd/%d", folder_fd);
    const struct queue_environment environment = {.series = table, .folder = path};
    assert(!queue_new(&environment, &config, &queue));
    assert(!queue_reader_open(queue, REMOTE, on_drop, NULL, &reader));
    queue_forget_closed(queue);
    unsigned found = read_all(reader);
    append_one(queue);
    assert(read_all(reader) == 1 && sample_counts_sum(queue_reader_unread(reader)) == 0);
    for (uint32_t i = 0; i < queue_reader_shard_count(reader); i++) {
        struct queue_range range = queue_reader_range(reader, i);
        assert(queue_position_compare(range.begin, range.end) <= 0);
    }
    struct queue_position begin = queue_reader_range(reader, 0).begin;
    queue_reader_seek(reader, begin);
    /* Of a record that nobody wrote so the rest may be good where its first samples are not. */
    assert(read_all(reader) <= found + 1 || begin.sample);
    for (uint32_t i = 0; i < queue_reader_shard_count(reader); i++)
        queue_reader_release(reader, i, queue_reader_position(reader));
    queue_reader_close(&reader);
    queue_free(&queue);
    assert(series_table_count(table) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!table)
        setup();
    empty_folder();
    make_files(data, size);
    live();
    empty_folder();
    return 0;
}
