/* SPDX-License-Identifier: Apache-2.0 */
/* A table of copies and the list of those that have changed. */
#include "scrape/target_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void target_groups_init(struct target_groups *groups, size_t maximum)
{
    hash_table_init(&groups->groups, sizeof(XXH128_hash_t), maximum);
    TAILQ_INIT(&groups->changed);
}

static void free_content(struct kept_group *group)
{
    for (size_t i = 0; i < group->target_count; i++)
        free(group->targets[i]);
    free(TAKE_PTR(group->targets));
    free(TAKE_PTR(group->labels));
    group->target_count = 0;
}

void target_groups_free(struct target_groups *groups)
{
    for (size_t i = 0; i < groups->groups.slot_count; i++) {
        struct kept_group *group = groups->groups.slots[i];
        if (group)
            free_content(group);
        free(group);
    }
    hash_table_free(&groups->groups);
}

static int copy_labels(const struct labels *labels, struct labels **out)
{
    size_t size = labels_size(labels);
    *out = malloc(size);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, labels, size);
    return 0;
}

/* Leaves `copy` as it was on failure. */
static int copy_content(const struct target_group *group, struct kept_group *copy)
{
    struct kept_group made = {.targets = calloc(group->target_count + 1, sizeof(*made.targets))};
    int error = made.targets ? 0 : -ENOMEM;

    if (!error && group->labels)
        error = copy_labels(group->labels, &made.labels);
    while (!error && made.target_count < group->target_count) {
        error = copy_labels(group->targets[made.target_count], &made.targets[made.target_count]);
        made.target_count += !error;
    }
    if (error) {
        free_content(&made);
        return error;
    }
    free_content(copy);
    copy->labels = made.labels;
    copy->targets = made.targets;
    copy->target_count = made.target_count;
    return 0;
}

static void note_change(struct target_groups *groups, struct kept_group *group)
{
    if (group->changed)
        return;
    group->changed = true;
    TAILQ_INSERT_TAIL(&groups->changed, group, changed_link);
}

int target_groups_put(struct target_groups *groups, const struct target_group *group)
{
    XXH128_hash_t key = XXH3_128bits(group->source.bytes, group->source.length);
    struct kept_group *kept = hash_table_find(&groups->groups, &key);
    autofree struct kept_group *added = NULL;

    if (!kept && !group->target_count)
        return 0;
    if (!kept) {
        kept = added = calloc(1, sizeof(*added));
        if (!added)
            return -ENOMEM;
        added->key = key;
    }
    int error = copy_content(group, kept);
    if (!error && added) {
        error = hash_table_add(&groups->groups, added);
        if (error)
            free_content(added);
        else
            TAKE_PTR(added);
    }
    if (!error)
        note_change(groups, kept);
    return error;
}

void target_groups_touch(struct target_groups *groups)
{
    for (size_t i = 0; i < groups->groups.slot_count; i++)
        if (groups->groups.slots[i])
            note_change(groups, groups->groups.slots[i]);
}

void target_groups_settle(struct target_groups *groups, struct kept_group *group)
{
    TAILQ_REMOVE(&groups->changed, group, changed_link);
    group->changed = false;
    if (group->target_count)
        return;
    hash_table_remove(&groups->groups, &group->key);
    free_content(group);
    free(group);
}
