/* SPDX-License-Identifier: Apache-2.0 */
/* One turn through the jobs, in which each thing is shown as it is told of. */
#include "endpoints/targets_endpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/duration.h"
#include "scrape/target.h"
#include "serve/json_answer.h"
#include "serve/targets_page.h"

static void show_job(void *page, const struct scrape_config *config, size_t dropped)
{
    targets_page_add_pool(page, config->job_name, dropped);
}

/* As it was written where that has stayed, 1500ms and not 1s500ms. */
static void write_duration(const struct target *target, const char *label, uint64_t ns,
                           char out[DURATION_TEXT_SIZE])
{
    struct text written = labels_get(target->discovered, text_of(label));
    uint64_t written_ns;

    if (!duration_parse(written, &written_ns) && written_ns == ns)
        snprintf(out, DURATION_TEXT_SIZE, "%.*s", TEXT_FORMAT(written));
    else
        duration_text(ns, out, DURATION_TEXT_SIZE);
}

static void show_target(void *page, const struct target *target, const struct scrape_status *status)
{
    static const char *const health[] = {
        [SCRAPE_UNKNOWN] = "unknown",
        [SCRAPE_UP] = "up",
        [SCRAPE_DOWN] = "down",
    };

    char interval[DURATION_TEXT_SIZE], timeout[DURATION_TEXT_SIZE];

    write_duration(target, "__scrape_interval__", target->scrape_interval_ns, interval);
    write_duration(target, "__scrape_timeout__", target->scrape_timeout_ns, timeout);
    targets_page_add_target(page, &(struct shown_target){
                                      .discovered = target->discovered,
                                      .labels = target->labels,
                                      .pool = target->config->job_name,
                                      .url = target->shown_url,
                                      .error = status->error,
                                      .health = health[status->health],
                                      .last_scrape_ns = status->last_scrape_ns,
                                      .last_scrape_seconds = status->duration_seconds,
                                      .interval = interval,
                                      .timeout = timeout,
                                  });
}

static void show_dropped(void *page, const struct labels *discovered)
{
    targets_page_add_dropped(page, discovered);
}

void targets_endpoint_answer(const struct scraper *scraper, const char *own_address,
                             struct server_response *response)
{
    struct targets_page *page;

    if (targets_page_new(response->request, own_address, &page)) {
        response->body.failed = true;
        return;
    }
    const struct scraper_visitor visitor = {show_job, show_target, show_dropped, page, NULL};
    scraper_visit(scraper, &visitor);
    targets_page_write(page, response);
    targets_page_free(&page);
}

struct pools {
    struct text *names;
    size_t count, capacity;
    bool failed;
};

static void gather_job(void *context, const struct scrape_config *config, size_t dropped)
{
    struct pools *pools = context;
    (void)dropped;

    if (pools->count == pools->capacity) {
        size_t capacity = pools->capacity * 2 + 16;
        void *grown = reallocarray(pools->names, capacity, sizeof(*pools->names));
        pools->failed |= !grown;
        if (!grown)
            return;
        pools->names = grown;
        pools->capacity = capacity;
    }
    pools->names[pools->count++] = text_of(config->job_name);
}

static int compare_names(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

void targets_endpoint_pools(const struct scraper *scraper, struct server_response *response)
{
    struct pools pools = {0};
    const struct scraper_visitor visitor = {.on_job = gather_job, .context = &pools};

    scraper_visit(scraper, &visitor);
    if (pools.count)
        qsort(pools.names, pools.count, sizeof(*pools.names), compare_names);
    struct json_writer json = json_answer_begin(response);
    json_open(&json, '{');
    JSON_OPEN(&json, "scrapePools", '[');
    for (size_t i = 0; i < pools.count; i++)
        json_text(&json, pools.names[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    json_answer_end(response);
    response->body.failed |= pools.failed;
    free(pools.names);
}
