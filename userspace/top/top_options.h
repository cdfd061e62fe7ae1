/* SPDX-License-Identifier: Apache-2.0 */
/* What `edgemeter top` is asked for on the command line; keys change some of it later. */
#ifndef EDGEMETER_TOP_TOP_OPTIONS_H
#define EDGEMETER_TOP_TOP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum top_role { TOP_SERVER, TOP_CLIENT };

enum top_column {
    TOP_NAME,
    TOP_RATE,
    TOP_ERRORS,
    TOP_P50,
    TOP_P90,
    TOP_P99,
    TOP_IN,
    TOP_OUT,
    TOP_REQUESTS,
    TOP_UNANSWERED,
    TOP_COLUMNS
};

struct top_options {
    const char *url;              /* NULL: the agent of this host, or none */
    const char *http_config_file; /* NULL: none */
    const char *by;     /* names of labels with commas between; NULL: the pod, else the service */
    const char *filter; /* a part of the name; NULL: all */
    enum top_role role;
    enum top_column sort;
    uint64_t interval_ns;
    bool once;
    bool json;
    bool meter; /* by itself, whatever runs here */
};

/* "rate", "p99", ...; -EINVAL for what is none. */
int top_column_parse(const char *name, enum top_column *out);
/* All of them with commas between, for messages. */
#define TOP_COLUMN_NAMES "name, rate, errors, p50, p90, p99, in, out, requests or unanswered"

#endif
