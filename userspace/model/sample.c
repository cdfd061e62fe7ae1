/* SPDX-License-Identifier: Apache-2.0 */
/* The staleness marker and the references of histograms. */
#include "model/sample.h"

#include <assert.h>
#include <stdlib.h>

struct histogram *histogram_hold(struct histogram *histogram)
{
    assert(histogram->references > 0 && histogram->references < UINT32_MAX);
    histogram->references++;
    return histogram;
}

void histogram_release(struct histogram *histogram)
{
    if (!histogram)
        return;
    assert(histogram->references > 0);
    if (--histogram->references == 0)
        free(histogram);
}

double sample_stale_value(void)
{
    uint64_t bits = STALE_NAN_BITS;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* By bits: any NaN compares unequal, and most NaNs are values that somebody exposed. */
bool sample_is_stale(const struct sample *sample)
{
    const double *value =
        sample->type == SAMPLE_HISTOGRAM ? &sample->histogram->sum : &sample->value;
    uint64_t bits;
    memcpy(&bits, value, sizeof(bits));
    return bits == STALE_NAN_BITS;
}
