/* SPDX-License-Identifier: Apache-2.0 */
/* The staleness marker and the references of histograms. */
#include "model/sample.h"

#include <assert.h>
#include <stdlib.h>

static const void *copy_part(char **at, const void *part, size_t size)
{
    char *copy = *at;
    if (size)
        memcpy(copy, part, size);
    *at += size;
    return copy;
}

_Static_assert(sizeof(int64_t) == sizeof(double), "deltas and counts are copied alike");

struct histogram *histogram_new(const struct histogram *values)
{
    size_t deltas[] = {values->positive_delta_count * sizeof(int64_t),
                       values->negative_delta_count * sizeof(int64_t)};
    size_t spans[] = {values->positive_span_count * sizeof(struct histogram_span),
                      values->negative_span_count * sizeof(struct histogram_span)};
    size_t bounds = values->custom_value_count * sizeof(double);
    struct histogram *histogram =
        malloc(sizeof(*histogram) + deltas[0] + deltas[1] + bounds + spans[0] + spans[1]);
    if (!histogram)
        return NULL;
    *histogram = *values;
    histogram->references = 1;
    char *at = (char *)(histogram + 1);
    histogram->positive_deltas = copy_part(&at, values->positive_deltas, deltas[0]);
    histogram->negative_deltas = copy_part(&at, values->negative_deltas, deltas[1]);
    histogram->custom_values = copy_part(&at, values->custom_values, bounds);
    histogram->positive_spans = copy_part(&at, values->positive_spans, spans[0]);
    histogram->negative_spans = copy_part(&at, values->negative_spans, spans[1]);
    return histogram;
}

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
