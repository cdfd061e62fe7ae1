/* SPDX-License-Identifier: Apache-2.0 */
/* A table as one line of JSON. */
#ifndef EDGEMETER_TOP_TOP_JSON_H
#define EDGEMETER_TOP_TOP_JSON_H

#include "top/top_table.h"

/* The manual page has the format. 0, -ENOMEM or -E2BIG. */
int top_json_write(const struct top_table *table, const struct top_view *view, double time,
                   struct buffer *out);

#endif
