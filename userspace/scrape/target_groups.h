/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of the target groups of one job, by source, and which of them have changed since somebody
 * looked. Knows nothing of targets but that each group has some. */
#ifndef EDGEMETER_SCRAPE_TARGET_GROUPS_H
#define EDGEMETER_SCRAPE_TARGET_GROUPS_H

#include <sys/queue.h>
#include <xxhash.h>

#include "base/hash_table.h"
#include "model/target_group.h"

struct job_target;

struct kept_group {
    XXH128_hash_t key; /* of the source */
    TAILQ_ENTRY(kept_group) changed_link;
    bool changed;
    struct labels *labels; /* NULL: none */
    struct labels **targets;
    size_t target_count;
    /* What was made of them: all of it the job's. */
    struct job_target **made;
    size_t made_count;
    struct labels **dropped; /* what relabelling has dropped, as discovered; kept_count of them */
    size_t dropped_count, kept_count;
};

struct target_groups {
    struct hash_table groups;
    TAILQ_HEAD(, kept_group) changed;
};

void target_groups_init(struct target_groups *groups, size_t maximum);
/* What was made must have been given back. */
void target_groups_free(struct target_groups *groups);
/* Keeps a copy in place of the group of that source, and notes it as changed. 0, -ENOMEM or
 * -E2BIG. */
int target_groups_put(struct target_groups *groups, const struct target_group *group);
/* All of them have changed, as far as the next look is concerned. */
void target_groups_touch(struct target_groups *groups);
/* One that has changed was looked at; a group without targets is forgotten. */
void target_groups_settle(struct target_groups *groups, struct kept_group *group);

#endif
