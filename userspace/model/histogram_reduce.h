/* SPDX-License-Identifier: Apache-2.0 */
/* A native histogram with wider buckets: of a lower schema, each bucket of which takes two of the
 * schema above. */
#ifndef EDGEMETER_MODEL_HISTOGRAM_REDUCE_H
#define EDGEMETER_MODEL_HISTOGRAM_REDUCE_H

#include "model/sample.h"

#define HISTOGRAM_MIN_SCHEMA (-4)
#define HISTOGRAM_MAX_SCHEMA 8

/* A new histogram of one reference; NULL without memory. `schema` is at most that of `histogram`,
 * and at least HISTOGRAM_MIN_SCHEMA. */
struct histogram *histogram_reduce(const struct histogram *histogram, int32_t schema);

/* The highest schema whose buckets grow at least by this factor from one to the next, as far as
 * there is one; a factor that is not above 1 asks for nothing: HISTOGRAM_MAX_SCHEMA. */
int32_t histogram_schema_of_factor(double factor);

#endif
