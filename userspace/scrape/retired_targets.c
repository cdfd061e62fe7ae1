/* SPDX-License-Identifier: Apache-2.0 */
/* A list of retiring cycles, each with its way back here. */
#include "scrape/retired_targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/log.h"

struct retired_target {
    TAILQ_ENTRY(retired_target) link;
    struct retired_targets *list;
    struct scrape_cycle *cycle;
};

struct retired_targets {
    TAILQ_HEAD(, retired_target) list;
};

int retired_targets_new(struct retired_targets **out)
{
    struct retired_targets *retired = calloc(1, sizeof(*retired));
    if (!retired)
        return -ENOMEM;
    TAILQ_INIT(&retired->list);
    *out = retired;
    return 0;
}

static void forget(struct retired_target *target)
{
    TAILQ_REMOVE(&target->list->list, target, link);
    scrape_cycle_free(&target->cycle);
    free(target);
}

void retired_targets_free(struct retired_targets **retired)
{
    if (!*retired)
        return;
    while (!TAILQ_EMPTY(&(*retired)->list))
        forget(TAILQ_FIRST(&(*retired)->list));
    free(TAKE_PTR(*retired));
}

void retired_targets_stop(struct retired_targets *retired)
{
    struct retired_target *target;
    TAILQ_FOREACH(target, &retired->list, link)
    {
        scrape_cycle_stop(target->cycle);
    }
}

static void on_ended(void *context, struct scrape_cycle *cycle)
{
    (void)cycle;
    forget(context);
}

void retired_targets_add(struct retired_targets *retired, struct scrape_cycle **cycle)
{
    struct retired_target *target = calloc(1, sizeof(*target));

    if (!target) {
        log_error("scrape", "no memory to end the series of a target that has gone",
                  LOG_STR("target", scrape_cycle_target(*cycle)->shown_url));
        scrape_cycle_free(cycle);
        return;
    }
    target->list = retired;
    target->cycle = TAKE_PTR(*cycle);
    TAILQ_INSERT_TAIL(&retired->list, target, link);
    scrape_cycle_retire(target->cycle, on_ended, target);
}

void retired_targets_return(struct retired_targets *retired, struct scrape_cycle *cycle)
{
    const struct labels *labels = scrape_cycle_target(cycle)->labels;
    struct retired_target *target, *next;

    for (target = TAILQ_FIRST(&retired->list); target; target = next) {
        next = TAILQ_NEXT(target, link);
        if (!labels_equal(scrape_cycle_target(target->cycle)->labels, labels))
            continue;
        int error = scrape_cycle_inherit(cycle, target->cycle);
        if (error)
            log_error("scrape", "series of a target that came back may not end",
                      LOG_STR("target", scrape_cycle_target(cycle)->shown_url),
                      LOG_STR("err", strerror(-error)));
        forget(target);
    }
}
