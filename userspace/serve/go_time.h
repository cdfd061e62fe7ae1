/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as Go writes them in JSON. */
#ifndef EDGEMETER_SERVE_GO_TIME_H
#define EDGEMETER_SERVE_GO_TIME_H

#include <stdint.h>

#define GO_TIME_SIZE 64

/* RFC 3339 in UTC with as many digits as it takes; 0 is the year 1. */
void go_time(int64_t ns, char out[GO_TIME_SIZE]);

#endif
