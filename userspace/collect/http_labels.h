/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a series: whose cgroup, which requests, what every series that is sent has, and
 * what the rules make of it. */
#ifndef EDGEMETER_COLLECT_HTTP_LABELS_H
#define EDGEMETER_COLLECT_HTTP_LABELS_H

#include "collect/http_families.h"
#include "model/labels.h"

struct http_rows_environment;
struct relabeler;

#define HTTP_NO_NAME "other" /* of no configured route or host, or not told apart */

/* Which group's labels come next, relabelled, name and `le` not among them. RELABEL_KEPT,
 * RELABEL_DROPPED, -ENOMEM or -E2BIG. */
int http_labels_begin(struct labels_builder *builder, struct relabeler *relabeler,
                      const struct http_rows_environment *environment, const struct labels *cgroup,
                      const struct http_row_key *key, enum http_group_kind kind);
/* The same from any of the group's series, for text: without job, instance and external labels,
 * which whoever scrapes adds. 0, -ENOMEM or -E2BIG. */
int http_labels_begin_text(struct labels_builder *builder,
                           const struct http_rows_environment *environment,
                           const struct labels *sent);
/* The labels of one of the group's series; the next may follow. */
int http_labels_build(struct labels_builder *builder, const struct http_series *series,
                      struct labels **out);

#endif
