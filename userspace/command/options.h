/* SPDX-License-Identifier: Apache-2.0 */
/* The command line as a struct. Parsing only: prints nothing, opens nothing. */
#ifndef EDGEMETER_COMMAND_OPTIONS_H
#define EDGEMETER_COMMAND_OPTIONS_H

#include "base/log.h"
#include "top/top_options.h"

enum command {
    COMMAND_RUN,
    COMMAND_CHECK_CONFIG,
    COMMAND_QUEUE,
    COMMAND_TOP,
    COMMAND_HELP,
    COMMAND_VERSION
};

#define OPTIONS_IDLE_MAX 32

/* A flag of Prometheus that does nothing here. */
struct idle_flag {
    struct text flag, value; /* value: "" where it has none */
    const char *advice;      /* "" where there is none */
};

struct options {
    enum command command;
    enum command help_of;    /* of the command help: COMMAND_RUN is the agent's own */
    const char *config_file; /* --config.file, or check-config's FILE; NULL: not given */
    const char *listen_address;
    const char *web_config_file; /* NULL: not given */
    const char *storage_path;    /* NULL: not given */
    bool dump;                   /* of the command queue */
    bool syntax_only;            /* of the command check-config */
    bool enable_lifecycle;
    bool auto_reload; /* --enable-feature=auto-reload-config */
    uint64_t auto_reload_interval_ns;
    enum log_level log_level;
    enum log_format log_format;
    struct top_options top;
    struct idle_flag idle[OPTIONS_IDLE_MAX]; /* to be warned of; of more the first */
    size_t idle_count;
    char problem[320]; /* what is wrong, after -EINVAL */
};

/* Strings in *out point into argv. 0 or -EINVAL. */
int options_parse(int argc, char *const *argv, struct options *out);

/* The text that --help prints. */
const char *options_help(enum command command);

#endif
