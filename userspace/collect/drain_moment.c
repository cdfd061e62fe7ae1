/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic alone. */
#include "collect/drain_moment.h"

#define LEAST_MS 2   /* between two drains; there is a moment for stale markers' series */
#define SLEW_MS 1000 /* what is more was set back */

struct drain_moment drain_moment_next(int64_t last_ms, int64_t clock_ms, int64_t interval_ms)
{
    struct drain_moment moment = {.before_ms = last_ms, .now_ms = clock_ms};

    if (clock_ms + SLEW_MS < last_ms) {
        moment.before_ms = clock_ms - (interval_ms > LEAST_MS ? interval_ms : LEAST_MS);
        moment.clock_went_back = true;
    } else if (clock_ms < last_ms + LEAST_MS) {
        moment.now_ms = last_ms + LEAST_MS;
    }
    return moment;
}
