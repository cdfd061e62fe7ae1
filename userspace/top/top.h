/* SPDX-License-Identifier: Apache-2.0 */
/* `edgemeter top`: readings at an interval, shown live, as text or as JSON. Where they come from is
 * behind a source. */
#ifndef EDGEMETER_TOP_TOP_H
#define EDGEMETER_TOP_TOP_H

#include "base/loop.h"
#include "base/text.h"
#include "top/top_options.h"

struct top;

struct top_source {
    const char *name; /* shown */
    /* Begins a reading: top_take() or top_take_error() follows, from within or later. */
    void (*read)(void *context, struct top *top);
    void *context;
};

/* Until it is told to end; with `once` until two readings are shown. 0, or a negative errno with
 * the reason on stderr. */
int top_run(struct loop *loop, const struct top_source *source, const struct top_options *options);

/* The answer of /api/v1/edgemeter/http. */
void top_take(struct top *top, struct text json);
/* One line. Nothing was ever read: top_run() ends with it; else it is shown, and the next reading
 * may be better. */
void top_take_error(struct top *top, const char *message);

#endif
