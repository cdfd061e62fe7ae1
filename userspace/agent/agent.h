/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the modules together: start order, stop order, and which module gets which slice of the
 * configuration. */
#ifndef EDGEMETER_AGENT_H
#define EDGEMETER_AGENT_H

#include "config/config.h"

struct agent_flag {
    const char *name, *value; /* "log.level", "info" */
};

struct agent_options {
    const struct agent_flag *flags; /* as they are shown, sorted by name */
    size_t flag_count;
    const char *config_file; /* NULL: there is none, and nothing to reload */
    const char *listen_address;
    const char *web_config_file;      /* NULL: anybody may read what there is */
    const char *storage_path;         /* of the queue; NULL: in memory */
    bool enable_lifecycle;            /* POST /-/reload */
    uint64_t auto_reload_interval_ns; /* 0: the file is looked at only when told */
};

/* Runs until SIGTERM or SIGINT: then detaches, drains the rows, sends what is left. Takes over the
 * config, which SIGHUP replaces. The process's exit status: 0, or 1 where it could not start (the
 * reason is in the log). */
int agent_run(const struct agent_options *options, struct config **config);

#endif
