/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of /api/v1/targets, in the shape that Prometheus 2.42 and 3 give it. Knows nothing of
 * scraping: whoever has targets shows them one by one. */
#ifndef EDGEMETER_SERVE_TARGETS_PAGE_H
#define EDGEMETER_SERVE_TARGETS_PAGE_H

#include "model/labels.h"
#include "serve/server.h"

struct shown_target {
    const struct labels *discovered, *labels;
    const char *pool;
    const char *url; /* without a password */
    const char *error;
    const char *health;     /* "unknown", "up", "down" */
    int64_t last_scrape_ns; /* wall clock; 0: none yet */
    double last_scrape_seconds;
    const char *interval, *timeout; /* "15s" */
};

struct targets_page;

/* `own_address` is where the agent listens: with it the URLs of targets on this host become ones
 * that others can use. What is shown depends on the request's `state` and `scrapePool`. */
int targets_page_new(const struct server_request *request, const char *own_address,
                     struct targets_page **out);
void targets_page_free(struct targets_page **page);

void targets_page_add_pool(struct targets_page *page, const char *pool, size_t dropped);
void targets_page_add_target(struct targets_page *page, const struct shown_target *target);
/* One of the dropped ones of the pool added last. */
void targets_page_add_dropped(struct targets_page *page, const struct labels *discovered);
/* Writes the whole; a buffer that did not hold it has `failed` set. */
void targets_page_write(struct targets_page *page, struct server_response *response);

#endif
