/* SPDX-License-Identifier: Apache-2.0 */
/* When a target is scraped, and which timestamp its samples get: Prometheus' arithmetic, but that
 * targets share moments. Pure. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_SCHEDULE_H
#define EDGEMETER_SCRAPE_SCRAPE_SCHEDULE_H

#include <stdint.h>

#include "model/labels.h"

#define SCRAPE_TIMESTAMP_TOLERANCE_NS 2000000 /* and at most 1 % of the interval */

/* What makes agents with the same targets scrape at different moments: of the host's name and the
 * external labels (NULL: none), and the same at every start. */
uint64_t scrape_schedule_seed(const struct labels *external);

/* Which moment of its interval a target has. The moments of one agent lie a second apart, or less,
 * so that there are SCRAPE_MOMENTS_LEAST; `hash` says which of them is the target's, `seed` where
 * they lie. An agent that wakes for several targets finds its code and data in the cache for all
 * but the first: with twenty at once a sample costs less than half of what it does alone. */
#define SCRAPE_MOMENTS_APART_NS 1000000000
#define SCRAPE_MOMENTS_LEAST 5
uint64_t scrape_schedule_offset(uint64_t interval_ns, uint64_t hash, uint64_t seed);

/* Nanoseconds from the wall clock's `now_ns` to the next scrape. The moments lie on a grid that
 * depends on `offset` alone, so that a restart does not move them. */
uint64_t scrape_schedule_delay(int64_t now_ns, uint64_t interval_ns, uint64_t offset);

/* The time of a scrape that starts at the wall clock's `now_ns`: a whole number of intervals after
 * *grid_ns where it is late by no more than the tolerance, else `now_ns`. *grid_ns follows; it
 * starts as the time of the first scrape. */
int64_t scrape_schedule_align(int64_t now_ns, uint64_t interval_ns, int64_t *grid_ns);

/* A duration as Go prints it, "15s", "1m30s", "1.5s": the label `interval` of own metrics. */
#define SCRAPE_SCHEDULE_TEXT_SIZE 40
void scrape_schedule_text(uint64_t ns, char out[SCRAPE_SCHEDULE_TEXT_SIZE]);

#endif
