/* SPDX-License-Identifier: Apache-2.0 */
/* Durations in exponential buckets: their bounds, and how the kernel's buckets become a sample. */
#ifndef EDGEMETER_COLLECT_NATIVE_HISTOGRAM_H
#define EDGEMETER_COLLECT_NATIVE_HISTOGRAM_H

#include "collect/collect_config.h"
#include "http_abi.h"
#include "model/sample.h"

/* The upper bound of a bucket in whole nanoseconds, which belong to it; UINT64_MAX for the last. */
uint64_t native_bound_ns(size_t bucket);

void native_row_add(struct http_native_row *total, const struct http_native_row *row);
/* Of an earlier state of the same row, which may have been known by its classic buckets alone. */
void native_row_subtract(struct http_native_row *total, const struct http_native_row *row);
/* Adds a row of which only the classic buckets are known: each counts at its upper bound, +Inf at
 * the end. */
void native_row_add_classic(struct http_native_row *total, const struct http_row *row,
                            const struct http_metrics_config *config);

/* One reference. What the kernel's first bucket holds, down to 0, is the zero bucket. NULL without
 * memory. */
struct histogram *native_histogram_new(const struct http_native_row *row, double sum_seconds);
/* Nothing but the staleness marker. */
struct histogram *native_histogram_new_stale(void);

#endif
