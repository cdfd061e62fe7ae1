/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the cgroup v2 hierarchy and remembers id -> path in a sorted array: a walk is rare, a
 * look-up happens once per new cgroup. Watches nothing. */
#include "collect/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#define MAX_DEPTH 64
#define MAX_PATH_BYTES (1 << 16)

struct cgroup_entry {
    uint64_t id;
    char *path;
    uint64_t gone; /* the walk that missed it first; 0: it was there */
};

struct cgroup_tree {
    int mount;                    /* O_PATH */
    struct cgroup_entry *entries; /* sorted by id */
    size_t count, capacity;
    uint64_t walks;
    bool complete; /* the last walk saw every folder */
};

static int entry_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct cgroup_entry *)a)->id, y = ((const struct cgroup_entry *)b)->id;
    return (x > y) - (x < y);
}

/* What went last comes first. */
static int entry_compare_gone(const void *a, const void *b)
{
    uint64_t x = ((const struct cgroup_entry *)a)->gone, y = ((const struct cgroup_entry *)b)->gone;
    return (x < y) - (x > y);
}

static void entries_free(struct cgroup_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(entries[i].path);
    free(entries);
}

static struct cgroup_entry *entries_find(const struct cgroup_entry *entries, size_t count,
                                         uint64_t id)
{
    const struct cgroup_entry key = {.id = id};

    return count ? bsearch(&key, entries, count, sizeof(key), entry_compare) : NULL;
}

/* Takes the path, also where it fails. */
static int tree_add(struct cgroup_tree *tree, struct cgroup_entry entry)
{
    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity ? tree->capacity * 2 : 64;
        struct cgroup_entry *grown = reallocarray(tree->entries, capacity, sizeof(*grown));
        if (!grown) {
            free(entry.path);
            return -ENOMEM;
        }
        tree->entries = grown;
        tree->capacity = capacity;
    }
    tree->entries[tree->count++] = entry;
    return 0;
}

static int tree_add_folder(struct cgroup_tree *tree, int fd, const char *path)
{
    struct stat status;

    if (fstat(fd, &status))
        return -errno;
    if (tree->count == CGROUP_TREE_MAX) {
        tree->complete = false;
        return 0;
    }
    char *copy = strdup(*path ? path : "/");
    return copy ? tree_add(tree, (struct cgroup_entry){.id = status.st_ino, .path = copy})
                : -ENOMEM;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* `path` is the folder's path from the root, "" for the root; grows and shrinks with the walk. */
static int tree_walk(struct cgroup_tree *tree, int parent_fd, const char *name, struct buffer *path,
                     int depth)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENODEV))
        return 0; /* gone since it was listed */
    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        tree->complete = false;
        return 0;
    }
    if (fd < 0)
        return -errno;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return -ENOMEM;
    }
    int error = tree_add_folder(tree, fd, path->bytes);
    if (depth == MAX_DEPTH)
        tree->complete = false;
    for (struct dirent *entry; !error && depth < MAX_DEPTH && (entry = readdir(folder));) {
        if (entry->d_type != DT_DIR || is_dots(entry->d_name))
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

/* Keeps of the old entries those that the new walk did not find, as far as they are not too many: a
 * row may outlive its cgroup. Frees the others. */
static void tree_keep_gone(struct cgroup_tree *tree, struct cgroup_entry *old, size_t old_count)
{
    size_t found = tree->count, kept = 0;

    for (size_t i = 0; i < old_count; i++)
        if (!old[i].gone)
            old[i].gone = tree->walks;
    qsort(old, old_count, sizeof(*old), entry_compare_gone);
    for (size_t i = 0; i < old_count; i++) {
        bool keep = kept < CGROUP_TREE_GONE_MAX && tree->count < CGROUP_TREE_MAX &&
                    !entries_find(tree->entries, found, old[i].id);
        if (keep)
            kept += tree_add(tree, old[i]) == 0;
        else
            free(old[i].path);
    }
    free(old);
}

int cgroup_tree_refresh(struct cgroup_tree *tree)
{
    struct cgroup_entry *old = TAKE_PTR(tree->entries);
    size_t old_count = tree->count;
    autobuffer struct buffer path;

    buffer_init(&path, MAX_PATH_BYTES);
    tree->count = tree->capacity = 0;
    tree->complete = true;
    tree->walks++;
    int error = buffer_append_string(&path, "");
    if (!error)
        error = tree_walk(tree, tree->mount, ".", &path, 0);
    if (error)
        tree->complete = false;
    if (tree->count)
        qsort(tree->entries, tree->count, sizeof(*tree->entries), entry_compare);
    if (old)
        tree_keep_gone(tree, old, old_count);
    if (tree->count)
        qsort(tree->entries, tree->count, sizeof(*tree->entries), entry_compare);
    return error;
}

int cgroup_tree_new(const char *mount, struct cgroup_tree **out)
{
    struct cgroup_tree *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    tree->mount = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = tree->mount < 0 ? -errno : cgroup_tree_refresh(tree);
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
    if ((*tree)->mount >= 0)
        close((*tree)->mount);
    free(*tree);
    *tree = NULL;
}

const char *cgroup_tree_path(const struct cgroup_tree *tree, uint64_t id)
{
    const struct cgroup_entry *found = entries_find(tree->entries, tree->count, id);
    return found ? found->path : NULL;
}

bool cgroup_tree_is_gone(const struct cgroup_tree *tree, uint64_t id)
{
    const char *path = cgroup_tree_path(tree, id);
    struct stat status;

    if (!path)
        return tree->complete;
    if (fstatat(tree->mount, path[1] ? path + 1 : ".", &status, AT_SYMLINK_NOFOLLOW) == 0)
        return status.st_ino != id;
    return errno == ENOENT || errno == ENOTDIR || errno == ENODEV;
}
