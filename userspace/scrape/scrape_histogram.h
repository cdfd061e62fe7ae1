/* SPDX-License-Identifier: Apache-2.0 */
/* native_histogram_min_bucket_factor and native_histogram_bucket_limit: a histogram's buckets are
 * made wider, the factor first, until it keeps both. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_HISTOGRAM_H
#define EDGEMETER_SCRAPE_SCRAPE_HISTOGRAM_H

#include "model/sample.h"
#include "scrape/scrape_config.h"

/* The histogram itself or another, with a reference of its own. 0; -E2BIG: more buckets than the
 * limit, however wide; -ENOMEM. */
int scrape_histogram_fit(const struct scrape_limits *limits, struct histogram *histogram,
                         struct histogram **out);

#endif
