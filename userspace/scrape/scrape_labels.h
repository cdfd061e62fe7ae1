/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a scraped sample: what the target exposes, the target's own labels, the external
 * labels, and who wins where they meet. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_LABELS_H
#define EDGEMETER_SCRAPE_SCRAPE_LABELS_H

#include "model/exposition.h"
#include "scrape/target.h"

#define SCRAPE_LABELS_REASON_SIZE 256

struct scrape_labels; /* working memory */

/* `external` may be NULL; it outlives this. */
int scrape_labels_new(const struct labels *external, struct scrape_labels **out);
void scrape_labels_free(struct scrape_labels **labels);

/* The labels of a sample line. `bound` is the name of the label whose value is a number of the
 * family's type ("le" of a histogram, "quantile" of a summary), which is written as OpenMetrics
 * writes it, or empty. The caller frees *out; it is NULL where relabelling drops the sample. 0,
 * -ENOMEM, -E2BIG, or -EINVAL with the reason. */
int scrape_labels_build(struct scrape_labels *labels, const struct exposition_entry *entry,
                        const struct target *target, struct text bound, struct labels **out,
                        char reason[SCRAPE_LABELS_REASON_SIZE]);
/* Gives the set that was built last the external labels, which are no matter of the scrape's own
 * limits. 0, -ENOMEM or -E2BIG; then it is as it was. */
int scrape_labels_add_external(struct scrape_labels *labels, struct labels **set);
/* The labels of a series about the scrape itself, `up` say. */
int scrape_labels_build_report(struct scrape_labels *labels, const char *name,
                               const struct target *target, struct labels **out);

#endif
