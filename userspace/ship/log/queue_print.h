/* SPDX-License-Identifier: Apache-2.0 */
/* `edgemeter queue`: what a folder of the queue holds and where each remote stands, in words, and
 * every sample with `dump`. Reads only, beside an agent that writes. */
#ifndef EDGEMETER_SHIP_LOG_QUEUE_PRINT_H
#define EDGEMETER_SHIP_LOG_QUEUE_PRINT_H

#include <stdbool.h>
#include <stdio.h>

/* 0, or a negative errno: the folder cannot be read, or no memory. */
int queue_print(const char *folder, bool dump, FILE *out);

#endif
