/* SPDX-License-Identifier: Apache-2.0 */
/* How many files and connections the process may have open at once. */
#ifndef EDGEMETER_BASE_DESCRIPTORS_H
#define EDGEMETER_BASE_DESCRIPTORS_H

#include <stddef.h>

/* The soft limit of RLIMIT_NOFILE; SIZE_MAX where there is none. */
size_t descriptors_limit(void);
/* Raises it to the hard one, as far as that goes: 1,024 is usual, for programs that use select(2),
 * and connections to as many targets are kept. */
void descriptors_allow_all(void);

#endif
