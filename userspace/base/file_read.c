/* SPDX-License-Identifier: Apache-2.0 */
/* Reads until the end, whatever size the file says it has: those in /proc say 0. A pipe whose
 * writer does not come holds nobody up for long. */
#include "base/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LONGEST_WAIT_MS 2000 /* in all, of one file */

/* Until a pipe or a terminal has something. */
static int wait_readable(int fd, uint64_t started_ns)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    uint64_t passed_ms = (clock_monotonic_ns() - started_ns) / NS_PER_MS;

    if (passed_ms >= LONGEST_WAIT_MS)
        return -ETIMEDOUT;
    return poll(&poll_fd, 1, (int)(LONGEST_WAIT_MS - passed_ms)) < 0 && errno != EINTR ? -errno : 0;
}

int file_read(const char *path, struct buffer *out)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    uint64_t started_ns = clock_monotonic_ns();
    char bytes[16384];

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t length = read(fd, bytes, sizeof(bytes));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN) {
            int waited = wait_readable(fd, started_ns);
            if (waited)
                return waited;
            continue;
        }
        if (length < 0)
            return -errno;
        int error =
            buffer_append(out, bytes, (size_t)length); /* a NUL behind, of an empty file too */
        if (error || length == 0)
            return error;
    }
}
