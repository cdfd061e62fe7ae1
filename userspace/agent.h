/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the modules together: start order, stop order, and which module gets which slice of the
 * configuration. */
#ifndef EDGEMETER_AGENT_H
#define EDGEMETER_AGENT_H

#include "config/config.h"

struct agent_options {
    const struct config *config; /* borrowed */
    const char *listen_address;
    const char *storage_path; /* of the queue; NULL: in memory */
};

/* Runs until SIGTERM or SIGINT: then detaches, drains the rows, sends what is left. The process's
 * exit status: 0, or 1 where it could not start (the reason is in the log). */
int agent_run(const struct agent_options *options);

#endif
