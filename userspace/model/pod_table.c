/* SPDX-License-Identifier: Apache-2.0 */
/* Pods by UID in a hash, each with the ids of its containers' last runs: a row may name a run that
 * the pod's status no longer tells of. */
#include "model/pod_table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/hash_table.h"

/* A container's id, and which container: by name, for the next pod of the same UID may have them in
 * another order. */
struct run {
    char id[POD_TABLE_ID_SIZE];
    char *name;
};

struct pod_entry {
    char uid[POD_TABLE_UID_SIZE]; /* the key: zeroes to its end */
    struct pod *pod;
    struct run *runs; /* the last one first */
    size_t run_count;
    bool gone;
    TAILQ_ENTRY(pod_entry) link; /* among the gone */
};

struct pod_table {
    struct hash_table by_uid;
    TAILQ_HEAD(, pod_entry) gone; /* the last one last */
    TAILQ_HEAD(, pod_entry) present;
    size_t gone_count;
    uint64_t version;
    size_t feeders;
};

int pod_table_new(struct pod_table **out)
{
    struct pod_table *table = calloc(1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    hash_table_init(&table->by_uid, POD_TABLE_UID_SIZE, POD_TABLE_MAX + POD_TABLE_MAX_GONE);
    TAILQ_INIT(&table->gone);
    TAILQ_INIT(&table->present);
    *out = table;
    return 0;
}

static void entry_free(struct pod_entry *entry)
{
    for (size_t i = 0; i < entry->run_count; i++)
        free(entry->runs[i].name);
    free(entry->runs);
    pod_release(&entry->pod);
    free(entry);
}

static void table_forget(struct pod_table *table, struct pod_entry *entry)
{
    hash_table_remove(&table->by_uid, entry->uid);
    if (entry->gone) {
        TAILQ_REMOVE(&table->gone, entry, link);
        table->gone_count--;
    } else {
        TAILQ_REMOVE(&table->present, entry, link);
    }
    entry_free(entry);
}

void pod_table_free(struct pod_table **table)
{
    struct pod_entry *entry;

    if (!*table)
        return;
    while ((entry = TAILQ_FIRST(&(*table)->present)) || (entry = TAILQ_FIRST(&(*table)->gone)))
        table_forget(*table, entry);
    hash_table_free(&(*table)->by_uid);
    free(*table);
    *table = NULL;
}

/* A text as a key of fixed size; false where it does not fit. */
static bool key_of(struct text text, char *out, size_t size)
{
    if (!text.length || text.length >= size)
        return false;
    memset(out, 0, size);
    memcpy(out, text.bytes, text.length);
    return true;
}

/* --- runs --- */

static const struct run *entry_find_run(const struct pod_entry *entry, const char *id)
{
    for (size_t i = 0; i < entry->run_count; i++)
        if (memcmp(entry->runs[i].id, id, POD_TABLE_ID_SIZE) == 0)
            return &entry->runs[i];
    return NULL;
}

static int entry_add_run(struct pod_entry *entry, struct text id, struct text name)
{
    struct run run;

    if (!key_of(id, run.id, sizeof(run.id)) || entry_find_run(entry, run.id))
        return 0;
    if (entry->run_count == POD_TABLE_MAX_RUNS)
        free(entry->runs[--entry->run_count].name);
    struct run *grown = reallocarray(entry->runs, entry->run_count + 1, sizeof(run));
    if (!grown)
        return -ENOMEM;
    entry->runs = grown;
    run.name = strndup(name.bytes, name.length);
    if (!run.name)
        return -ENOMEM;
    memmove(entry->runs + 1, entry->runs, entry->run_count * sizeof(run));
    entry->runs[0] = run;
    entry->run_count++;
    return 0;
}

static int entry_add_runs(struct pod_entry *entry, const struct pod *pod)
{
    for (size_t i = 0; i < pod->container_count; i++) {
        const struct pod_container *container = &pod->containers[i];
        int error = container->last_id ? entry_add_run(entry, text_of(container->last_id),
                                                       pod_container_name(container))
                                       : 0;
        if (!error)
            error =
                entry_add_run(entry, pod_container_id(container), pod_container_name(container));
        if (error)
            return error;
    }
    return 0;
}

/* --- changes --- */

static int table_add(struct pod_table *table, const char *uid, struct pod_entry **out)
{
    struct pod_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    memcpy(entry->uid, uid, sizeof(entry->uid));
    int error = hash_table_add(&table->by_uid, entry);
    if (error) {
        free(entry);
        return error;
    }
    TAILQ_INSERT_TAIL(&table->present, entry, link);
    *out = entry;
    return 0;
}

static void entry_come_back(struct pod_table *table, struct pod_entry *entry)
{
    TAILQ_REMOVE(&table->gone, entry, link);
    table->gone_count--;
    entry->gone = false;
    TAILQ_INSERT_TAIL(&table->present, entry, link);
}

/* Anybody may make a mirror pod with the hash or the UID of another's. */
static bool entry_may_take(const struct pod_entry *entry, const struct pod *pod)
{
    return entry->gone || !entry->pod || !pod_is_mirror(pod) || pod_same_name(entry->pod, pod);
}

int pod_table_put(struct pod_table *table, struct pod *pod)
{
    char uid[POD_TABLE_UID_SIZE];

    if (!key_of(pod_cgroup_uid(pod), uid, sizeof(uid)))
        return -EINVAL;
    struct pod_entry *entry = hash_table_find(&table->by_uid, uid);
    if (!entry) {
        if (pod_table_count(table) >= POD_TABLE_MAX)
            return -E2BIG;
        int error = table_add(table, uid, &entry);
        if (error)
            return error;
    } else if (!entry_may_take(entry, pod)) {
        return -EEXIST;
    } else if (entry->gone) {
        entry_come_back(table, entry);
    }
    int error = entry_add_runs(entry, pod);
    pod_hold(pod);
    pod_release(&entry->pod);
    entry->pod = pod;
    table->version++;
    return error;
}

void pod_table_remove(struct pod_table *table, const struct pod *pod)
{
    char uid[POD_TABLE_UID_SIZE];
    struct pod_entry *entry = NULL;

    if (key_of(pod_cgroup_uid(pod), uid, sizeof(uid)))
        entry = hash_table_find(&table->by_uid, uid);
    if (!entry || entry->gone || !pod_same_name(entry->pod, pod))
        return;
    TAILQ_REMOVE(&table->present, entry, link);
    entry->gone = true;
    TAILQ_INSERT_TAIL(&table->gone, entry, link);
    if (++table->gone_count > POD_TABLE_MAX_GONE)
        table_forget(table, TAILQ_FIRST(&table->gone));
}

/* --- looking up --- */

static const struct pod_container *pod_find_container(const struct pod *pod, struct text name)
{
    for (size_t i = 0; i < pod->container_count; i++)
        if (text_equal(pod_container_name(&pod->containers[i]), name))
            return &pod->containers[i];
    return NULL;
}

struct pod_place pod_table_find(const struct pod_table *table, struct text uid,
                                struct text container_id)
{
    char key[POD_TABLE_UID_SIZE], id[POD_TABLE_ID_SIZE];
    struct pod_place place = {NULL, NULL};
    const struct pod_entry *entry = NULL;

    if (key_of(uid, key, sizeof(key)))
        entry = hash_table_find(&table->by_uid, key);
    if (!entry)
        return place;
    place.pod = entry->pod;
    if (key_of(container_id, id, sizeof(id))) {
        const struct run *run = entry_find_run(entry, id);
        if (run)
            place.container = pod_find_container(entry->pod, text_of(run->name));
    }
    return place;
}

uint64_t pod_table_version(const struct pod_table *table)
{
    return table->version;
}

size_t pod_table_count(const struct pod_table *table)
{
    return table->by_uid.count - table->gone_count;
}

void pod_table_set_fed(struct pod_table *table, bool fed)
{
    table->feeders += fed ? 1 : (size_t)-1;
}

bool pod_table_is_fed(const struct pod_table *table)
{
    return table->feeders > 0;
}
