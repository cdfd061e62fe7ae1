/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process may have, and how much it has. Changes no limit, and is not told
 * when one changes. */
#ifndef EDGEMETER_BASE_MEMORY_LIMIT_H
#define EDGEMETER_BASE_MEMORY_LIMIT_H

#include <stdint.h>

/* The least that its cgroup, or one above it, allows, of either version, in bytes; UINT64_MAX where
 * none is found. `proc` is "/proc/self", or a folder with files of the same names. */
uint64_t memory_limit_find(const char *proc);

/* Its own pages that are not those of a file, in bytes; 0 where it cannot be told. */
uint64_t memory_anonymous(void);

#endif
