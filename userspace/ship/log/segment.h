/* SPDX-License-Identifier: Apache-2.0 */
/* One segment of the log: a file of the folder, or the same bytes in memory (a memfd, read and
 * written alike). Appends and finds records; does not look into them. */
#ifndef EDGEMETER_SHIP_LOG_SEGMENT_H
#define EDGEMETER_SHIP_LOG_SEGMENT_H

#include <sys/queue.h>

#include "ship/log/dictionary.h"
#include "ship/log/log_format.h"
#include "ship/log/record_write.h"
#include "ship/queue.h"

#define SEGMENT_NAME_BYTES 24

struct segment {
    TAILQ_ENTRY(segment) siblings;
    struct segment_head head;
    int fd; /* -1: on disk, opened when it is read */
    bool in_memory;
    bool sealed;     /* takes no more records */
    bool torn;       /* bytes behind the last whole record */
    bool synced;     /* all of it has reached the disk */
    uint32_t length; /* up to the end of the last record with samples */
    uint64_t file_bytes;
    uint32_t punched; /* of these, at the begin: given back */
    struct sample_counts counts;
    struct queue_position end;     /* behind the last sample */
    int64_t newest_ms;             /* when it was last appended to */
    struct dictionary *dictionary; /* of whoever writes it or reads it now */
    bool holds_dictionary;         /* it is the segment's as well */
    uint32_t definition_bytes;     /* written by this process */
    uint32_t series_when_young;    /* that it had when it was young; 0: it is */
    uint32_t series_ended;         /* in it, by a stale marker */
    uint32_t damage_end;           /* damage before this offset has been counted */
};
TAILQ_HEAD(segment_list, segment);

void segment_name(uint64_t number, char out[SEGMENT_NAME_BYTES]);
/* False: not the name of a segment. */
bool segment_name_parse(const char *name, uint64_t *number);

/* A new, empty one, in the folder, or in memory for -1. 0 or a negative errno. */
int segment_new(int folder_fd, uint64_t number, struct segment **out);
/* One that is there. Its counts are known afterwards, from its end or by reading it through. 0,
 * -EBADMSG (its head is not valid), -EPROTONOSUPPORT (another version's), or another negative
 * errno. */
int segment_open(int folder_fd, uint64_t number, struct segment **out);
/* The file stays. */
void segment_free(struct segment **segment);

/* 0 or a negative errno; then the segment is as long as before, and should be given up. */
int segment_append(struct segment *segment, const struct record_payload *payload, int64_t now_ms);
/* Writes the end record, as far as the disk allows. */
void segment_seal(struct segment *segment);
/* Gives back the memory of what lies before `offset`: of a segment in memory alone. */
void segment_punch(struct segment *segment, uint32_t offset);
/* What it takes of disk or memory. */
static inline uint64_t segment_bytes(const struct segment *segment)
{
    return segment->file_bytes - segment->punched;
}

/* Bytes of a segment at hand. All zero at first; one for each that reads. */
struct segment_window {
    struct buffer bytes;
    uint64_t number;
    uint32_t offset;
};

void segment_window_init(struct segment_window *window);
void segment_window_free(struct segment_window *window);

/* The first whole record at `offset` or behind it, with samples; the payload lies in the window
 * until the next call. 0; -ENOENT: there is none; another negative errno: it cannot be read. */
int segment_find_record(struct segment *segment, int folder_fd, struct segment_window *window,
                        uint32_t offset, struct record_head *out, const uint8_t **payload);

static inline uint32_t record_end(const struct record_head *record)
{
    return record->offset + RECORD_HEAD_BYTES + record->length;
}

static inline struct sample_counts record_counts_before(const struct record_head *record)
{
    return (struct sample_counts){record->floats_before, record->histograms_before,
                                  record->exemplars_before};
}

#endif
