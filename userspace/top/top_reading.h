/* SPDX-License-Identifier: Apache-2.0 */
/* One answer of /api/v1/edgemeter/http, as counters. docs/api.md has the format. */
#ifndef EDGEMETER_TOP_TOP_READING_H
#define EDGEMETER_TOP_TOP_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/text.h"
#include "top/top_options.h"

#define TOP_MAX_BUCKETS 65 /* the one above the last bound included */
#define TOP_MAX_BYTES (64u << 20)

struct top_counters {
    uint64_t requests;
    uint64_t errors; /* answered with a status from 500 on */
    uint64_t unanswered;
    uint64_t request_bytes, response_bytes;
    uint64_t buckets[TOP_MAX_BUCKETS];
};

/* One element of the lists `requests` and `unanswered`. */
struct top_entry {
    char *identity; /* all that tells it from others */
    const json_t *json;
    enum top_role role;
    struct top_counters counters;
};

struct top_reading {
    json_t *root; /* what the entries point into */
    double time;  /* seconds since 1970 */
    bool enabled; /* false: the agent does not meter HTTP */
    double bounds[TOP_MAX_BUCKETS];
    size_t bound_count;
    struct top_entry *entries; /* by identity */
    size_t count;
};

/* 0; -ENOMEM; or -EINVAL with what is wrong in `why`, which is no more than one short line. */
int top_reading_parse(struct text json, struct top_reading **out, const char **why);
void top_reading_free(struct top_reading **reading);

#define autoreading __attribute__((cleanup(top_reading_free)))

#endif
