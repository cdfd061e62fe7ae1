/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of a histogram, as PromQL's histogram_quantile() gives them. */
#ifndef EDGEMETER_TOP_TOP_QUANTILE_H
#define EDGEMETER_TOP_TOP_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

/* `counts` has one more than `bounds`, which are ascending and above 0; each counts its own bucket
 * alone. Linear within a bucket; the last bound for what is above it. NaN where nothing is counted.
 */
double top_quantile(double q, const double *bounds, size_t bound_count, const uint64_t *counts);

#endif
