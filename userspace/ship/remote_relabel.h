/* SPDX-License-Identifier: Apache-2.0 */
/* write_relabel_configs: from the series in the queue to those that one remote gets. Relabels once
 * for a series, not once for a sample. */
#ifndef EDGEMETER_SHIP_REMOTE_RELABEL_H
#define EDGEMETER_SHIP_REMOTE_RELABEL_H

#include "model/relabel.h"
#include "model/series_table.h"

#define REMOTE_RELABEL_MAX_SERIES (1u << 22) /* series beyond are relabelled for each sample */

struct remote_relabel;

/* Both outlive it. 0 or -ENOMEM. */
int remote_relabel_new(struct series_table *series, const struct relabel_rules *rules,
                       struct remote_relabel **out);
/* Releases its references. */
void remote_relabel_free(struct remote_relabel **relabel);

/* What becomes of a series: 0 is "dropped"; another series is valid until the next call. 0, -ENOMEM
 * or -E2BIG (the table is full, or the labels are too large). */
int remote_relabel_series(struct remote_relabel *relabel, series_id series, series_id *out);

#endif
