/* SPDX-License-Identifier: Apache-2.0 */
/* The interpolation alone. */
#include "top/top_quantile.h"

#include <math.h>

double top_quantile(double q, const double *bounds, size_t bound_count, const uint64_t *counts)
{
    uint64_t total = 0;

    for (size_t i = 0; i <= bound_count; i++)
        total += counts[i];
    if (!total || !bound_count)
        return NAN;
    double rank = q * (double)total;
    double below = 0;
    for (size_t i = 0; i < bound_count; i++) {
        double count = (double)counts[i];
        if (count > 0 && below + count >= rank) {
            double start = i ? bounds[i - 1] : 0;
            return start + (bounds[i] - start) * (rank - below) / count;
        }
        below += count;
    }
    return bounds[bound_count - 1];
}
