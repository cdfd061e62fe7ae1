/* SPDX-License-Identifier: Apache-2.0 */
/* The newest sample of each series, as /federate shows it, and the series in the order in which it
 * shows them. A sink before the sink: what it is given goes on as it came. 16 bytes a series; one
 * without a sample for LAST_SAMPLES_LOOKBACK, or with a stale marker, is forgotten. */
#ifndef EDGEMETER_MODEL_LAST_SAMPLES_H
#define EDGEMETER_MODEL_LAST_SAMPLES_H

#include "base/loop.h"
#include "model/sample.h"
#include "model/series_order.h"

#define LAST_SAMPLES_LOOKBACK_MS (5 * 60 * 1000)
#define LAST_SAMPLES_AHEAD_MS (10 * 60 * 1000) /* of the clock; no sample is further on purpose */

struct last_samples;

/* `loop` for what is forgotten by and by; NULL: nothing is. */
int last_samples_new(struct loop *loop, struct series_table *series, struct last_samples **out);
void last_samples_free(struct last_samples **samples);

/* Where producers append, if `next` is where it goes on; NULL: nowhere. Lives as long as the
 * samples. */
struct sample_sink *last_samples_sink(struct last_samples *samples, struct sample_sink *next);

/* The newest sample of the series, if it is at most LAST_SAMPLES_LOOKBACK_MS before `now_ms` and
 * not after it. A histogram stays the store's. */
bool last_samples_get(const struct last_samples *samples, series_id series, int64_t now_ms,
                      struct sample *out);
uint32_t last_samples_count(const struct last_samples *samples);

/* All series that have a sample, by name and then by labels, of which those that are in `hidden`
 * too count for nothing (NULL: none). Made in slices: -EAGAIN until it is ready, each call with a
 * slice of at most about a millisecond's work; -ENOMEM. A series that came in the meantime may be
 * missing, one that went may still be there. */
int last_samples_order(struct last_samples *samples, const struct labels *hidden,
                       struct series_order **out);

#endif
