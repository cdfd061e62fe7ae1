/* SPDX-License-Identifier: Apache-2.0 */
/* As Prometheus: halves the resolution step by step. Knows nothing of pages. */
#include "scrape/scrape_histogram.h"

#include <errno.h>

#include "model/histogram_reduce.h"

/* Takes over the reference, on failure too. */
static int widen(struct histogram **histogram, int32_t schema)
{
    struct histogram *wider = histogram_reduce(*histogram, schema);

    histogram_release(*histogram);
    *histogram = wider;
    return wider ? 0 : -ENOMEM;
}

static bool has_too_many(const struct scrape_limits *limits, const struct histogram *histogram)
{
    uint32_t limit = limits->native_histogram_bucket_limit;

    return limit &&
           histogram->positive_delta_count + (uint64_t)histogram->negative_delta_count > limit;
}

int scrape_histogram_fit(const struct scrape_limits *limits, struct histogram *histogram,
                         struct histogram **out)
{
    int32_t highest = histogram_schema_of_factor(limits->native_histogram_min_bucket_factor);
    int error = 0;

    histogram_hold(histogram);
    if (histogram->schema > highest)
        error = widen(&histogram, highest);
    while (!error && has_too_many(limits, histogram)) {
        if (histogram->schema > HISTOGRAM_MIN_SCHEMA) {
            error = widen(&histogram, histogram->schema - 1);
            continue;
        }
        histogram_release(histogram);
        return -E2BIG;
    }
    if (!error)
        *out = histogram;
    return error;
}
