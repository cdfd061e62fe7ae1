/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the discoverers of scrape jobs, each job's with the sink of the job. */
#ifndef EDGEMETER_DISCOVER_DISCOVERY_H
#define EDGEMETER_DISCOVER_DISCOVERY_H

#include "discover/discoverer.h"

#define DISCOVERY_MAX_SOURCES (1u << 20) /* of one discoverer */

struct discovery;

struct discovery_job {
    const char *name;
    const struct discovery_config *config;
    struct target_sink *sink; /* outlives the job here */
};

int discovery_new(const struct discovery_environment *environment, struct discovery **out);
void discovery_free(struct discovery **discovery);

/* These jobs from now on. A discoverer whose config is unchanged runs on; what a changed one found
 * before stays until its successor has had its first look. Of a job that is no longer there nothing
 * is taken back: its sink may be gone. A discoverer that cannot start is logged and counted
 * (prometheus_sd_failed_configs), the others run. 0 or -ENOMEM. */
int discovery_apply(struct discovery *discovery, const struct discovery_job *jobs, size_t count);

#endif
