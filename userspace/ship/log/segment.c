/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a segment, and taking stock of one that another process left. Reading is
 * segment_read.c's. */
#include "ship/log/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "ship/log/bytes.h"
#include "ship/log/record_read.h"

#define PUNCH_LEAST_BYTES (64 << 10)

void segment_name(uint64_t number, char out[SEGMENT_NAME_BYTES])
{
    snprintf(out, SEGMENT_NAME_BYTES, "%016" PRIx64 ".log", number);
}

bool segment_name_parse(const char *name, uint64_t *number)
{
    char same[SEGMENT_NAME_BYTES];
    char *end;
    *number = strtoull(name, &end, 16);
    segment_name(*number, same);
    return *number != UINT64_MAX && strcmp(name, same) == 0;
}

/* ---- a new one ---- */

static int write_all(int fd, struct iovec *parts, int count, off_t offset)
{
    while (count) {
        ssize_t written = pwritev(fd, parts, count, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        offset += written;
        for (; count && (size_t)written >= parts->iov_len; parts++, count--)
            written -= (ssize_t)parts->iov_len;
        if (count) {
            parts->iov_base = (char *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    return 0;
}

static int create_file(int folder_fd, uint64_t number, int *fd)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    *fd = folder_fd < 0 ? memfd_create("edgemeter-queue", MFD_CLOEXEC)
                        : openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd < 0 ? -errno : 0;
}

static int segment_alloc(uint64_t number, struct segment **out)
{
    struct segment *segment = calloc(1, sizeof(*segment));
    if (!segment)
        return -ENOMEM;
    segment->fd = -1;
    segment->head.number = number;
    segment->length = SEGMENT_HEAD_BYTES;
    segment->end = (struct queue_position){.segment = number, .offset = SEGMENT_HEAD_BYTES};
    *out = segment;
    return 0;
}

static int write_head(struct segment *segment)
{
    uint8_t bytes[SEGMENT_HEAD_BYTES];
    uint32_t random[2];
    if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        memcpy(random, &(uint64_t){clock_monotonic_ns()}, sizeof(random)); /* right after boot */
    segment->head.marker = random[0];
    segment->head.salt = random[1];
    segment->head.begun_ms = segment->newest_ms = clock_wall_ms();
    segment_head_write(&segment->head, bytes);
    segment->file_bytes = sizeof(bytes);
    return write_all(segment->fd, &(struct iovec){bytes, sizeof(bytes)}, 1, 0);
}

int segment_new(int folder_fd, uint64_t number, struct segment **out)
{
    struct segment *segment;
    int error = segment_alloc(number, &segment);
    if (error)
        return error;
    segment->in_memory = folder_fd < 0;
    error = create_file(folder_fd, number, &segment->fd);
    if (!error) {
        error = write_head(segment);
        char name[SEGMENT_NAME_BYTES];
        segment_name(number, name);
        if (error && folder_fd >= 0)
            unlinkat(folder_fd, name, 0);
    }
    if (error)
        segment_free(&segment);
    else
        *out = segment;
    return error;
}

void segment_free(struct segment **out)
{
    struct segment *segment = *out;
    if (!segment)
        return;
    if (segment->fd >= 0)
        close(segment->fd);
    free(TAKE_PTR(*out));
}

/* ---- appending ---- */

static struct record_head next_record(const struct segment *segment, uint32_t length)
{
    return (struct record_head){
        .offset = segment->length,
        .length = length,
        .floats_before = (uint32_t)segment->counts.floats,
        .histograms_before = (uint32_t)segment->counts.histograms,
        .exemplars_before = (uint32_t)segment->counts.exemplars,
    };
}

static int write_record(struct segment *segment, const struct record_head *record,
                        const struct iovec *parts, int count)
{
    struct iovec all[RECORD_PARTS + 1];
    uint8_t head[RECORD_HEAD_BYTES];
    uint32_t sum = record_checksum_begin(&segment->head, record);
    for (int i = 0; i < count; i++) {
        sum = crc32c(sum, parts[i].iov_base, parts[i].iov_len);
        all[i + 1] = parts[i];
    }
    record_head_write(&segment->head, record, sum, head);
    all[0] = (struct iovec){head, sizeof(head)};
    int error = write_all(segment->fd, all, count + 1, record->offset);
    if (error && ftruncate(segment->fd, record->offset))
        segment->torn = true;
    return error;
}

int segment_append(struct segment *segment, const struct record_payload *payload, int64_t now_ms)
{
    struct record_head record = next_record(segment, payload->length);
    int error = write_record(segment, &record, payload->parts, RECORD_PARTS);
    if (error)
        return error;
    segment->length = record_end(&record);
    segment->file_bytes = segment->length;
    sample_counts_add(&segment->counts, payload->counts);
    segment->definition_bytes += payload->definition_bytes;
    segment->series_ended += payload->ended;
    segment->newest_ms = now_ms;
    segment->synced = false;
    if (payload->samples) {
        segment->end.offset = record.offset;
        segment->end.sample = payload->samples;
    }
    return 0;
}

void segment_seal(struct segment *segment)
{
    uint8_t payload[RECORD_END_BYTES - RECORD_HEAD_BYTES];
    if (segment->sealed)
        return;
    segment->sealed = true;
    if (segment->torn)
        return;
    payload[0] = RECORD_END;
    put_u32(payload + 1, segment->end.offset);
    put_u32(payload + 5, segment->end.sample);
    put_u64(payload + 9, (uint64_t)segment->newest_ms);
    struct record_head record = next_record(segment, sizeof(payload));
    if (!write_record(segment, &record, &(struct iovec){payload, sizeof(payload)}, 1))
        segment->file_bytes = record_end(&record);
    segment->synced = false;
}

void segment_punch(struct segment *segment, uint32_t offset)
{
    if (!segment->in_memory || offset < segment->punched + PUNCH_LEAST_BYTES)
        return;
    if (fallocate(segment->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, offset) == 0)
        segment->punched = offset;
}

/* ---- one that is there ---- */

/* True: the segment ends as one that was sealed, and is what its end record says. */
static bool take_end_record(struct segment *segment, uint64_t size)
{
    uint8_t bytes[RECORD_END_BYTES];
    const uint8_t *payload = bytes + RECORD_HEAD_BYTES;
    uint32_t checksum;
    if (size < SEGMENT_HEAD_BYTES + RECORD_END_BYTES ||
        pread(segment->fd, bytes, sizeof(bytes), (off_t)(size - sizeof(bytes))) != sizeof(bytes))
        return false;
    struct record_head record = {.offset = (uint32_t)(size - sizeof(bytes))};
    if (!record_head_read(&segment->head, bytes, &record, &checksum) ||
        record_end(&record) != size ||
        crc32c(record_checksum_begin(&segment->head, &record), payload, record.length) !=
            checksum ||
        payload[0] != RECORD_END)
        return false;
    segment->length = record.offset;
    segment->counts = record_counts_before(&record);
    segment->end.offset = get_u32(payload + 1);
    segment->end.sample = get_u32(payload + 5);
    segment->newest_ms = (int64_t)get_u64(payload + 9);
    return true;
}

/* Looks at every record, and ends the segment behind the last one that is whole. */
static int take_stock(struct segment *segment, uint64_t size)
{
    struct record_reader reader = {};
    struct segment_window window;
    struct record_head record;
    const uint8_t *payload;
    uint32_t last_end = SEGMENT_HEAD_BYTES;
    int error;

    segment_window_init(&window);
    segment->length = (uint32_t)size;
    while (!(error = segment_find_record(segment, -1, &window, last_end, &record, &payload))) {
        last_end = record_end(&record);
        segment->counts = record_counts_before(&record);
        if (record_read_begin(&reader, payload, record.length, NULL))
            continue;
        sample_counts_add(&segment->counts, reader.counts);
        if (!reader.sample_count)
            continue;
        segment->end.offset = record.offset;
        segment->end.sample = reader.sample_count;
    }
    segment->torn = last_end != size;
    segment->length = last_end;
    record_reader_free(&reader);
    segment_window_free(&window);
    return error == -ENOMEM ? error : 0;
}

static int segment_take(struct segment *segment)
{
    uint8_t head[SEGMENT_HEAD_BYTES];
    uint64_t number = segment->head.number;
    struct stat file;
    if (fstat(segment->fd, &file) < 0)
        return -errno;
    ssize_t length = pread(segment->fd, head, sizeof(head), 0);
    if (length < 0)
        return -errno;
    int error = length == sizeof(head) ? segment_head_read(head, &segment->head) : -EBADMSG;
    if (error)
        return error;
    if (segment->head.number != number || file.st_size > INT32_MAX)
        return -EBADMSG;
    segment->file_bytes = (uint64_t)file.st_size;
    segment->newest_ms = (int64_t)file.st_mtim.tv_sec * 1000;
    segment->sealed = true;
    if (take_end_record(segment, segment->file_bytes))
        return 0;
    return take_stock(segment, segment->file_bytes);
}

int segment_open(int folder_fd, uint64_t number, struct segment **out)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment *segment;
    int error = segment_alloc(number, &segment);
    if (error)
        return error;
    segment_name(number, name);
    segment->fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    error = segment->fd < 0 ? -errno : segment_take(segment);
    if (error) {
        segment_free(&segment);
        return error;
    }
    close(segment->fd);
    segment->fd = -1;
    segment->synced = true; /* as far as this process can make it so */
    *out = segment;
    return 0;
}
