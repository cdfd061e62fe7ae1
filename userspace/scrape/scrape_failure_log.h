/* SPDX-License-Identifier: Apache-2.0 */
/* scrape_failure_log_file: a line of JSON for every scrape whose page could not be fetched, in
 * Prometheus' form; pages that are bad are in the agent's own log. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_FAILURE_LOG_H
#define EDGEMETER_SCRAPE_SCRAPE_FAILURE_LOG_H

#include "scrape/scrape_log.h"

/* Nothing where the target's job has no such file. */
void scrape_failure_log(struct scrape_log *log, const struct target *target, const char *reason);

#endif
