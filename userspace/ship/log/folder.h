/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the log: made where it is missing, used by one agent at a time. Knows nothing of
 * the files in it but the lock. */
#ifndef EDGEMETER_SHIP_LOG_FOLDER_H
#define EDGEMETER_SHIP_LOG_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

struct folder {
    const char *path; /* borrowed */
    int fd;           /* -1: closed */
    int lock_fd;
};

/* Opens it, making it and the folders above it where they are missing, and takes the lock. 0;
 * -EBUSY: another process has it, its pid is in *holder (0: not known); or another negative errno.
 */
int folder_open(struct folder *folder, const char *path, pid_t *holder);
void folder_close(struct folder *folder);
/* Sees to it that the lock is still ours, also after its file was deleted. As folder_open. */
int folder_keep_lock(struct folder *folder, pid_t *holder);
/* The path leads elsewhere by now, or nowhere. */
bool folder_is_gone(const struct folder *folder);

/* Calls `fn` for each name, in no order; `fn` may remove it. 0 or a negative errno. */
int folder_scan(int folder_fd, void (*fn)(void *context, const char *name), void *context);

#endif
