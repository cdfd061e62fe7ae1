/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as its own files see it: agent.c starts the modules, agent_slices.c hands each what the
 * configuration has for it, agent_reload.c puts another configuration in place of the present one,
 * agent_pages.c answers requests, agent_stop.c ends it all. */
#ifndef EDGEMETER_AGENT_PARTS_H
#define EDGEMETER_AGENT_PARTS_H

#include "agent/agent.h"
#include "base/file_watch.h"
#include "base/http/http_client.h"
#include "base/loop.h"
#include "base/worker.h"
#include "collect/collector.h"
#include "discover/discovery.h"
#include "discover/kubernetes.h"
#include "model/last_samples.h"
#include "agent/process_metrics.h"
#include "scrape/scraper.h"
#include "serve/server.h"
#include "ship/shipper.h"

#define AGENT_ROUTES 43

/* What agent_reload.c keeps between reloads. */
struct agent_reload {
    struct metric *successful, *success_time;
    struct loop_timer *timer; /* of the automatic reload; NULL: there is none */
    struct file_watch *watch; /* NULL: no inotify */
    uint64_t checksum;        /* of the files as they were loaded last, or refused */
    bool unreadable;          /* the log has it */
};

#define AGENT_WEB_FILES 3

/* What agent_web.c knows of the files that it has read. */
struct agent_web {
    char *files[AGENT_WEB_FILES]; /* of TLS; NULL: not given */
    uint64_t signature;
};

struct agent {
    const struct agent_options *options;
    struct config *config;
    enum { AGENT_STARTING, AGENT_READY, AGENT_STOPPING } state;
    char instance[256];
    int64_t started_ns; /* wall clock */
    struct labels *external_labels;
    struct server_route routes[AGENT_ROUTES];
    struct agent_reload reload;
    struct agent_web web;

    struct series_table *series;
    struct last_samples *samples;
    struct metric_registry *metrics;
    struct process_metrics *process;
    struct loop *loop;
    struct worker *worker;
    struct http_client *http;
    struct shipper *shipper;
    struct collector *collector; /* NULL: nothing is metered */
    struct scraper *scraper;
    struct pod_table *pods;
    struct kubernetes *kubernetes;
    struct discovery *discovery;
    struct server *server;
};

/* ---- agent_slices.c: what the present configuration asks for ---- */

int agent_build_external_labels(const struct config *config, struct labels **out);
/* Loads and attaches where the configuration has http_metrics. */
int agent_start_collector(struct agent *agent);
struct scraper_environment agent_scraper_environment(struct agent *agent);
/* Every job's discoverers with the job's sink. */
int agent_run_discovery(struct agent *agent);

/* ---- agent_stop.c ---- */

/* As a signal does it; the loop stops when what is left was sent, or its time is over. */
void agent_stop(struct agent *agent, const char *why);

/* ---- agent_reload.c ---- */

/* The metrics, and the automatic reload where it is asked for. */
int agent_reload_start(struct agent *agent);
void agent_reload_stop(struct agent *agent);
/* Loads the file and puts it in the place of the present configuration. A file with an error
 * changes nothing; all its problems are in the log, and in `why` (NULL: nowhere else). 0 or a
 * negative errno. */
int agent_reload(struct agent *agent, struct buffer *why);

/* ---- agent_web.c ---- */

/* *out stays NULL where there is no file. 0 or a negative errno, logged. */
int agent_web_load(struct agent *agent, struct web_config **out);
/* Loads it again where it has changed; to be asked for by the server. */
void agent_web_refresh(void *agent);
void agent_web_free(struct agent *agent);

/* ---- agent_status.c: GET /api/v1/status/..., in Prometheus' shapes ---- */

void agent_show_config(const struct agent *agent, struct server_response *response);
void agent_show_flags(const struct agent *agent, struct server_response *response);
void agent_show_build(struct server_response *response);
void agent_show_runtime(const struct agent *agent, struct server_response *response);

/* ---- agent_pages.c ---- */

void agent_set_routes(struct agent *agent);

#endif
