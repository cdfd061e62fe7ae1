/* SPDX-License-Identifier: Apache-2.0 */
/* Names with their values, each pair once in the process: a series is a list of their numbers, so
 * that fifty thousand series of a hundred targets take the memory of their differences. References
 * are counted; a number without any is used again. */
#ifndef EDGEMETER_MODEL_LABEL_PAIR_H
#define EDGEMETER_MODEL_LABEL_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "model/label.h"

#define LABEL_PAIRS_MAX (1u << 30)
#define LABEL_PAIR_PIECE 32 /* `wire` has room for whole ones, so that it can be copied by them */

typedef uint32_t label_pair_id;

struct label_pair {
    uint32_t hash;
    uint32_t references;
    uint32_t length; /* of `wire` */
    uint32_t name_length;
    uint8_t wire[]; /* {1: {1: name, 2: value}} as protobuf writes it: sent by copying */
};

/* Finds the pair or adds a copy, and takes one reference. 0, -ENOMEM or -E2BIG. */
int label_pair_intern(const struct label *label, label_pair_id *out);
void label_pair_release(label_pair_id id);
uint32_t label_pair_count(void);
/* Numbers in use are less. */
uint32_t label_pair_limit(void);

extern struct label_pair **label_pairs; /* by number; for label_pair_get alone */

/* Valid until the last reference is released. */
static inline const struct label_pair *label_pair_get(label_pair_id id)
{
    return label_pairs[id];
}

struct label label_pair_label(const struct label_pair *pair);

/* Of every hash of labels: nobody who chooses label values can choose which of them collide. */
uint64_t label_hash_seed(void);

#endif
