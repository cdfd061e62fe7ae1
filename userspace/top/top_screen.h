/* SPDX-License-Identifier: Apache-2.0 */
/* What is drawn: the whole screen for a terminal, or the table alone as plain text. Writes into
 * buffers; the terminal is not known here. */
#ifndef EDGEMETER_TOP_TOP_SCREEN_H
#define EDGEMETER_TOP_TOP_SCREEN_H

#include "top/top_table.h"

#define TOP_FILTER_MAX 128

struct top_screen {
    struct top_view view; /* its filter is the one below */
    const char *source;   /* where the readings come from */
    char message[256];    /* "": all is well */
    char filter[TOP_FILTER_MAX];
    bool typing; /* the filter is being edited */
    bool paused;
    bool help;
    bool colour;
    size_t first; /* of the lines shown */
};

/* Lines of the table that fit on a screen of as many lines. */
size_t top_screen_room(size_t lines);
/* `table` may be NULL: nothing is known yet. */
void top_screen_draw(struct top_screen *screen, const struct top_table *table, size_t lines,
                     size_t columns, struct buffer *out);
/* Names in full, without a sequence for a terminal. */
void top_table_print(const struct top_table *table, struct buffer *out);

#endif
