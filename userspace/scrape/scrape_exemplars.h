/* SPDX-License-Identifier: Apache-2.0 */
/* The exemplars of a page, less those that Prometheus would not keep either: with labels that are
 * too long, equal to the series' last one, or older than it. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_EXEMPLARS_H
#define EDGEMETER_SCRAPE_SCRAPE_EXEMPLARS_H

#include "model/exposition.h"
#include "model/sample.h"

#define SCRAPE_EXEMPLAR_MAX_RUNES 128   /* of an exemplar's label names and values together */
#define SCRAPE_EXEMPLARS_MAX (1u << 20) /* of one page, and series whose last one is remembered */

struct scrape_exemplars;

int scrape_exemplars_new(struct scrape_exemplars **out);
void scrape_exemplars_free(struct scrape_exemplars **exemplars);

/* A page begins: its list is empty. */
void scrape_exemplars_begin(struct scrape_exemplars *exemplars);

/* An exemplar of the sample that will have this index in the record, and of its series; those of a
 * sample in the order of time. Without a timestamp of its own it gets the sample's. What does not
 * fit is dropped too. */
void scrape_exemplars_add(struct scrape_exemplars *exemplars, size_t index,
                          const struct sample *sample, const struct exposition_exemplar *exemplar);
/* The samples of this page are not kept: nor are its exemplars. */
void scrape_exemplars_clear(struct scrape_exemplars *exemplars);
/* Sorted by sample; valid until the next begin or clear. */
const struct exemplar *scrape_exemplars_list(const struct scrape_exemplars *exemplars,
                                             size_t *count);
/* The page is over: forgets the last exemplars of series that had none on it; if it failed, all.
 * Gives how many were out of order, of samples all of whose exemplars were: the others are those of
 * the scrape before and a newer one. */
size_t scrape_exemplars_end(struct scrape_exemplars *exemplars, bool failed);

#endif
