/* SPDX-License-Identifier: Apache-2.0 */
/* One target scraped again and again: when, the request, and what becomes of the answer. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CYCLE_H
#define EDGEMETER_SCRAPE_SCRAPE_CYCLE_H

#include "scrape/scrape_page.h"
#include "scrape/scraper.h"

struct scrape_cycle;

/* Takes over the target, on failure too. Scrapes come at the target's own moments of the wall
 * clock, the first within an interval. */
int scrape_cycle_new(const struct scraper_environment *environment, struct scrape_shared *shared,
                     struct target *target, struct scrape_cycle **out);
const struct target *scrape_cycle_target(const struct scrape_cycle *cycle);
/* `error` is valid until the loop's next turn. */
/* What the target has said of its metric families. */
void scrape_cycle_each_metadata(const struct scrape_cycle *cycle,
                                void (*fn)(void *context, const struct metadata *metadata),
                                void *context);
void scrape_cycle_status(const struct scrape_cycle *cycle, struct scrape_status *out);

/* From now on every scrape fails with this reason (copied), without a request; NULL: no more. */
void scrape_cycle_refuse(struct scrape_cycle *cycle, const char *reason);

/* Takes over what was discovered of a target that equals the old one, which goes on. */
void scrape_cycle_renew_discovered(struct scrape_cycle *cycle, struct target *target);
/* Takes over a target that equals the old one, with a config that may be another. The schedule
 * stays where the interval does; the series known stay where `keep_series` says that the config
 * labels them as before. */
int scrape_cycle_replace_target(struct scrape_cycle *cycle, struct target *target,
                                bool keep_series);

/* The target has gone: no further scrape. As Prometheus does, waits for the next tick, one interval
 * and a tenth, in case the target comes back; then writes stale markers of that tick for all it had
 * and calls `ended`, which frees the cycle. */
void scrape_cycle_retire(struct scrape_cycle *cycle,
                         void (*ended)(void *context, struct scrape_cycle *cycle), void *context);
/* A target with the labels of one that retires is there again: what that one had alive ends at the
 * next scrape of this one, unless it exposes it. The caller frees the retiring cycle. */
int scrape_cycle_inherit(struct scrape_cycle *cycle, struct scrape_cycle *retiring);

/* Cancels a scrape in flight; no further one starts, and no stale marker is written. */
void scrape_cycle_stop(struct scrape_cycle *cycle);
void scrape_cycle_free(struct scrape_cycle **cycle);

#endif
