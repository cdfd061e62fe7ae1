/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a queue and a reader, for the files queue_*.c alone, each of which has one part:
 *
 *   queue.c           appending, the bounds, what is forgotten
 *   queue_reader.c    reading
 *   queue_shards.c    where the remotes stand
 *   queue_recovery.c  what a process before has left
 *   queue_disk.c      sync, and what is done when the disk fails
 *   queue_metrics.c   own metrics */
#ifndef EDGEMETER_SHIP_LOG_QUEUE_STATE_H
#define EDGEMETER_SHIP_LOG_QUEUE_STATE_H

#include "ship/log/disk_job.h"
#include "ship/log/folder.h"
#include "ship/log/place.h"
#include "ship/log/queue_metrics.h"
#include "ship/log/record_read.h"
#include "ship/log/segment.h"

#define SEGMENT_MOST_BYTES (32 << 20) /* a segment this long takes no more records */
#define SEGMENT_LEAST_BYTES 4096      /* unless the bound asks for less */
#define SEGMENTS_AT_LEAST 32 /* in max_bytes, so that a full queue drops little at a time */
#define FALLBACK_MAX_BYTES (64 << 20) /* in memory, while the disk does not take it */
#define MEMORY_LEAST_BYTES (1 << 20)  /* in memory, however little is left */
#define FALLBACK_SEGMENT_BYTES (4 << 20)

struct queue_reader {
    TAILQ_ENTRY(queue_reader) siblings;
    struct queue *queue;
    struct place *place;
    queue_drop_fn on_drop;
    void *context;
    struct sample_counts unread;
    struct queue_position position; /* behind the last sample read, until a record is begun */
    uint64_t segment_number;        /* where the reader is, or the least that it goes to next */
    struct segment *segment;        /* NULL: not there yet, or there no more */
    struct dictionary *dictionary;  /* of the segment, held */
    struct sample_counts passed;    /* of the segment, read or lost */
    uint32_t next_offset;           /* where its next record is looked for */
    struct metric *segment_metric;  /* NULL: no registry */
    bool in_record;
    struct record_head head;
    struct record_reader record;
    struct segment_window window;
};
TAILQ_HEAD(reader_list, queue_reader);

struct queue {
    struct queue_environment environment;
    uint64_t max_bytes;
    uint64_t max_memory_bytes; /* of what is in memory: see queue_begin_segment */
    int64_t max_age_ms;        /* 0: no bound */
    uint64_t sync_interval_ns;
    struct segment_list segments; /* the oldest first; the newest alone may not be sealed */
    uint64_t next_number;
    uint64_t first_number; /* of this process; what is below was found */
    struct reader_list readers;
    struct place_list places; /* of all readers, and of remotes that have none now */
    struct record_writer writer;
    bool appended_whole; /* what was appended last is the newest segment's last record */
    struct dictionary_writer scratch; /* for learning */
    struct queue_metrics metrics;

    struct folder folder;                  /* path NULL: memory only */
    bool had_folder;                       /* what is in it may be ours */
    bool disk_works;                       /* new segments go there */
    bool disk_said;                        /* that it does not */
    bool place_said;                       /* that where a remote stands cannot be written */
    uint64_t disk_pause_ns, disk_retry_ns; /* how long it was left alone last, and until when */
    bool foreign_said;                     /* that the folder has files of another process */
    bool folder_dirty;                     /* files were made or removed since the last sync */
    struct loop_timer *sync_timer;
    struct disk_job *job; /* under way; NULL: none */
    uint64_t unsynced_since_ns;
};

/* ---- queue.c ---- */

static inline struct segment *queue_newest(struct queue *queue)
{
    return TAILQ_LAST(&queue->segments, segment_list);
}

/* The most bytes of the segments on disk, or of those in memory. */
uint64_t queue_bound(const struct queue *queue, bool in_memory);
/* The segment takes no more records. */
void queue_seal(struct queue *queue, struct segment *segment);
/* Forgets it, and its file. Readers that had not read it all are told why. */
void queue_remove(struct queue *queue, struct segment *segment, enum queue_drop why);
/* What all remotes have released, and what is too old. */
void queue_forget(struct queue *queue);
struct sample_counts sample_counts_less(struct sample_counts a, struct sample_counts b);

/* ---- queue_reader.c ---- */

/* Tells of samples that were never read. */
void reader_drop(struct queue_reader *reader, enum queue_drop why, struct sample_counts lost);
/* Leaves its segment, if that is `segment`; what it had not read of it is dropped. */
void reader_leave(struct queue_reader *reader, const struct segment *segment, enum queue_drop why);
/* A segment that it had not reached is dropped. */
void reader_skip(struct queue_reader *reader, const struct segment *segment, enum queue_drop why);
/* It reads no more. */
void reader_detach(struct queue_reader *reader);

/* ---- queue_recovery.c ---- */

/* Takes over what is in the folder. 0 or -ENOMEM. */
int queue_recover(struct queue *queue);
/* Something is in the folder that is not this queue's. */
bool queue_folder_is_foreign(struct queue *queue);

/* ---- queue_disk.c ---- */

/* 0, or -EBUSY: another process has the folder. */
int queue_disk_open(struct queue *queue, const char *path);
void queue_disk_close(struct queue *queue);
/* From here on new segments are in memory, until the disk works again. */
void queue_disk_failed(struct queue *queue, const char *what, int error);
/* On disk, where there is one, before this returns. */
void queue_save_place(struct queue *queue, struct place *place);
/* A new newest segment, on disk where that works; where it is in memory the bound of that is set
 * anew. 0 or a negative errno. */
int queue_begin_segment(struct queue *queue);

#endif
