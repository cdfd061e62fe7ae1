/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the capabilities that metering needs this process does not have. Takes or drops none. */
#ifndef EDGEMETER_COLLECT_CAPABILITIES_H
#define EDGEMETER_COLLECT_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>

#define CAPABILITIES_TEXT_SIZE 64 /* of all the names */

/* "CAP_BPF, CAP_PERFMON"; empty where none is missing. */
void capabilities_missing(char out[CAPABILITIES_TEXT_SIZE]);
/* Before Linux 5.11 BPF maps are locked memory, of which others may have little. */
bool capabilities_may_lock_memory(void);

#endif
