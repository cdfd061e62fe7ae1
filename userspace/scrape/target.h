/* SPDX-License-Identifier: Apache-2.0 */
/* One target: where and how often it is scraped, and which labels its samples get. Immutable once
 * made. */
#ifndef EDGEMETER_SCRAPE_TARGET_H
#define EDGEMETER_SCRAPE_TARGET_H

#include "model/labels.h"
#include "scrape/scrape_config.h"

#define TARGET_TIMEOUT_SIZE 24

struct target {
    struct scrape_config *config; /* one reference */
    struct labels *discovered;    /* before relabelling, the job's defaults among them */
    bool dropped;                 /* by relabelling: there is nothing below */
    struct labels *labels;        /* what every sample gets: none that starts with __ */
    char *url;
    char *shown_url; /* without a password, for messages */
    uint64_t scrape_interval_ns;
    uint64_t scrape_timeout_ns;               /* where labels say it: at most the interval */
    char scrape_timeout[TARGET_TIMEOUT_SIZE]; /* in seconds */
    uint64_t hash; /* FNV-64a of all labels and the URL: the same at every start */
};

#define TARGET_REASON_SIZE 256

/* From what was discovered, a target's own labels over those of its group (NULL: none). 0, -ENOMEM,
 * or -EINVAL with the reason in words. */
int target_new(const struct scrape_config *config, const struct labels *group,
               const struct labels *own, struct target **out, char reason[TARGET_REASON_SIZE]);
void target_free(struct target **target);
/* Prometheus: equal labels and URL are one target. Not for dropped ones. */
bool target_equal(const struct target *a, const struct target *b);

#endif
