/* SPDX-License-Identifier: Apache-2.0 */
/* glob(), which by itself takes a folder that it cannot read for an empty one. */
#include "base/file_list.h"

#include <errno.h>

/* glob() gives up where this is not 0, and leaves errno as it was. */
static int is_unreadable(const char *folder, int error)
{
    (void)folder;
    errno = error;
    return error != ENOENT && error != ENOTDIR;
}

int file_list(const char *pattern, glob_t *out)
{
    switch (glob(pattern, GLOB_PERIOD, is_unreadable, out)) {
    case 0:
    case GLOB_NOMATCH:
        return 0;
    case GLOB_NOSPACE:
        return -ENOMEM;
    default:
        return -errno;
    }
}
