/* SPDX-License-Identifier: Apache-2.0 */
/* One target: where it is scraped and which labels its samples get. Immutable once made. */
#ifndef EDGEMETER_SCRAPE_TARGET_H
#define EDGEMETER_SCRAPE_TARGET_H

#include "model/labels.h"
#include "scrape/scrape_config.h"

struct target {
    const struct scrape_config *config; /* borrowed */
    struct labels *labels;              /* what every sample gets: none that starts with __ */
    char *url;
    char *shown_url; /* without a password, for messages */
    uint64_t hash;   /* FNV-64a of all labels and the URL: the same at every start */
};

#define TARGET_REASON_SIZE 256

/* `address` with the labels of its group. 0, -ENOMEM, or -EINVAL with the reason in words. */
int target_new(const struct scrape_config *config, const struct static_targets *group,
               const char *address, struct target **out, char reason[TARGET_REASON_SIZE]);
void target_free(struct target **target);
/* Prometheus: equal labels and URL are one target. */
bool target_equal(const struct target *a, const struct target *b);

#endif
