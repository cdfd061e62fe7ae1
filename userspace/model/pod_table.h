/* SPDX-License-Identifier: Apache-2.0 */
/* Which pod and which of its containers a cgroup belongs to. discover/ fills it, collect/ reads it.
 */
#ifndef EDGEMETER_MODEL_POD_TABLE_H
#define EDGEMETER_MODEL_POD_TABLE_H

#include "model/pod.h"

#define POD_TABLE_MAX 65536    /* pods */
#define POD_TABLE_MAX_GONE 256 /* of them such as are deleted: those that went last */
#define POD_TABLE_MAX_RUNS 64  /* container ids that are remembered of a pod: the last ones */
#define POD_TABLE_UID_SIZE 40  /* bytes of a UID and its NUL */
#define POD_TABLE_ID_SIZE 72   /* bytes of a container's id and its NUL */

struct pod_table;

int pod_table_new(struct pod_table **out);
void pod_table_free(struct pod_table **table);

/* Holds the pod, in place of what was known under its UID. 0, -ENOMEM, -E2BIG (full), -EINVAL (no
 * UID, or not one), or -EEXIST (a mirror pod that says to be what another pod is). */
int pod_table_put(struct pod_table *table, struct pod *pod);
/* A row may outlive its pod: it is still found until many others went. */
void pod_table_remove(struct pod_table *table, const struct pod *pod);

struct pod_place {
    const struct pod *pod;                 /* NULL: not known (yet) */
    const struct pod_container *container; /* NULL: no container of that id is known (yet) */
};
/* Both as a cgroup's path has them. Valid until the table changes. */
struct pod_place pod_table_find(const struct pod_table *table, struct text uid,
                                struct text container_id);

/* Grows with each change: what was looked up before need not be looked up again while it stands. */
uint64_t pod_table_version(const struct pod_table *table);
size_t pod_table_count(const struct pod_table *table); /* without those that are gone */

/* Whether somebody fills the table: one call with true for each that does, one with false at its
 * end. Only then is it worth while to wait for a pod that is not known yet. */
void pod_table_set_fed(struct pod_table *table, bool fed);
bool pod_table_is_fed(const struct pod_table *table);

#endif
