/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and sets the limit; opens nothing. */
#include "base/descriptors.h"

#include <stdint.h>
#include <sys/resource.h>

size_t descriptors_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur;
}

void descriptors_allow_all(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}
