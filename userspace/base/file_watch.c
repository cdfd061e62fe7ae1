/* SPDX-License-Identifier: Apache-2.0 */
/* One inotify descriptor, its events gathered by a timer. A file that is being written is looked at
 * when its writer closes it: before that it may be empty. */
#include "base/file_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define GATHER_NS (100 * NS_PER_MS)
#define FILE_WATCH_MAX_FOLDERS 4096
#define EVENTS                                                                               \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
     IN_MOVE_SELF | IN_ONLYDIR)

/* A folder that is watched for all that is in it, or for one name. */
struct watched_folder {
    int descriptor;
    char *path;
    char *name; /* NULL: all */
};

struct file_watch {
    struct loop *loop;
    void (*fn)(void *context);
    void *context;
    int fd;
    struct loop_timer *timer;
    bool gathering;
    struct watched_folder *folders;
    size_t folder_count;
};

static void on_gathered(void *context)
{
    struct file_watch *watch = context;
    watch->gathering = false;
    watch->fn(watch->context);
}

/* A new file has nothing in it until its writer closes it; a link has. */
static bool is_complete(const struct watched_folder *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat status;

    if (snprintf(path, sizeof(path), "%s/%s", folder->path, name) >= (int)sizeof(path) ||
        lstat(path, &status) < 0)
        return true; /* gone again, or for others to say */
    return !S_ISREG(status.st_mode) || status.st_nlink > 1;
}

static bool event_counts(const struct watched_folder *folder, const struct inotify_event *event)
{
    if (folder->descriptor != event->wd)
        return false;
    if (folder->name && (!event->len || strcmp(folder->name, event->name) != 0))
        return false;
    return !(event->mask & IN_CREATE) || is_complete(folder, event->name);
}

static void forget_folder(struct file_watch *watch, size_t index)
{
    free(watch->folders[index].path);
    free(watch->folders[index].name);
    watch->folders[index] = watch->folders[--watch->folder_count];
}

/* Whether the event is news to whoever watches. */
static bool take_event(struct file_watch *watch, const struct inotify_event *event)
{
    bool news = event->mask & IN_Q_OVERFLOW;

    for (size_t i = 0; i < watch->folder_count; i++)
        news |= event_counts(&watch->folders[i], event);
    for (size_t i = 0; event->mask & IN_IGNORED && i < watch->folder_count; i++)
        if (watch->folders[i].descriptor == event->wd)
            forget_folder(watch, i--);
    return news;
}

static void on_events(void *context, int fd, uint32_t events)
{
    struct file_watch *watch = context;
    char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool news = false;
    ssize_t length;

    (void)events;
    while ((length = read(fd, bytes, sizeof(bytes))) > 0) {
        for (char *at = bytes; at < bytes + length;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            news |= take_event(watch, event);
            at += sizeof(*event) + event->len;
        }
    }
    if (!news || watch->gathering)
        return;
    watch->gathering = true;
    loop_timer_after(watch->timer, GATHER_NS);
}

int file_watch_new(struct loop *loop, void (*fn)(void *context), void *context,
                   struct file_watch **out)
{
    struct file_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->loop = loop;
    watch->fn = fn;
    watch->context = context;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int error = watch->fd < 0 ? -errno : loop_timer_new(loop, on_gathered, watch, &watch->timer);
    if (!error)
        error = loop_watch(loop, watch->fd, EPOLLIN, on_events, watch);
    if (error)
        file_watch_free(&watch);
    else
        *out = watch;
    return error;
}

void file_watch_free(struct file_watch **out)
{
    struct file_watch *watch = *out;
    if (!watch)
        return;
    if (watch->fd >= 0) {
        loop_unwatch(watch->loop, watch->fd);
        close(watch->fd);
    }
    loop_timer_free(&watch->timer);
    while (watch->folder_count)
        forget_folder(watch, watch->folder_count - 1);
    free(watch->folders);
    free(watch);
    *out = NULL;
}

static bool is_watched(const struct file_watch *watch, int descriptor, const char *name)
{
    for (size_t i = 0; i < watch->folder_count; i++) {
        const struct watched_folder *folder = &watch->folders[i];
        if (folder->descriptor == descriptor && !folder->name == !name &&
            (!name || strcmp(folder->name, name) == 0))
            return true;
    }
    return false;
}

static int watch_folder(struct file_watch *watch, const char *path, const char *name)
{
    int descriptor = inotify_add_watch(watch->fd, path, EVENTS);

    if (descriptor < 0)
        return -errno;
    if (is_watched(watch, descriptor, name))
        return 0;
    if (watch->folder_count == FILE_WATCH_MAX_FOLDERS)
        return -E2BIG;
    void *folders = realloc(watch->folders, (watch->folder_count + 1) * sizeof(*watch->folders));
    if (!folders)
        return -ENOMEM;
    watch->folders = folders;
    struct watched_folder folder = {descriptor, strdup(path), name ? strdup(name) : NULL};
    if (!folder.path || (name && !folder.name)) {
        free(folder.path);
        free(folder.name);
        return -ENOMEM;
    }
    watch->folders[watch->folder_count++] = folder;
    return 0;
}

/* "a/b" -> "a" and "b", "/b" -> "/" and "b", "b" -> "." and "b". */
static void split_path(const char *path, char folder[PATH_MAX], const char **name)
{
    const char *slash = strrchr(path, '/');

    *name = slash ? slash + 1 : path;
    if (!slash)
        strcpy(folder, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

int file_watch_add(struct file_watch *watch, const char *path)
{
    char folder[PATH_MAX], parent[PATH_MAX];
    const char *name;

    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    split_path(path, folder, &name);
    int error = watch_folder(watch, folder, NULL);
    split_path(folder, parent, &name);
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        watch_folder(watch, parent, name); /* an addition: its lack is no error */
    return error;
}
