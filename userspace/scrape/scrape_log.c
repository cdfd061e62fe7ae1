/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket of lines that fills with time. Knows no cause of failures. */
#include "scrape/scrape_log.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static bool take_line(struct scrape_log *log)
{
    uint64_t now = clock_monotonic_ns();
    double refilled = (double)(now - log->spent_at_ns) / NS_PER_SECOND / SCRAPE_LOG_REFILL_SECONDS;

    log->spent = log->spent > refilled ? log->spent - refilled : 0;
    log->spent_at_ns = now;
    if (log->spent + 1 > SCRAPE_LOG_BURST) {
        log->suppressed++;
        return false;
    }
    log->spent++;
    return true;
}

/* A parse error quotes the page, which may differ every time: what stands before the quotation
 * tells whether it is the same. */
static size_t reason_length(const char *reason)
{
    const char *quotation = strstr(reason, " while parsing:");
    size_t length = quotation ? (size_t)(quotation - reason) : strlen(reason);

    return length < SCRAPE_LOG_REASON_SIZE ? length : SCRAPE_LOG_REASON_SIZE - 1;
}

static void log_line(struct scrape_log *log, const struct target *target, const char *reason)
{
    const char *job = target->config->job_name, *url = target->shown_url;

    if (!take_line(log))
        return;
    if (!reason)
        log_info("scrape", "target is well again", LOG_STR("job", job), LOG_STR("target", url));
    else
        log_warn("scrape", "scrape failed", LOG_STR("job", job), LOG_STR("target", url),
                 LOG_STR("err", reason));
    if (log->suppressed)
        log_warn("scrape", "lines about other scrapes were left out",
                 LOG_UINT("lines", log->suppressed));
    log->suppressed = 0;
}

void scrape_log_outcome(struct scrape_log *log, struct scrape_log_state *state,
                        const struct target *target, const char *reason)
{
    size_t length = reason ? reason_length(reason) : 0;

    if (strlen(state->reason) == length && (!length || !memcmp(state->reason, reason, length)))
        return;
    log_line(log, target, reason);
    snprintf(state->reason, sizeof(state->reason), "%.*s", (int)length, reason ? reason : "");
}
