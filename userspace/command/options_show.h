/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's flags as /api/v1/status/flags shows them. */
#ifndef EDGEMETER_COMMAND_OPTIONS_SHOW_H
#define EDGEMETER_COMMAND_OPTIONS_SHOW_H

#include "agent/agent.h"
#include "command/options.h"

#define OPTIONS_FLAGS_MAX 16

/* How many there are. Texts are static or those of `options`. */
size_t options_show(const struct options *options, struct agent_flag out[OPTIONS_FLAGS_MAX]);

#endif
