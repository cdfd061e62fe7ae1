/* SPDX-License-Identifier: Apache-2.0 */
/* The log of samples not yet sent, one for all remotes: records are appended whole, every remote
 * reads at a place of its own, and what all have released is forgotten. On disk, in the format of
 * log/log_format.h, or in memory; bounded; beyond the bound the oldest samples are dropped. Nothing
 * is encoded or sent here. */
#ifndef EDGEMETER_SHIP_QUEUE_H
#define EDGEMETER_SHIP_QUEUE_H

#include "base/loop.h"
#include "base/worker.h"
#include "model/metric.h"
#include "model/sample.h"
#include "ship/remote_write_config.h"

struct sample_counts {
    uint64_t floats;
    uint64_t histograms;
    uint64_t exemplars;
};

/* Without the exemplars: they are beside the samples. */
static inline uint64_t sample_counts_sum(struct sample_counts counts)
{
    return counts.floats + counts.histograms;
}

/* A place between two samples of the log. Ordered, and the same in the next process. */
struct queue_position {
    uint64_t segment; /* number of the segment, never used twice in a folder */
    uint32_t offset;  /* of the record in it */
    uint32_t sample;  /* index in the record */
};

static inline int queue_position_compare(struct queue_position a, struct queue_position b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    if (a.offset != b.offset)
        return a.offset < b.offset ? -1 : 1;
    return (a.sample > b.sample) - (a.sample < b.sample);
}

struct queue;
struct queue_reader;

struct queue_environment {
    struct loop *loop;               /* NULL: no sync, and no way back from a failed disk */
    struct worker *worker;           /* for the sync; NULL as above */
    struct series_table *series;     /* outlives the queue, as all of these */
    struct metric_registry *metrics; /* may be NULL */
    const char *folder;              /* NULL: in memory only */
    uint64_t memory_limit;           /* of the process, which what is in memory keeps to; 0: none */
};

/* 0; -EBUSY (another process has the folder; the log says which) or -ENOMEM. A folder that cannot
 * be used for another reason is the queue's to report; it goes on in memory. */
int queue_new(const struct queue_environment *environment, const struct queue_config *config,
              struct queue **out);
/* Other bounds from now on. */
void queue_configure(struct queue *queue, const struct queue_config *config);
/* All readers are closed by then. What is on disk stays there. */
void queue_free(struct queue **queue);
/* Forgets remotes that no reader is open for: to be called once all are. Until then they hold what
 * they have not released. */
void queue_forget_closed(struct queue *queue);

/* Appends one record; where no remote is known nothing is kept. Makes room by dropping the oldest
 * samples. What can not be kept counts as dropped for every reader. */
void queue_append(struct queue *queue, const struct sample_record *record);
/* Of disk and memory in use, at most max_bytes of each. */
uint64_t queue_bytes(const struct queue *queue);
/* What is appended outlives the process. */
bool queue_is_durable(const struct queue *queue);

/* ---- reading ---- */

enum queue_drop {
    QUEUE_DROP_FULL,      /* beyond max_bytes: the oldest, or a record that finds no room */
    QUEUE_DROP_AGE,       /* older than max_age */
    QUEUE_DROP_CORRUPT,   /* damaged on disk, or gone */
    QUEUE_DROP_TOO_LARGE, /* one sample alone is longer than a record can be */
    QUEUE_DROP_NO_MEMORY,
    QUEUE_DROPS
};

/* Told of samples that this reader had not read and never will. Called from within any call to the
 * queue, and from the loop; it may not call into the queue. */
typedef void (*queue_drop_fn)(void *context, enum queue_drop why, struct sample_counts dropped);

/* What is read of a sample. All of it is the queue's, the series' reference too, and valid until
 * the next call that changes the queue or moves this reader. */
struct queue_sample {
    struct sample sample;
    struct queue_position end; /* behind this sample */
    uint32_t shard_key;        /* a hash of the labels, the same in every process */
    int64_t created_ms;        /* 0: not known */
    const struct exemplar *exemplars;
    size_t exemplar_count;
};

/* `name` is the remote's: under it the reader goes on where the process before left off; a new one
 * begins behind what is in the log. 0, -ENOMEM, or -EEXIST (a reader of that name is open). */
int queue_reader_open(struct queue *queue, const char *name, queue_drop_fn on_drop, void *context,
                      struct queue_reader **out);
/* What the remote that reads here is configured as, kept with its place; not 0. */
void queue_reader_note_config(struct queue_reader *reader, uint64_t digest);
/* Whether a remote of that name has read here, in this process or one before, and what it was
 * configured as; 0: not known. */
bool queue_has_place(const struct queue *queue, const char *name, uint64_t *digest);
/* Whether the sample that ends there is in the log still, for one who seeks back or comes next. */
bool queue_reader_has(const struct queue_reader *reader, struct queue_position end);
/* To be called before the end: so many of the samples that it has read and not released are not in
 * the log any more. The next reader of that name in this process is told of them as dropped. */
void queue_reader_abandon(struct queue_reader *reader, struct sample_counts lost);
/* What it has not released stays, for the next reader of that name, in this process or the next. */
void queue_reader_close(struct queue_reader **reader);

/* The next sample, in the order of appending; false at the end. Begins at the first shard's begin,
 * so that after a restart samples come that some shards have had: see below. */
bool queue_reader_next(struct queue_reader *reader, struct queue_sample *out);
/* Takes what was appended last at once, if that is one whole record and the next that this reader
 * would read: then its samples are those that were given, and end behind it. */
bool queue_reader_take_appended(struct queue_reader *reader, struct queue_position *end);
/* Where the next sample is looked for. */
struct queue_position queue_reader_position(const struct queue_reader *reader);
/* Goes on at a position that this reader had, not before what is released. Samples come again. */
void queue_reader_seek(struct queue_reader *reader, struct queue_position position);
/* What queue_reader_next would still give. */
struct sample_counts queue_reader_unread(const struct queue_reader *reader);

/* ---- shards: what of the read is on its way, and what is done ----
 *
 * A sample is of shard `shard_key % shard_count`. Each shard has a range: of its samples all before
 * `begin` are done, and those in [begin, end) are on their way as one batch; end equals begin where
 * nothing is. After a restart range.end > range.begin names the batch that was on its way: exactly
 * this shard's samples between the two, to be sent again as one batch, before anything newer and
 * not together with it; samples before `begin` are skipped. That batch may be a part of a larger
 * one that was on its way before: up to `apart`, which is not before `end`, the receiver may have
 * the others, too, and they stay apart from what is newer. */
#define QUEUE_SHARDS_MAX 1024

struct queue_range {
    struct queue_position begin, end, apart;
};

/* 1 for a new reader, else the number when the process before ended. */
uint32_t queue_reader_shard_count(const struct queue_reader *reader);
struct queue_range queue_reader_range(const struct queue_reader *reader, uint32_t shard);
/* 0, -EBUSY (the shards do not all stand at one begin with nothing on its way), -ENOMEM, or -EINVAL
 * (0, or more than QUEUE_SHARDS_MAX). */
int queue_reader_set_shards(struct queue_reader *reader, uint32_t count);
/* To be called before a batch is sent: its samples are this shard's from its begin to `end`. Is in
 * the file when it returns; a disk that refuses is the queue's to report. */
void queue_reader_mark(struct queue_reader *reader, uint32_t shard, struct queue_position end);
/* What was marked was not taken, and goes out otherwise: nothing is on its way. */
void queue_reader_unmark(struct queue_reader *reader, uint32_t shard);
/* This shard's samples before `position` are done: taken by the receiver, given up, or there are
 * none. Ends its range up to there. Shards that have nothing read and unsent must be moved on too,
 * since the log keeps what lies behind the slowest. */
void queue_reader_release(struct queue_reader *reader, uint32_t shard,
                          struct queue_position position);

#endif
