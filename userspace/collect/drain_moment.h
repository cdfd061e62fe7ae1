/* SPDX-License-Identifier: Apache-2.0 */
/* The timestamps of a drain. Pure. */
#ifndef EDGEMETER_COLLECT_DRAIN_MOMENT_H
#define EDGEMETER_COLLECT_DRAIN_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

struct drain_moment {
    int64_t before_ms; /* of the drain before: where new series have their 0 */
    int64_t now_ms;    /* at least 2 later */
    bool clock_went_back;
};

/* By the clock, but for one that is slewed: two samples of a series must not share a moment, nor go
 * back. Where it was set back the drain follows it, as scrapes do; the drain before is taken to
 * have been an interval ago. */
struct drain_moment drain_moment_next(int64_t last_ms, int64_t clock_ms, int64_t interval_ms);

#endif
