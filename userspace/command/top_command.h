/* SPDX-License-Identifier: Apache-2.0 */
/* `edgemeter top`, with its readings from an agent or from metering of its own. */
#ifndef EDGEMETER_COMMAND_TOP_COMMAND_H
#define EDGEMETER_COMMAND_TOP_COMMAND_H

#include "top/top_options.h"

/* The process's exit status: 0; 1 where nothing can be read, with the reason on stderr; 2 for a
 * wrong file of HTTP settings. */
int top_command(const struct top_options *options);

#endif
