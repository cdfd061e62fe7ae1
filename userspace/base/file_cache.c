/* SPDX-License-Identifier: Apache-2.0 */
/* A file is the same while its inode, size and time of change are. A change within the same tick of
 * the filesystem's clock would go unnoticed: what was read so soon after the last change is not
 * trusted. */
#include "base/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define SETTLED_NS (100 * (int64_t)NS_PER_MS)

struct cached_file {
    char *path;
    struct buffer contents;
    struct stat status; /* as it was read */
    bool settled;       /* the last change was long ago then */
    uint64_t used;      /* number of the call */
};

struct file_cache {
    struct cached_file files[FILE_CACHE_MAX_FILES];
    size_t count;
    uint64_t calls;
};

int file_cache_new(struct file_cache **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : -ENOMEM;
}

static void forget(struct cached_file *file)
{
    if (file->contents.bytes)
        explicit_bzero(file->contents.bytes, file->contents.capacity);
    buffer_free(&file->contents);
    free(file->path);
    *file = (struct cached_file){0};
}

void file_cache_free(struct file_cache **cache)
{
    if (!*cache)
        return;
    for (size_t i = 0; i < (*cache)->count; i++)
        forget(&(*cache)->files[i]);
    free(*cache);
    *cache = NULL;
}

static struct cached_file *find_or_add(struct file_cache *cache, const char *path)
{
    struct cached_file *oldest = &cache->files[0];

    for (size_t i = 0; i < cache->count; i++) {
        if (!strcmp(cache->files[i].path, path))
            return &cache->files[i];
        if (cache->files[i].used < oldest->used)
            oldest = &cache->files[i];
    }
    char *copy = strdup(path);
    if (!copy)
        return NULL;
    if (cache->count < FILE_CACHE_MAX_FILES)
        oldest = &cache->files[cache->count++];
    else
        forget(oldest);
    oldest->path = copy;
    buffer_init(&oldest->contents, FILE_CACHE_MAX_BYTES);
    return oldest;
}

static int64_t changed_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * (int64_t)NS_PER_SECOND + status->st_mtim.tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           changed_ns(a) == changed_ns(b);
}

static int read_all(int fd, struct buffer *out)
{
    for (;;) {
        char chunk[4096];
        ssize_t length = read(fd, chunk, sizeof(chunk));
        int error = length < 0 ? -errno : buffer_append(out, chunk, (size_t)length);
        explicit_bzero(chunk, sizeof(chunk));
        if (error == -EINTR)
            continue;
        if (error || length == 0)
            return error;
    }
}

static int read_anew(struct cached_file *file)
{
    autoclose int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    file->settled = false;
    if (file->contents.bytes)
        explicit_bzero(file->contents.bytes, file->contents.capacity);
    buffer_clear(&file->contents);
    if (fd < 0 || fstat(fd, &file->status))
        return -errno;
    int64_t now = clock_wall_ns();
    int error = read_all(fd, &file->contents);
    file->settled = !error && now - changed_ns(&file->status) > SETTLED_NS;
    return error;
}

int file_cache_read(struct file_cache *cache, const char *path, struct text *out)
{
    struct cached_file *file = find_or_add(cache, path);
    struct stat status;
    int error = 0;

    if (!file)
        return -ENOMEM;
    file->used = ++cache->calls;
    if (!file->settled || stat(path, &status) || !is_same(&file->status, &status))
        error = read_anew(file);
    if (!error && !file->contents.bytes)
        error = buffer_append_string(&file->contents, "");
    *out = buffer_text(&file->contents);
    return error;
}
