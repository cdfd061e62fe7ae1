/* SPDX-License-Identifier: Apache-2.0 */
/* Series sorted as Prometheus sorts them: by name, then label by label. An order never changes; it
 * holds its series, so that their numbers stay theirs as long as somebody goes through it. */
#ifndef EDGEMETER_MODEL_SERIES_ORDER_H
#define EDGEMETER_MODEL_SERIES_ORDER_H

#include "model/series_table.h"

struct series_order {
    struct series_table *series;
    uint32_t references;
    size_t count;
    series_id ids[];
};

struct series_order *series_order_hold(struct series_order *order);
void series_order_release(struct series_order **order);

/* Sorts a slice at a time. */
struct series_sorter;

/* `hidden`: labels that are in it too, with the same value, count for nothing; borrowed. */
int series_sorter_new(struct series_table *series, const struct labels *hidden,
                      struct series_sorter **out);
void series_sorter_free(struct series_sorter **sorter);
/* One more series; the sorter takes a reference. 0 or -ENOMEM. */
int series_sorter_add(struct series_sorter *sorter, series_id series);
/* Series that are sorted already, to be merged with the others; `keeps` says which. Once. */
int series_sorter_add_order(struct series_sorter *sorter, const struct series_order *order,
                            bool (*keeps)(void *context, series_id series), void *context);
/* At most about `steps` comparisons more. 0: sorted, with the order in *out; -EAGAIN: not yet; or
 * -ENOMEM. */
int series_sorter_run(struct series_sorter *sorter, size_t steps, struct series_order **out);

#endif
