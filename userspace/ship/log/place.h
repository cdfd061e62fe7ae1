/* SPDX-License-Identifier: Apache-2.0 */
/* Where one remote stands in the log, in memory and in a file of its own. The file has two slots of
 * PLACE_SLOT_BYTES, written in turn and in place, so that one is whole whatever happens to the
 * other, and a full disk stops neither:
 *
 *    0   8  "EDGEMRMT"
 *    8   4  version, 1
 *   12   4  CRC-32C of all that follows
 *   16   8  generation: the higher one is valid
 *   24   4  bytes of the name
 *   28   4  how many shards
 *   32      the remote's name; then for each shard begin and end of its range (queue.h):
 *           8 bytes segment, 4 offset, 4 sample
 *           and behind them what other versions pass over, or have not written:
 *           4 bytes CRC-32C of the generation and what follows; 8 bytes digest of the remote's
 *           configuration; for each shard where what it keeps apart ends (queue.h)
 *
 * Of a file of which no slot is whole only the name is known, a hash of the remote's: that remote
 * gets all that is in the log. */
#ifndef EDGEMETER_SHIP_LOG_PLACE_H
#define EDGEMETER_SHIP_LOG_PLACE_H

#include <sys/queue.h>

#include "ship/queue.h"

#define PLACE_SLOT_BYTES (64 << 10)
#define PLACE_NAME_MAX 1024 /* bytes of a remote's name that count */
#define PLACE_FILE_BYTES 32 /* of the file's name */

struct place {
    TAILQ_ENTRY(place) siblings;
    char *name;
    struct queue_range *shards;
    uint32_t shard_count;
    struct queue_reader *reader;         /* NULL: nobody reads here now */
    uint64_t config_digest;              /* of the remote that read here last; 0: not known */
    struct sample_counts abandoned;      /* see queue_reader_abandon; untold */
    int fd;                              /* -1: no file yet */
    uint64_t generation;                 /* of what is in the file */
    bool unknown;                        /* no slot was whole: `name` is the file's */
    bool dirty;                          /* the file has something older */
    bool unsynced;                       /* so has the disk */
    struct metric *dropped[QUEUE_DROPS]; /* NULL until the first one */
};
TAILQ_HEAD(place_list, place);

/* One shard, at `position`. 0 or -ENOMEM. */
int place_new(const char *name, struct queue_position position, struct place **out);
/* Of the remote whose file that is; before everything in the log. */
int place_new_unknown(const char *file, struct place **out);
/* The remote of that name is an unknown one: now it has its name. 0 or -ENOMEM. */
int place_make_known(struct place *place, const char *name);
void place_free(struct place **place);

/* The name of the file; the remote's name gives it. */
void place_file_name(const char *name, char out[PLACE_FILE_BYTES]);
/* False: not the name of such a file. */
bool place_is_file_name(const char *file);
/* 0, -EBADMSG (no slot is whole) or another negative errno. */
int place_load(int folder_fd, const char *file, struct place **out);
/* 0 or a negative errno; then it stays dirty. */
int place_save(struct place *place, int folder_fd);

/* Everything before is done. */
struct queue_position place_released(const struct place *place);
/* All shards anew, at one position. 0 or -ENOMEM. */
int place_set_shards(struct place *place, uint32_t count, struct queue_position position);

#endif
