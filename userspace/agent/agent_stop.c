/* SPDX-License-Identifier: Apache-2.0 */
/* Ends what brings samples in, and then waits until the last of them has gone out. Discovery ends,
 * too: it would bring targets to a scraper that has stopped. */
#include "agent/agent_parts.h"
#include "base/clock.h"
#include "base/log.h"

#define FLUSH_DEADLINE (30 * NS_PER_SECOND)

static void stop_finished(void *context, uint64_t unsent)
{
    struct agent *agent = context;
    if (unsent && shipper_keeps_unsent(agent->shipper))
        log_info("agent",
                 "samples were not sent before the end; they are on disk for the next start",
                 LOG_UINT("samples", unsent));
    else if (unsent)
        log_warn("agent", "samples were not sent before the end and are lost",
                 LOG_UINT("samples", unsent));
    loop_stop(agent->loop);
}

void agent_stop(struct agent *agent, const char *why)
{
    agent->state = AGENT_STOPPING;
    log_info("agent", "stopping", LOG_STR("signal", why));
    scraper_stop(agent->scraper);
    if (agent->collector)
        collector_stop(agent->collector);
    discovery_free(&agent->discovery);
    kubernetes_free(&agent->kubernetes);
    shipper_flush(agent->shipper, FLUSH_DEADLINE, stop_finished, agent);
}
