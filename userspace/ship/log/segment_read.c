/* SPDX-License-Identifier: Apache-2.0 */
/* Reads through a window, never through a mapping: a file that is cut short under us, or a disk
 * that gives up, is an error and not a signal. */
#include "ship/log/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "ship/log/bytes.h"

#define WINDOW_BYTES (32 << 10)

void segment_window_init(struct segment_window *window)
{
    *window = (struct segment_window){};
    buffer_init(&window->bytes, RECORD_HEAD_BYTES + RECORD_MAX_BYTES);
}

void segment_window_free(struct segment_window *window)
{
    buffer_free(&window->bytes);
}

static int segment_read_open(struct segment *segment, int folder_fd)
{
    char name[SEGMENT_NAME_BYTES];
    if (segment->fd >= 0)
        return 0;
    segment_name(segment->head.number, name);
    segment->fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    return segment->fd < 0 ? -errno : 0;
}

/* Fills the window from `offset` on with `length` bytes at least. */
static int window_fill(struct segment_window *window, const struct segment *segment,
                       uint32_t offset, size_t length)
{
    size_t left = segment->length - offset;
    size_t wanted = length > WINDOW_BYTES ? length : WINDOW_BYTES;
    if (wanted > left)
        wanted = left;
    buffer_clear(&window->bytes);
    if (window->bytes.capacity > WINDOW_BYTES && wanted <= WINDOW_BYTES)
        buffer_free(&window->bytes); /* one long record does not keep its memory */
    char *room = buffer_reserve(&window->bytes, wanted);
    if (!room)
        return -ENOMEM;
    window->number = segment->head.number;
    window->offset = offset;
    while (window->bytes.length < wanted) {
        ssize_t got = pread(segment->fd, room + window->bytes.length, wanted - window->bytes.length,
                            (off_t)offset + (off_t)window->bytes.length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return window->bytes.length >= length ? 0 : got < 0 ? -errno : -ENODATA;
        window->bytes.length += (size_t)got;
    }
    return 0;
}

/* `length` bytes at `offset`, both within the segment. */
static int view(struct segment_window *window, const struct segment *segment, uint32_t offset,
                size_t length, const uint8_t **out)
{
    bool here = window->number == segment->head.number && offset >= window->offset &&
                offset - window->offset + length <= window->bytes.length;
    if (!here) {
        int error = window_fill(window, segment, offset, length);
        if (error)
            return error;
    }
    *out = (const uint8_t *)window->bytes.bytes + (offset - window->offset);
    return 0;
}

/* -ENOENT: none begins at `offset`. */
static int record_at(struct segment *segment, struct segment_window *window, uint32_t offset,
                     struct record_head *out, const uint8_t **payload)
{
    const uint8_t *bytes;
    uint32_t checksum;
    int error = view(window, segment, offset, RECORD_HEAD_BYTES, &bytes);
    if (error)
        return error;
    out->offset = offset;
    if (!record_head_read(&segment->head, bytes, out, &checksum) ||
        out->length > segment->length - offset - RECORD_HEAD_BYTES)
        return -ENOENT;
    error = view(window, segment, offset, RECORD_HEAD_BYTES + out->length, &bytes);
    if (error)
        return error;
    *payload = bytes + RECORD_HEAD_BYTES;
    uint32_t sum = record_checksum_begin(&segment->head, out);
    return crc32c(sum, *payload, out->length) == checksum ? 0 : -ENOENT;
}

/* Where the segment's marker stands next, at `offset` or behind it, with room for a record head. */
static int find_marker(struct segment *segment, struct segment_window *window, uint32_t *offset)
{
    uint8_t marker[4];
    put_u32(marker, segment->head.marker);
    while (segment->length - *offset >= RECORD_HEAD_BYTES) {
        const uint8_t *bytes;
        int error = view(window, segment, *offset, RECORD_HEAD_BYTES, &bytes);
        if (error)
            return error;
        size_t length = window->bytes.length - (*offset - window->offset);
        const uint8_t *found = memmem(bytes, length, marker, sizeof(marker));
        if (found) {
            *offset += (uint32_t)(found - bytes);
            return segment->length - *offset >= RECORD_HEAD_BYTES ? 0 : -ENOENT;
        }
        *offset += (uint32_t)(length - sizeof(marker) + 1);
    }
    return -ENOENT;
}

int segment_find_record(struct segment *segment, int folder_fd, struct segment_window *window,
                        uint32_t offset, struct record_head *out, const uint8_t **payload)
{
    int error = segment_read_open(segment, folder_fd);
    if (error)
        return error;
    while (offset < segment->length) {
        error = find_marker(segment, window, &offset);
        if (error)
            return error;
        error = record_at(segment, window, offset, out, payload);
        if (!error && out->length && **payload == RECORD_SAMPLES)
            return 0;
        if (error && error != -ENOENT)
            return error;
        offset = error ? offset + 1 : record_end(out);
    }
    return -ENOENT;
}
