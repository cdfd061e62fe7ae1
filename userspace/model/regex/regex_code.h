/* SPDX-License-Identifier: Apache-2.0 */
/* What a regex_program is made of; between the files that compile and run it. */
#ifndef EDGEMETER_MODEL_REGEX_CODE_H
#define EDGEMETER_MODEL_REGEX_CODE_H

#include "model/regex/regex_program.h"

enum regex_op {
    REGEX_RUNE,   /* this character */
    REGEX_SET,    /* a character of this set */
    REGEX_ASSERT, /* no character */
    REGEX_SAVE,   /* the place is an offset */
    REGEX_SPLIT,  /* first `next`, then `other` */
    REGEX_MATCH,
};

struct regex_instruction {
    enum regex_op op;
    uint32_t next;
    union {
        uint32_t rune;
        uint32_t set;
        enum regex_assertion assertion;
        uint32_t slot;
        uint32_t other;
    };
};

struct regex_set; /* regex_set.c */

/* A place to go on at, or where `slot` is not NO_SLOT, an offset to set back. */
struct regex_job {
    uint32_t at; /* instruction */
    uint32_t slot;
    size_t place;
};

struct regex_program {
    const struct regex_tree *tree; /* while it is being made */
    struct regex_instruction *code;
    uint32_t count, capacity;
    uint32_t start;
    size_t slot_count; /* of offsets */
    struct regex_set *sets;
    uint32_t set_count;

    /* of the run at work */
    uint64_t *visited; /* a bit for each instruction at each place */
    size_t visited_bytes;
    uint32_t visits;
    struct regex_job *jobs;
    size_t job_count, job_capacity;
};

/* The number of the set of a CLASS node, made where it is new. 0, -ENOMEM or -E2BIG. */
int regex_set_find(struct regex_program *program, const struct regex_node *node, uint32_t *out);
bool regex_set_has(struct regex_program *program, uint32_t set, uint32_t rune);
void regex_sets_free(struct regex_program *program);

#endif
