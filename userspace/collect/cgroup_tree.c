/* SPDX-License-Identifier: Apache-2.0 */
/* Folders by id in a hash. A walk notes all there are; inotify tells of each that comes between two
 * walks, and then that part is walked. Reads no file of a cgroup. */
#include "collect/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/hash_table.h"
#include "base/log.h"

#define MAX_DEPTH 64
#define MAX_PATH_BYTES (1 << 16)
#define EVENT_BYTES (64 * 1024)

struct cgroup_entry {
    uint64_t id; /* the key */
    char *path;
    uint64_t walk;              /* the last one that saw it */
    struct folder_watch *watch; /* NULL: not followed */
    bool gone;
    TAILQ_ENTRY(cgroup_entry) link; /* among the present or the gone */
};

TAILQ_HEAD(cgroup_entries, cgroup_entry);

struct folder_watch {
    int number; /* the key: inotify's */
    struct cgroup_entry *entry;
};

struct cgroup_tree {
    int mount; /* O_PATH */
    struct hash_table by_id;
    struct cgroup_entries present, gone; /* what went last is last */
    size_t gone_count;
    uint64_t walks;
    bool complete; /* the last walk saw every folder */

    struct loop *loop;
    int inotify; /* -1: not followed */
    struct hash_table by_watch;
    int watch_error; /* of the last folder that could not be watched */
};

/* --- entries --- */

static void watch_forget(struct cgroup_tree *tree, struct cgroup_entry *entry)
{
    if (!entry->watch)
        return;
    inotify_rm_watch(tree->inotify, entry->watch->number);
    hash_table_remove(&tree->by_watch, &entry->watch->number);
    free(entry->watch);
    entry->watch = NULL;
}

static void entry_forget(struct cgroup_tree *tree, struct cgroup_entry *entry)
{
    TAILQ_REMOVE(entry->gone ? &tree->gone : &tree->present, entry, link);
    tree->gone_count -= entry->gone;
    hash_table_remove(&tree->by_id, &entry->id);
    watch_forget(tree, entry);
    free(entry->path);
    free(entry);
}

/* A row may outlive its cgroup: the path stays known for a while. */
static void entry_mark_gone(struct cgroup_tree *tree, struct cgroup_entry *entry)
{
    if (entry->gone)
        return;
    watch_forget(tree, entry);
    TAILQ_REMOVE(&tree->present, entry, link);
    entry->gone = true;
    TAILQ_INSERT_TAIL(&tree->gone, entry, link);
    if (++tree->gone_count > CGROUP_TREE_GONE_MAX)
        entry_forget(tree, TAILQ_FIRST(&tree->gone));
}

static int entry_add(struct cgroup_tree *tree, uint64_t id, struct cgroup_entry **out)
{
    struct cgroup_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->id = id;
    int error = hash_table_add(&tree->by_id, entry);
    if (error) {
        free(entry);
        return error;
    }
    TAILQ_INSERT_TAIL(&tree->present, entry, link);
    *out = entry;
    return 0;
}

/* The folder is there, under this path. */
static int entry_note(struct cgroup_tree *tree, uint64_t id, const char *path,
                      struct cgroup_entry **out)
{
    struct cgroup_entry *entry = hash_table_find(&tree->by_id, &id);
    char *copy = strdup(*path ? path : "/");
    int error = 0;

    if (!copy)
        return -ENOMEM;
    if (!entry)
        error = entry_add(tree, id, &entry);
    if (error) {
        free(copy);
        return error;
    }
    if (entry->gone) {
        TAILQ_REMOVE(&tree->gone, entry, link);
        tree->gone_count--;
        entry->gone = false;
        TAILQ_INSERT_TAIL(&tree->present, entry, link);
    }
    free(entry->path);
    entry->path = copy;
    entry->walk = tree->walks;
    *out = entry;
    return 0;
}

/* --- walking --- */

static int watch_add(struct cgroup_tree *tree, struct cgroup_entry *entry, int fd)
{
    char path[64];

    if (tree->inotify < 0 || entry->watch)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int number = inotify_add_watch(tree->inotify, path, IN_CREATE | IN_DELETE | IN_ONLYDIR);
    if (number < 0)
        return -errno;
    struct folder_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    *watch = (struct folder_watch){number, entry};
    int error = hash_table_add(&tree->by_watch, watch);
    if (error)
        free(watch);
    else
        entry->watch = watch;
    return error;
}

/* Watched before it is read, so that what comes meanwhile is not missed. */
static int tree_add_folder(struct cgroup_tree *tree, int fd, const char *path)
{
    struct cgroup_entry *entry;
    struct stat status;

    if (fstat(fd, &status))
        return -errno;
    int error = entry_note(tree, status.st_ino, path, &entry);
    if (error == -E2BIG) {
        tree->complete = false;
        return 0;
    }
    if (error)
        return error;
    error = watch_add(tree, entry, fd);
    if (error)
        tree->watch_error = error;
    return 0;
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

int cgroup_tree_refresh(struct cgroup_tree *tree)
{
    struct cgroup_entry *entry, *next;
    autobuffer struct buffer path;

    buffer_init(&path, MAX_PATH_BYTES);
    tree->complete = true;
    tree->walks++;
    int error = buffer_append_string(&path, "");
    if (!error)
        error = tree_walk(tree, tree->mount, ".", &path, 0);
    if (error)
        tree->complete = false;
    for (entry = TAILQ_FIRST(&tree->present); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (entry->walk != tree->walks)
            entry_mark_gone(tree, entry);
    }
    return error;
}

/* --- following --- */

static void on_created(struct cgroup_tree *tree, struct buffer *path)
{
    int depth = 0;

    for (size_t i = 0; i < path->length; i++)
        depth += path->bytes[i] == '/';
    autofree char *from_mount = strdup(path->bytes + 1);
    int error = from_mount ? tree_walk(tree, tree->mount, from_mount, path, depth) : -ENOMEM;
    if (error)
        log_warn("collect", "a new cgroup could not be looked at", LOG_STR("cgroup", path->bytes),
                 LOG_STR("error", strerror(-error)));
}

/* Another folder may have the path by now. A cgroup's end is told by its parent alone. */
static void on_deleted(struct cgroup_tree *tree, const char *path)
{
    struct cgroup_entry *entry, *next;

    for (entry = TAILQ_FIRST(&tree->present); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (strcmp(entry->path, path) == 0 && cgroup_tree_is_gone(tree, entry->id))
            entry_mark_gone(tree, entry);
    }
}

static void on_event(struct cgroup_tree *tree, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        cgroup_tree_refresh(tree);
        return;
    }
    const struct folder_watch *watch = hash_table_find(&tree->by_watch, &event->wd);
    autobuffer struct buffer path;

    buffer_init(&path, MAX_PATH_BYTES);
    if (!watch || !(event->mask & IN_ISDIR) || !event->len)
        return;
    const char *parent = watch->entry->path;
    if (buffer_printf(&path, "%s/%s", parent[1] ? parent : "", event->name))
        return;
    if (event->mask & IN_CREATE)
        on_created(tree, &path);
    else
        on_deleted(tree, path.bytes);
}

static void on_readable(void *context, int fd, uint32_t events)
{
    struct cgroup_tree *tree = context;
    autofree char *bytes = malloc(EVENT_BYTES);
    (void)events;

    if (!bytes)
        return; /* they stay where they are */
    ssize_t length = read(fd, bytes, EVENT_BYTES);
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
        on_event(tree, event);
        at += (ssize_t)sizeof(*event) + event->len;
    }
}

int cgroup_tree_follow(struct cgroup_tree *tree, struct loop *loop)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = loop_watch(loop, fd, EPOLLIN, on_readable, tree);
    if (error) {
        close(fd);
        return error;
    }
    tree->loop = loop;
    tree->inotify = fd;
    tree->watch_error = 0;
    error = cgroup_tree_refresh(tree);
    return error ? error : tree->watch_error;
}

/* --- the whole --- */

int cgroup_tree_new(const char *mount, struct cgroup_tree **out)
{
    struct cgroup_tree *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    tree->inotify = -1;
    TAILQ_INIT(&tree->present);
    TAILQ_INIT(&tree->gone);
    hash_table_init(&tree->by_id, sizeof(uint64_t), CGROUP_TREE_MAX);
    hash_table_init(&tree->by_watch, sizeof(int), CGROUP_TREE_MAX);
    tree->mount = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = tree->mount < 0 ? -errno : cgroup_tree_refresh(tree);
    if (error)
        cgroup_tree_free(&tree);
    else
        *out = tree;
    return error;
}

void cgroup_tree_free(struct cgroup_tree **out)
{
    struct cgroup_tree *tree = *out;
    struct cgroup_entry *entry;

    if (!tree)
        return;
    while ((entry = TAILQ_FIRST(&tree->present)) || (entry = TAILQ_FIRST(&tree->gone)))
        entry_forget(tree, entry);
    hash_table_free(&tree->by_id);
    hash_table_free(&tree->by_watch);
    if (tree->inotify >= 0) {
        loop_unwatch(tree->loop, tree->inotify);
        close(tree->inotify);
    }
    if (tree->mount >= 0)
        close(tree->mount);
    free(tree);
    *out = NULL;
}

const char *cgroup_tree_path(const struct cgroup_tree *tree, uint64_t id)
{
    const struct cgroup_entry *found = hash_table_find(&tree->by_id, &id);
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
