/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of /federate: the newest sample of every series that a selector matches, as Prometheus
 * gives it. Written in slices, so that whoever asks for many series holds up nobody. */
#ifndef EDGEMETER_SERVE_FEDERATE_H
#define EDGEMETER_SERVE_FEDERATE_H

#include "model/last_samples.h"
#include "model/selector.h"
#include "serve/federate_format.h"

#define FEDERATE_MAX_SELECTORS 1024

struct federate;

struct federate_environment {
    struct last_samples *samples;
    const struct series_table *series;
    const struct labels *external_labels; /* borrowed for the call alone; NULL: none */
    int64_t (*now_ms)(void); /* asked for each series: they go on while the answer is given */
};

int federate_new(const struct federate_environment *environment, const char *accept,
                 struct federate **out);
void federate_free(struct federate **federate);

/* One match[]. 0, -ENOMEM, or -EINVAL with the reason as Prometheus words it. */
int federate_add(struct federate *federate, struct text selector, char error[SELECTOR_ERROR_SIZE]);

const char *federate_content_type(const struct federate *federate);
/* Appends the next slice, of some 16 KiB or 10 ms (more where one series takes more), or nothing. 1: there is more; 0: that was all;
 * or a negative errno. */
int federate_run(struct federate *federate, struct buffer *out);

#endif
