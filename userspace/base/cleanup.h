/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership in the type of a local: a value tagged `autofree` is freed when its scope ends, unless
 * TAKE_PTR moved it out. A module with an `int x_new(struct x **out)` gives its own tag the same way. */
#ifndef EDGEMETER_BASE_CLEANUP_H
#define EDGEMETER_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

#define autofree __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))

#define TAKE_PTR(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
