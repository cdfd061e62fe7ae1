/* SPDX-License-Identifier: Apache-2.0 */
/* Two readings as a table: a line for each pod or service, with what happened between them. Draws
 * nothing. */
#ifndef EDGEMETER_TOP_TOP_TABLE_H
#define EDGEMETER_TOP_TOP_TABLE_H

#include "base/buffer.h"
#include "top/top_reading.h"

#define TOP_NAME_MAX 4096 /* bytes of a name */

struct top_line {
    char *name;                 /* UTF-8 as the agent sent it, in which any character may be */
    struct top_counters total;  /* since the agent started */
    struct top_counters recent; /* between the readings */
};

struct top_table {
    double seconds; /* between the readings; 0: nothing is known of rates */
    double bounds[TOP_MAX_BUCKETS];
    size_t bound_count;
    struct top_line *lines;
    size_t count;
    struct top_line sum; /* of all lines that are shown; without name */
};

struct top_view {
    const char *by;     /* as in top_options */
    const char *filter; /* NULL or "": all; letters of ASCII in either case */
    enum top_role role;
    enum top_column sort;
    bool reverse;
};

/* `before` may be NULL: then nothing is recent. The table borrows from `now`. 0 or -ENOMEM. */
int top_table_build(const struct top_reading *before, const struct top_reading *now,
                    const struct top_view *view, struct top_table **out);
void top_table_free(struct top_table **table);

/* What a column other than TOP_NAME shows of a line: rates per second, the share of errors from 0
 * to 1, seconds, bytes per second. NaN where there is nothing to show, quantiles of no request. */
double top_line_value(const struct top_table *table, const struct top_line *line,
                      enum top_column column);

#define autotable __attribute__((cleanup(top_table_free)))

#endif
