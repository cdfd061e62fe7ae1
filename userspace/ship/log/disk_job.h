/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper thread does for the queue: files to the disk (fdatasync), and a segment from
 * memory into the folder. It works on descriptors of its own, and knows no queue. */
#ifndef EDGEMETER_SHIP_LOG_DISK_JOB_H
#define EDGEMETER_SHIP_LOG_DISK_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/worker.h"

struct queue;

struct disk_job {
    struct worker_job job; /* the first member */
    struct queue *queue;   /* NULL: gone in the meantime */
    uint64_t begun_ns;
    int *fds;
    size_t fd_count, fd_capacity;
    int error;   /* of the sync */
    int copy_fd; /* -1: nothing is copied */
    int folder_fd;
    uint64_t copy_number;
    uint64_t copy_bytes;
    int copy_error;
};

/* `done` is the job's. 0 or -ENOMEM. */
int disk_job_new(void (*done)(struct worker_job *job), struct disk_job **out);
void disk_job_free(struct disk_job **job);

/* Each takes a descriptor of its own. 0 or a negative errno. */
int disk_job_sync(struct disk_job *job, int fd);
int disk_job_copy(struct disk_job *job, int segment_fd, int folder_fd, uint64_t number,
                  uint64_t bytes);

/* What the thread does; for a process that ends, in the loop's. */
void disk_job_run(struct worker_job *job);

#endif
