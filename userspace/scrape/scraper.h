/* SPDX-License-Identifier: Apache-2.0 */
/* Scrapes targets on a schedule and hands every scrape to the sink as one record, with up and the
 * scrape_* series; stale markers for what disappeared. */
#ifndef EDGEMETER_SCRAPE_SCRAPER_H
#define EDGEMETER_SCRAPE_SCRAPER_H

#include "base/http/http_client.h"
#include "base/loop.h"
#include "model/metric.h"
#include "model/sample.h"
#include "model/target_group.h"
#include "scrape/scrape_config.h"

struct scraper;
struct target;

/* What the scraper borrows from the agent; all of it outlives the scraper. */
struct scraper_environment {
    struct loop *loop;
    struct http_client *http;
    struct series_table *series;
    struct sample_sink *sink;
    struct metric_registry *metrics;
    bool exemplars;                       /* a remote wants them */
    const struct labels *external_labels; /* added to a series where it has no label of that name */
};

/* A job for each config, which the scraper holds; their targets come through the jobs' sinks.
 * Changes of targets are gathered for half a second. 0 or a negative errno, logged. */
int scraper_new(const struct scraper_environment *environment, struct scrape_config *const *configs,
                size_t config_count, struct scraper **out);
/* These jobs from now on, and of the environment these external labels and exemplars. Of a job that
 * has changed the targets go on with the config that it has now; those of one that is no longer
 * there end. 0 or a negative errno, logged: then some jobs are as before. */
int scraper_apply(struct scraper *scraper, const struct scraper_environment *environment,
                  struct scrape_config *const *configs, size_t config_count);
/* Where the targets of a job go; NULL: there is no such job. Lives as long as the job. */
struct target_sink *scraper_sink(struct scraper *scraper, const char *job_name);
enum scrape_health { SCRAPE_UNKNOWN, SCRAPE_UP, SCRAPE_DOWN };

struct scrape_status {
    enum scrape_health health;
    const char *error;      /* of the last scrape; "" */
    int64_t last_scrape_ns; /* wall clock; 0: there was none */
    double duration_seconds;
};

/* Told of each job (and how many targets its relabelling has dropped), then of each of its targets,
 * then of the dropped ones that are kept, by the labels that they had. What is NULL is not told. */
struct scraper_visitor {
    void (*on_job)(void *context, const struct scrape_config *config, size_t dropped);
    void (*on_target)(void *context, const struct target *target,
                      const struct scrape_status *status);
    void (*on_dropped)(void *context, const struct labels *discovered);
    void *context;
    /* Behind each target, the families of its metrics. */
    void (*on_metadata)(void *context, const struct metadata *metadata);
};
void scraper_visit(const struct scraper *scraper, const struct scraper_visitor *visitor);

/* Cancels scrapes in flight; writes no stale markers (Prometheus writes none at its end). */
void scraper_stop(struct scraper *scraper);
void scraper_free(struct scraper **scraper);

#endif
