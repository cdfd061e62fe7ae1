/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF programs: loading, attaching, reading rows. Knows no labels and no samples. */
#ifndef EDGEMETER_COLLECT_HTTP_METER_H
#define EDGEMETER_COLLECT_HTTP_METER_H

#include <stddef.h>

#include "collect/collect_config.h"
#include "http_abi.h"

struct http_meter;

/* One row as read; a surplus row has cgroup 0, status 0 and method HTTP_METHOD_OTHER. */
struct http_row_entry {
    struct http_row_key key;
    struct http_row row;
};

/* Loads, and attaches to the cgroup folder `cgroup_root`. A negative errno with the reason, and what
 * to do, in the log. */
int http_meter_new(const struct http_metrics_config *config, const char *cgroup_root,
                   struct http_meter **out);
/* The programs stop counting; rows can still be read. */
void http_meter_detach(struct http_meter *meter);
void http_meter_free(struct http_meter **meter);

/* All rows, in no order, into an array that the meter owns until the next call. Batch look-ups where
 * the kernel has them. 0 or a negative errno. */
int http_meter_read(struct http_meter *meter, const struct http_row_entry **rows, size_t *count);
/* The sums over all CPUs. */
int http_meter_read_outcomes(struct http_meter *meter, uint64_t out[HTTP_OUTCOMES]);
/* Bytes that the maps may take in kernel memory as they are now: the kernel's own figure of each map
 * (fdinfo's memlock). */
uint64_t http_meter_memory(const struct http_meter *meter);

#endif
