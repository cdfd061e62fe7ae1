/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is flock()'s: it ends with the process, however that ends. */
#include "ship/log/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define LOCK_NAME "lock"

static int make_folders(const char *path)
{
    autofree char *part = strdup(path);
    if (!part)
        return -ENOMEM;
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static pid_t read_holder(int lock_fd)
{
    char text[16];
    ssize_t length = pread(lock_fd, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return atoi(text);
}

/* Who holds the lock is a service to the reader of a message: a full disk does not matter. */
static void write_holder(int lock_fd)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(lock_fd, 0) == 0)
        (void)!pwrite(lock_fd, text, (size_t)length, 0);
}

static int take_lock(struct folder *folder, pid_t *holder)
{
    folder->lock_fd = openat(folder->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder->lock_fd < 0 && errno == EROFS)
        folder->lock_fd = openat(folder->fd, LOCK_NAME, O_RDONLY | O_CLOEXEC);
    if (folder->lock_fd < 0)
        return errno == ENOENT ? 0 : -errno; /* nobody writes to a disk that is read-only */
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        write_holder(folder->lock_fd);
        return 0;
    }
    if (errno != EWOULDBLOCK)
        return -errno;
    *holder = read_holder(folder->lock_fd);
    return -EBUSY;
}

static bool has_lock(const struct folder *folder)
{
    struct stat ours, there;
    return folder->lock_fd >= 0 && fstat(folder->lock_fd, &ours) == 0 &&
           fstatat(folder->fd, LOCK_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int folder_keep_lock(struct folder *folder, pid_t *holder)
{
    if (has_lock(folder))
        return 0;
    cleanup_close(&folder->lock_fd);
    return take_lock(folder, holder);
}

int folder_open(struct folder *folder, const char *path, pid_t *holder)
{
    *folder = (struct folder){.path = path, .fd = -1, .lock_fd = -1};
    int error = make_folders(path);
    if (error)
        return error;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = folder->fd < 0 ? -errno : take_lock(folder, holder);
    if (error)
        folder_close(folder);
    return error;
}

void folder_close(struct folder *folder)
{
    cleanup_close(&folder->lock_fd);
    cleanup_close(&folder->fd);
}

bool folder_is_gone(const struct folder *folder)
{
    struct stat opened, there;
    return fstat(folder->fd, &opened) < 0 || stat(folder->path, &there) < 0 ||
           opened.st_dev != there.st_dev || opened.st_ino != there.st_ino;
}

int folder_scan(int folder_fd, void (*fn)(void *context, const char *name), void *context)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int error = -errno;
        cleanup_close(&fd);
        return error;
    }
    int error = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            error = -errno;
            break;
        }
        if (entry->d_name[0] != '.')
            fn(context, entry->d_name);
    }
    closedir(dir);
    return error;
}
