/* SPDX-License-Identifier: Apache-2.0 */
/* One scrape job: the groups that its discoverers hand over, the targets made of them, and the
 * cycles that scrape these. Groups are kept as they come and made into targets later, all changes
 * at once. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_JOB_H
#define EDGEMETER_SCRAPE_SCRAPE_JOB_H

#include "model/target_group.h"
#include "scrape/retired_targets.h"

#define SCRAPE_JOB_MAX_GROUPS (1u << 20)
#define SCRAPE_JOB_MAX_TARGETS 65536

struct scrape_job;

struct scrape_job_environment {
    const struct scraper_environment *scraper;
    struct scrape_shared *shared;
    struct retired_targets *retired;
    void (*on_change)(void *context); /* groups have come: a sync is due */
    void *context;
};

/* The environment is copied; what it points to outlives the job. 0 or -ENOMEM. */
int scrape_job_new(const struct scrape_job_environment *environment,
                   const struct scrape_config *config, struct scrape_job **out);
/* Its targets are no longer scraped, and have no end. */
void scrape_job_free(struct scrape_job **job);
/* Its targets retire. */
void scrape_job_retire(struct scrape_job **job);

const struct scrape_config *scrape_job_config(const struct scrape_job *job);
struct target_sink *scrape_job_sink(struct scrape_job *job);

/* Another config of the same name. `relabel_all`: all samples are labelled in another way besides.
 * Takes effect with the next sync. */
void scrape_job_reconfigure(struct scrape_job *job, const struct scrape_config *config,
                            bool relabel_all);
/* Makes targets of the groups that have changed: new ones are scraped from now on, those that are
 * in no group any more retire, the others go on untouched. 0 or -ENOMEM; what failed is tried again
 * in the next sync. */
int scrape_job_sync(struct scrape_job *job);
/* Cancels scrapes in flight; no further one starts. */
void scrape_job_stop(struct scrape_job *job);

/* Tells the visitor of the job and of each of its targets. */
void scrape_job_visit(const struct scrape_job *job, const struct scraper_visitor *visitor);

#endif
