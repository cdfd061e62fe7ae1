/* SPDX-License-Identifier: Apache-2.0 */
/* Targets that have gone, until their stale markers are written or their labels are there again.
 * They outlive their jobs. */
#ifndef EDGEMETER_SCRAPE_RETIRED_TARGETS_H
#define EDGEMETER_SCRAPE_RETIRED_TARGETS_H

#include "scrape/scrape_cycle.h"

struct retired_targets;

int retired_targets_new(struct retired_targets **out);
/* No stale markers are written. */
void retired_targets_free(struct retired_targets **retired);
/* The same, with the memory left to the end. */
void retired_targets_stop(struct retired_targets *retired);

/* Takes over a cycle whose target has gone. */
void retired_targets_add(struct retired_targets *retired, struct scrape_cycle **cycle);
/* A target is there anew: what a retired one with its labels had alive is from now on its own. */
void retired_targets_return(struct retired_targets *retired, struct scrape_cycle *cycle);

#endif
