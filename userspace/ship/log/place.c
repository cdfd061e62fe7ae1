/* SPDX-License-Identifier: Apache-2.0 */
/* To bytes and back, and the minimum over the shards. When to write is the queue's decision. */
#include "ship/log/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "ship/log/bytes.h"

#define MAGIC "EDGEMRMT"
#define VERSION 1
#define SUFFIX ".remote"

enum {
    HEAD_BYTES = 32,
    UNSUMMED_BYTES = 16,
    RANGE_BYTES = 32,
    MORE_BYTES = 12,
    POSITION_BYTES = 16,
    HASH_DIGITS = 16
};

_Static_assert(HEAD_BYTES + PLACE_NAME_MAX + QUEUE_SHARDS_MAX * (RANGE_BYTES + POSITION_BYTES) +
                       MORE_BYTES <=
                   PLACE_SLOT_BYTES,
               "the largest state fits a slot");

static size_t name_length(const char *name)
{
    return strnlen(name, PLACE_NAME_MAX);
}

int place_new(const char *name, struct queue_position position, struct place **out)
{
    struct place *place = calloc(1, sizeof(*place));
    if (!place)
        return -ENOMEM;
    place->fd = -1;
    place->name = strndup(name, PLACE_NAME_MAX);
    int error = place->name ? place_set_shards(place, 1, position) : -ENOMEM;
    if (error)
        place_free(&place);
    else
        *out = place;
    return error;
}

int place_new_unknown(const char *file, struct place **out)
{
    int error = place_new(file, (struct queue_position){}, out);
    if (!error) {
        (*out)->unknown = true;
        (*out)->dirty = false;
    }
    return error;
}

int place_make_known(struct place *place, const char *name)
{
    char *copy = strndup(name, PLACE_NAME_MAX);
    if (!copy)
        return -ENOMEM;
    free(place->name);
    place->name = copy;
    place->unknown = false;
    place->dirty = true;
    return 0;
}

void place_free(struct place **out)
{
    struct place *place = *out;
    if (!place)
        return;
    cleanup_close(&place->fd);
    for (size_t i = 0; i < QUEUE_DROPS; i++)
        metric_free(&place->dropped[i]);
    free(place->name);
    free(place->shards);
    free(TAKE_PTR(*out));
}

void place_file_name(const char *name, char out[PLACE_FILE_BYTES])
{
    snprintf(out, PLACE_FILE_BYTES, "%016" PRIx64 SUFFIX, XXH3_64bits(name, name_length(name)));
}

bool place_is_file_name(const char *file)
{
    return strspn(file, "0123456789abcdef") == HASH_DIGITS &&
           strcmp(file + HASH_DIGITS, SUFFIX) == 0;
}

/* ---- to bytes and back ---- */

static uint8_t *put_position(uint8_t *at, struct queue_position position)
{
    at = put_u64(at, position.segment);
    at = put_u32(at, position.offset);
    return put_u32(at, position.sample);
}

static struct queue_position get_position(const uint8_t *at)
{
    return (struct queue_position){get_u64(at), get_u32(at + 8), get_u32(at + 12)};
}

static size_t more_size(uint32_t shards)
{
    return MORE_BYTES + (size_t)shards * POSITION_BYTES;
}

static uint32_t more_checksum(uint64_t generation, const uint8_t *more, uint32_t shards)
{
    uint8_t bytes[8];
    put_u64(bytes, generation);
    return crc32c(crc32c(0, bytes, sizeof(bytes)), more + 4, more_size(shards) - 4);
}

static size_t encode_more(const struct place *place, uint64_t generation, uint8_t *more)
{
    uint8_t *at = put_u64(more + 4, place->config_digest);
    for (uint32_t i = 0; i < place->shard_count; i++)
        at = put_position(at, place->shards[i].apart);
    put_u32(more, more_checksum(generation, more, place->shard_count));
    return (size_t)(at - more);
}

static size_t encode(const struct place *place, uint64_t generation, uint8_t *out)
{
    size_t length = name_length(place->name);
    memcpy(out, MAGIC, 8);
    put_u32(out + 8, VERSION);
    put_u64(out + 16, generation);
    put_u32(out + 24, (uint32_t)length);
    put_u32(out + 28, place->shard_count);
    memcpy(out + HEAD_BYTES, place->name, length);
    uint8_t *at = out + HEAD_BYTES + length;
    for (uint32_t i = 0; i < place->shard_count; i++) {
        at = put_position(at, place->shards[i].begin);
        at = put_position(at, place->shards[i].end);
    }
    size_t size = (size_t)(at - out);
    put_u32(out + 12, crc32c(0, out + UNSUMMED_BYTES, size - UNSUMMED_BYTES));
    return size + encode_more(place, generation, at);
}

/* The generation of a whole slot, else 0. */
static uint64_t slot_generation(const uint8_t *slot, size_t size)
{
    if (size < HEAD_BYTES || memcmp(slot, MAGIC, 8) != 0 || get_u32(slot + 8) != VERSION)
        return 0;
    uint32_t name = get_u32(slot + 24), shards = get_u32(slot + 28);
    if (name > PLACE_NAME_MAX || shards == 0 || shards > QUEUE_SHARDS_MAX)
        return 0;
    size_t used = HEAD_BYTES + name + (size_t)shards * RANGE_BYTES;
    if (used > size ||
        get_u32(slot + 12) != crc32c(0, slot + UNSUMMED_BYTES, used - UNSUMMED_BYTES))
        return 0;
    return get_u64(slot + 16);
}

/* None, of an agent that did not know of it; or that of an older generation, behind fewer shards.
 */
static void decode_more(struct place *place, const uint8_t *more, size_t size)
{
    if (size < more_size(place->shard_count) ||
        get_u32(more) != more_checksum(place->generation, more, place->shard_count))
        return;
    place->config_digest = get_u64(more + 4);
    more += MORE_BYTES;
    for (uint32_t i = 0; i < place->shard_count; i++, more += POSITION_BYTES)
        place->shards[i].apart = get_position(more);
}

static int decode(const uint8_t *slot, size_t slot_size, struct place **out)
{
    uint32_t length = get_u32(slot + 24), count = get_u32(slot + 28);
    autofree char *name = strndup((const char *)slot + HEAD_BYTES, length);
    const uint8_t *at = slot + HEAD_BYTES + length;
    struct place *place;
    int error = name ? place_new(name, get_position(at), &place) : -ENOMEM;
    if (error)
        return error;
    error = place_set_shards(place, count, get_position(at));
    if (error) {
        place_free(&place);
        return error;
    }
    for (uint32_t i = 0; i < count; i++, at += RANGE_BYTES) {
        struct queue_position end = get_position(at + 16);
        place->shards[i] = (struct queue_range){get_position(at), end, end};
    }
    place->generation = get_u64(slot + 16);
    decode_more(place, at, slot_size - (size_t)(at - slot));
    *out = place;
    return 0;
}

static int read_slots(int fd, uint8_t *slots, struct place **out)
{
    uint64_t best = 0;
    const uint8_t *chosen = NULL;
    size_t chosen_size = 0;
    for (int i = 0; i < 2; i++) {
        uint8_t *slot = slots + i * PLACE_SLOT_BYTES;
        ssize_t length = pread(fd, slot, PLACE_SLOT_BYTES, i * PLACE_SLOT_BYTES);
        uint64_t generation = length > 0 ? slot_generation(slot, (size_t)length) : 0;
        if (generation > best) {
            best = generation;
            chosen = slot;
            chosen_size = (size_t)length;
        }
    }
    return chosen ? decode(chosen, chosen_size, out) : -EBADMSG;
}

int place_load(int folder_fd, const char *file, struct place **out)
{
    char name[PLACE_FILE_BYTES];
    autoclose int fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    autofree uint8_t *slots = malloc(2 * PLACE_SLOT_BYTES);
    struct place *place;
    int error = slots ? read_slots(fd, slots, &place) : -ENOMEM;
    if (error)
        return error;
    place_file_name(place->name, name);
    if (strcmp(name, file) != 0) { /* copied from another one */
        place_free(&place);
        return -EBADMSG;
    }
    *out = place;
    return 0;
}

static bool file_is_there(const struct place *place)
{
    struct stat file;
    return place->fd >= 0 && fstat(place->fd, &file) == 0 && file.st_nlink > 0;
}

static int open_file(struct place *place, int folder_fd)
{
    char file[PLACE_FILE_BYTES];
    if (file_is_there(place))
        return 0;
    cleanup_close(&place->fd);
    place_file_name(place->name, file);
    place->fd = openat(folder_fd, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (place->fd < 0)
        return -errno;
    (void)!fallocate(place->fd, FALLOC_FL_KEEP_SIZE, 0, 2 * PLACE_SLOT_BYTES); /* where it can */
    return 0;
}

int place_save(struct place *place, int folder_fd)
{
    int error = open_file(place, folder_fd);
    if (error)
        return error;
    uint8_t few[1024];
    size_t most = HEAD_BYTES + name_length(place->name) + (size_t)place->shard_count * RANGE_BYTES +
                  more_size(place->shard_count);
    autofree uint8_t *many = most > sizeof(few) ? malloc(most) : NULL;
    if (most > sizeof(few) && !many)
        return -ENOMEM;
    uint64_t generation = place->generation + 1;
    size_t size = encode(place, generation, many ? many : few);
    ssize_t written =
        pwrite(place->fd, many ? many : few, size, (off_t)(generation % 2) * PLACE_SLOT_BYTES);
    if (written != (ssize_t)size)
        return written < 0 ? -errno : -ENOSPC;
    place->generation = generation;
    place->dirty = false;
    place->unsynced = true;
    return 0;
}

/* ---- in memory ---- */

struct queue_position place_released(const struct place *place)
{
    struct queue_position least = place->shards[0].begin;
    for (uint32_t i = 1; i < place->shard_count; i++)
        if (queue_position_compare(place->shards[i].begin, least) < 0)
            least = place->shards[i].begin;
    return least;
}

int place_set_shards(struct place *place, uint32_t count, struct queue_position position)
{
    struct queue_range *shards = calloc(count, sizeof(*shards));
    if (!shards)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        shards[i] = (struct queue_range){position, position, position};
    free(place->shards);
    place->shards = shards;
    place->shard_count = count;
    place->dirty = true;
    return 0;
}
