/* SPDX-License-Identifier: Apache-2.0 */
/* What the comments of a page say of the series that follow. Comments make up half of a page and
 * hardly ever change: those of a piece that is known (page_piece.h) are not parsed again. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_FAMILIES_H
#define EDGEMETER_SCRAPE_SCRAPE_FAMILIES_H

#include "model/exposition.h"
#include "scrape/page_piece.h"

struct scrape_families {
    struct series_table *series;
    metadata_id metadata; /* of the present family; 0: nothing was said */
    bool is_held;         /* by us, not only by the piece that said it */
    bool is_fresh;        /* its comments were parsed, not known: series may need to be described */
    bool describes;       /* the present run says something */
    bool has_type;        /* it has a TYPE line */
    enum metadata_type type; /* of the last TYPE line */
};

/* A page begins. The table outlives it. */
void scrape_families_begin(struct scrape_families *families, struct series_table *series);
void scrape_families_end(struct scrape_families *families);

/* A TYPE, HELP or UNIT line. */
void scrape_families_take(struct scrape_families *families, enum exposition_format format,
                          const struct exposition_entry *entry);
/* A family whose metadata came whole (the protobuf format). */
void scrape_families_set(struct scrape_families *families, const struct metadata *metadata);
/* The run of comments is over: what it said, beside its text. Metadata of before is held from now
 * on, so that pieces may go. */
void scrape_families_end_run(struct scrape_families *families, struct page_run *out);
void scrape_families_release(struct scrape_families *families);

/* The comments of a piece, which stays as long as no run ends, and no page. */
static inline void scrape_families_pass(struct scrape_families *families,
                                        const struct page_piece *piece)
{
    if (piece->has_type)
        families->type = (enum metadata_type)piece->type;
    if (!piece->describes)
        return;
    if (families->is_held)
        scrape_families_release(families);
    families->metadata = piece->metadata;
    families->is_fresh = false;
}

/* The label whose value is a number in series of the last TYPE line's family: "le" of a histogram,
 * "quantile" of a summary; else an empty text. */
struct text scrape_families_bound(const struct scrape_families *families);

/* Prometheus' rule: http_requests_total is of the family http_requests if that is a counter, ... */
bool scrape_family_has(const struct metadata *family, struct text metric_name);

#endif
