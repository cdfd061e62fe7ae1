/* SPDX-License-Identifier: Apache-2.0 */
/* One target scraped again and again: when, the request, and what becomes of the answer. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CYCLE_H
#define EDGEMETER_SCRAPE_SCRAPE_CYCLE_H

#include "scrape/scrape_page.h"
#include "scrape/scraper.h"

struct scrape_cycle;

/* Takes over the target, on failure too. The first scrape comes within a second of the loop's
 * start, spread over the targets by their hashes, the others at the interval from there. */
int scrape_cycle_new(const struct scraper_environment *environment,
                     const struct scrape_shared *shared, struct target *target,
                     struct scrape_cycle **out);
const struct target *scrape_cycle_target(const struct scrape_cycle *cycle);
/* Cancels a scrape in flight; no further one starts. */
void scrape_cycle_stop(struct scrape_cycle *cycle);
void scrape_cycle_free(struct scrape_cycle **cycle);

#endif
