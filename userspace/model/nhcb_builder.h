/* SPDX-License-Identifier: Apache-2.0 */
/* From the numbers of a classic histogram, as they come, to the native histogram with custom
 * buckets (NHCB) that says the same. As Prometheus: of a bound that comes twice the first counts;
 * what is missing (a sum, a count, the bucket of +Inf) follows from the rest; empty buckets are
 * left out. Knows nothing of names and labels. */
#ifndef EDGEMETER_MODEL_NHCB_BUILDER_H
#define EDGEMETER_MODEL_NHCB_BUILDER_H

#include "model/sample.h"

#define NHCB_MAX_BUCKETS (1u << 16)

struct nhcb_bucket {
    double bound; /* above; no NaN */
    double count; /* of all that is not above the bound */
};

struct nhcb_builder {
    struct nhcb_bucket *buckets;
    uint32_t bucket_count, capacity;
    bool is_sorted;   /* the bounds rise */
    bool has_count;   /* `count` was given */
    bool is_negative; /* a count below 0 was given */
    double count, sum;
};

void nhcb_builder_init(struct nhcb_builder *builder);
void nhcb_builder_free(struct nhcb_builder *builder);
/* For the next histogram; the memory stays. */
void nhcb_builder_clear(struct nhcb_builder *builder);

/* 0, -ENOMEM, or -E2BIG: more than NHCB_MAX_BUCKETS. */
int nhcb_builder_add_bucket(struct nhcb_builder *builder, double bound, double count);
void nhcb_builder_set_count(struct nhcb_builder *builder, double count);
void nhcb_builder_set_sum(struct nhcb_builder *builder, double sum);

/* A new histogram of one reference, of integers where all counts are. 0; -EINVAL: the numbers are
 * of no histogram (negative, not cumulative, the count is not that of the last bucket, a bound is
 * -Inf); -ENOMEM. */
int nhcb_builder_build(struct nhcb_builder *builder, struct histogram **out);

#endif
