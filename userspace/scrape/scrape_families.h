/* SPDX-License-Identifier: Apache-2.0 */
/* What a target says of its metric families, over many scrapes. Comments make up half of a page and
 * hardly ever change: a run of them that stood at the same place in the scrape before is known,
 * and none of its lines is parsed again. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_FAMILIES_H
#define EDGEMETER_SCRAPE_SCRAPE_FAMILIES_H

#include "model/exposition.h"
#include "model/series_table.h"
#include "scrape/page_text.h"

#define SCRAPE_FAMILIES_MAX (1u << 16) /* runs of comments that are known again */

struct scrape_families;

/* Both tables outlive it. */
int scrape_families_new(struct series_table *series, struct page_texts *texts,
                        struct scrape_families **out);
void scrape_families_free(struct scrape_families **families);

/* A page begins. */
void scrape_families_begin(struct scrape_families *families);
/* `left` bytes at the start of a line that begins with #. Where they begin with the run that is
 * expected there, its length and the number of its lines, and its last family is the present one;
 * else 0. */
size_t scrape_families_known(struct scrape_families *families, const char *at, size_t left,
                             unsigned *lines);
/* A TYPE, HELP or UNIT line. */
void scrape_families_take(struct scrape_families *families, enum exposition_format format,
                          const struct exposition_entry *entry);
/* A sample line is next. All that stood between it and the one before, to be known again; empty
 * where that did not come in one piece. */
void scrape_families_learn(struct scrape_families *families, struct text run);
/* A family whose metadata came whole (the protobuf format). */
void scrape_families_set(struct scrape_families *families, const struct metadata *metadata);
/* The page is over: forgets what was not on it. */
void scrape_families_end(struct scrape_families *families);

/* The label whose value is a number in series of the last TYPE line's family: "le" of a histogram,
 * "quantile" of a summary; else an empty text. */
struct text scrape_families_bound(const struct scrape_families *families);
/* Of the present family; 0: nothing was said. */
metadata_id scrape_families_metadata(const struct scrape_families *families);
/* Its comments were parsed, not known: its series may need to be described anew. */
bool scrape_families_is_fresh(const struct scrape_families *families);

/* Prometheus' rule: http_requests_total is of the family http_requests if that is a counter, ... */
bool scrape_family_has(const struct metadata *family, struct text metric_name);

#endif
