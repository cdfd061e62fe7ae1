/* SPDX-License-Identifier: Apache-2.0 */
/* Reads until the end, whatever size the file says it has: those in /proc say 0. */
#include "base/file_read.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"

int file_read(const char *path, struct buffer *out)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char bytes[16384];

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t length = read(fd, bytes, sizeof(bytes));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        int error = buffer_append(out, bytes, (size_t)length); /* a NUL behind, of an empty file too */
        if (error || length == 0)
            return error;
    }
}
