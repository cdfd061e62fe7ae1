/* SPDX-License-Identifier: Apache-2.0 */
/* The copy is made beside its name and renamed when all of it is on the disk. */
#include "ship/log/disk_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ship/log/segment.h"

#define COPY_BYTES (64 << 10)

int disk_job_new(void (*done)(struct worker_job *job), struct disk_job **out)
{
    struct disk_job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->job = (struct worker_job){.run = disk_job_run, .done = done};
    job->begun_ns = clock_monotonic_ns();
    job->copy_fd = job->folder_fd = -1;
    *out = job;
    return 0;
}

void disk_job_free(struct disk_job **out)
{
    struct disk_job *job = *out;
    if (!job)
        return;
    for (size_t i = 0; i < job->fd_count; i++)
        close(job->fds[i]);
    free(job->fds);
    cleanup_close(&job->copy_fd);
    cleanup_close(&job->folder_fd);
    free(TAKE_PTR(*out));
}

static int duplicate(int fd, int *out)
{
    *out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return *out < 0 ? -errno : 0;
}

int disk_job_sync(struct disk_job *job, int fd)
{
    if (job->fd_count == job->fd_capacity) {
        size_t capacity = 2 * job->fd_capacity + 4;
        int *grown = realloc(job->fds, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        job->fds = grown;
        job->fd_capacity = capacity;
    }
    int error = duplicate(fd, &job->fds[job->fd_count]);
    if (!error)
        job->fd_count++;
    return error;
}

int disk_job_copy(struct disk_job *job, int segment_fd, int folder_fd, uint64_t number,
                  uint64_t bytes)
{
    int error = duplicate(segment_fd, &job->copy_fd);
    if (!error)
        error = duplicate(folder_fd, &job->folder_fd);
    job->copy_number = number;
    job->copy_bytes = bytes;
    if (error)
        cleanup_close(&job->copy_fd);
    return error;
}

static int copy_bytes(int from, int to, uint64_t bytes)
{
    autofree char *buffer = malloc(COPY_BYTES);
    if (!buffer)
        return -ENOMEM;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t left = bytes - done;
        ssize_t got = pread(from, buffer, left < COPY_BYTES ? left : COPY_BYTES, (off_t)done);
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        ssize_t put = pwrite(to, buffer, (size_t)got, (off_t)done);
        if (put <= 0)
            return put < 0 ? -errno : -ENOSPC;
        done += (uint64_t)put;
    }
    return fdatasync(to) < 0 ? -errno : 0;
}

static int copy_segment(const struct disk_job *job)
{
    char name[SEGMENT_NAME_BYTES], temporary[SEGMENT_NAME_BYTES + 8];
    segment_name(job->copy_number, name);
    snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    autoclose int fd =
        openat(job->folder_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = copy_bytes(job->copy_fd, fd, job->copy_bytes);
    if (!error && renameat(job->folder_fd, temporary, job->folder_fd, name) < 0)
        error = -errno;
    if (error)
        unlinkat(job->folder_fd, temporary, 0);
    return error;
}

void disk_job_run(struct worker_job *worker_job)
{
    struct disk_job *job = (struct disk_job *)worker_job;
    for (size_t i = 0; i < job->fd_count; i++)
        if (fdatasync(job->fds[i]) < 0 && !job->error)
            job->error = -errno;
    if (job->copy_fd >= 0)
        job->copy_error = copy_segment(job);
}
