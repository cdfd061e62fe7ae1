/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF programs: loading, attaching, reading rows. Knows no labels and no samples. */
#ifndef EDGEMETER_COLLECT_HTTP_METER_H
#define EDGEMETER_COLLECT_HTTP_METER_H

#include <stddef.h>

#include "collect/collect_config.h"
#include "collect/http_row_entry.h"

struct http_meter;

/* Loads, and attaches to the cgroup folder `cgroup_root`. A negative errno with the reason, and
 * what to do, in the log. */
int http_meter_new(const struct http_metrics_config *config, const char *cgroup_root,
                   struct http_meter **out);
/* The programs stop counting; rows can still be read. */
void http_meter_detach(struct http_meter *meter);
void http_meter_free(struct http_meter **meter);

/* All rows, in no order, into an array that the meter owns until the next call. Batch look-ups
 * where the kernel has them. 0 or a negative errno. */
int http_meter_read(struct http_meter *meter, const struct http_row_entry **rows, size_t *count);
/* Deletes the row where it still is as it was read: 0; -EAGAIN: it has counted since; or another
 * negative errno. An exchange that ends in this very moment is lost: delete rows at rest. */
int http_meter_delete(struct http_meter *meter, const struct http_row_entry *entry);
/* The sums over all CPUs. */
int http_meter_read_outcomes(struct http_meter *meter, uint64_t out[HTTP_OUTCOMES]);
/* Bytes that the maps may take in kernel memory as they are now: the kernel's own figure of each
 * map (fdinfo's memlock). */
uint64_t http_meter_memory(const struct http_meter *meter);

#endif
