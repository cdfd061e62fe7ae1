/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of failing targets: each reason once until the target is well again, and not
 * more than a burst of lines in a while, however many targets fail or flap. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_LOG_H
#define EDGEMETER_SCRAPE_SCRAPE_LOG_H

#include <stdint.h>

#include "scrape/target.h"

#define SCRAPE_LOG_BURST 50         /* lines of all targets together, then ... */
#define SCRAPE_LOG_REFILL_SECONDS 2 /* ... one in this time */
#define SCRAPE_LOG_REASON_SIZE 256

/* All targets'. All zero at first. */
struct scrape_log {
    double spent; /* lines, at `spent_at_ns` */
    uint64_t spent_at_ns;
    uint64_t suppressed; /* lines since the last one */
    bool failure_log_broken;
};

/* One target's. All zero at first. */
struct scrape_log_state {
    char reason[SCRAPE_LOG_REASON_SIZE]; /* that the log has; "": the target was well */
};

/* A scrape has ended: `reason` says why it failed, or is NULL. */
void scrape_log_outcome(struct scrape_log *log, struct scrape_log_state *state,
                        const struct target *target, const char *reason);

#endif
