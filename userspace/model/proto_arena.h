/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one unpacked message at a time: handed out piece by piece, taken back at once, and
 * never more than a maximum, since a few bytes of a message can ask for a lot. */
#ifndef EDGEMETER_MODEL_PROTO_ARENA_H
#define EDGEMETER_MODEL_PROTO_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct proto_arena_block;

struct proto_arena {
    ProtobufCAllocator allocator; /* for protobuf-c */
    struct proto_arena_block *newest;
    size_t used, maximum; /* bytes */
    bool full;            /* an allocation was refused for the maximum */
};

void proto_arena_init(struct proto_arena *arena, size_t maximum);
/* Everything allocated so far is gone; one block stays for what comes. */
void proto_arena_clear(struct proto_arena *arena);
void proto_arena_free(struct proto_arena *arena);

#endif
