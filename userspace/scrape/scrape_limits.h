/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a job that concern one series. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_LIMITS_H
#define EDGEMETER_SCRAPE_SCRAPE_LIMITS_H

#include "model/labels.h"
#include "scrape/scrape_config.h"

#define SCRAPE_LIMITS_REASON_SIZE 256

/* The labels as they would be sent. 0, or -EINVAL with Prometheus' words. */
int scrape_limits_check(const struct scrape_limits *limits, const struct labels *labels,
                        char reason[SCRAPE_LIMITS_REASON_SIZE]);

#endif
