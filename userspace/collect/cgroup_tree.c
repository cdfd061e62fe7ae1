/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the cgroup v2 hierarchy and remembers id -> path in a sorted array: a walk is rare, a look-up
 * happens once per new row. Watches nothing. */
#include "collect/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#define MAX_DEPTH 64

struct cgroup_entry {
    uint64_t id;
    char *path;
};

struct cgroup_tree {
    char *mount;
    struct cgroup_entry *entries; /* sorted by id */
    size_t count, capacity;
};

char *cgroup_mount_find(const char *mounts)
{
    char path[4096], type[64];

    for (const char *line = mounts; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "%*s %4095s %63s", path, type) == 2 && strcmp(type, "cgroup2") == 0)
            return strdup(path);
    }
    return NULL;
}

static int entry_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct cgroup_entry *)a)->id, y = ((const struct cgroup_entry *)b)->id;
    return (x > y) - (x < y);
}

static void entries_free(struct cgroup_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(entries[i].path);
    free(entries);
}

static int tree_add(struct cgroup_tree *tree, uint64_t id, const char *path)
{
    if (tree->count == CGROUP_TREE_MAX)
        return -E2BIG;
    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity ? tree->capacity * 2 : 64;
        struct cgroup_entry *grown = reallocarray(tree->entries, capacity, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        tree->entries = grown;
        tree->capacity = capacity;
    }
    char *copy = strdup(*path ? path : "/");
    if (!copy)
        return -ENOMEM;
    tree->entries[tree->count++] = (struct cgroup_entry){id, copy};
    return 0;
}

/* `path` is the folder's path from the root, "" for the root; grows and shrinks with the walk. */
static int tree_walk(struct cgroup_tree *tree, int parent_fd, const char *name, struct buffer *path,
                     int depth)
{
    struct stat status;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno; /* gone since it was listed */
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return -ENOMEM;
    }
    int error = fstat(fd, &status) ? -errno : tree_add(tree, status.st_ino, path->bytes);
    for (struct dirent *entry; !error && depth < MAX_DEPTH && (entry = readdir(folder));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        size_t before = path->length;
        error = buffer_printf(path, "/%s", entry->d_name);
        if (!error)
            error = tree_walk(tree, fd, entry->d_name, path, depth + 1);
        path->length = before;
        path->bytes[before] = '\0';
    }
    closedir(folder);
    return error;
}

/* Keeps what the new walk did not find any more: a row may outlive its cgroup. */
static void tree_keep_gone(struct cgroup_tree *tree, struct cgroup_entry *old, size_t old_count)
{
    size_t found = tree->count;

    qsort(tree->entries, tree->count, sizeof(*tree->entries), entry_compare);
    for (size_t i = 0; i < old_count; i++) {
        if (bsearch(&old[i], tree->entries, found, sizeof(*old), entry_compare))
            continue;
        if (tree_add(tree, old[i].id, old[i].path))
            break;
    }
    qsort(tree->entries, tree->count, sizeof(*tree->entries), entry_compare);
}

int cgroup_tree_refresh(struct cgroup_tree *tree)
{
    struct cgroup_entry *old = TAKE_PTR(tree->entries);
    size_t old_count = tree->count;
    autobuffer struct buffer path;

    buffer_init(&path, 1 << 16);
    tree->count = tree->capacity = 0;
    int error = buffer_append_string(&path, "");
    if (!error)
        error = tree_walk(tree, AT_FDCWD, tree->mount, &path, 0);
    tree_keep_gone(tree, old, old_count);
    entries_free(old, old_count);
    return error;
}

int cgroup_tree_new(const char *mount, struct cgroup_tree **out)
{
    struct cgroup_tree *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    tree->mount = strdup(mount);
    int error = tree->mount ? cgroup_tree_refresh(tree) : -ENOMEM;
    if (error)
        cgroup_tree_free(&tree);
    else
        *out = tree;
    return error;
}

void cgroup_tree_free(struct cgroup_tree **tree)
{
    if (!*tree)
        return;
    entries_free((*tree)->entries, (*tree)->count);
    free((*tree)->mount);
    free(*tree);
    *tree = NULL;
}

const char *cgroup_tree_path(const struct cgroup_tree *tree, uint64_t id)
{
    struct cgroup_entry key = {.id = id};

    if (!tree->count)
        return NULL;
    const struct cgroup_entry *found =
        bsearch(&key, tree->entries, tree->count, sizeof(key), entry_compare);
    return found ? found->path : NULL;
}
