/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' notation for durations, "1h30m": of keys in the configuration and of the labels
 * __scrape_interval__ and __scrape_timeout__. */
#ifndef EDGEMETER_BASE_DURATION_H
#define EDGEMETER_BASE_DURATION_H

#include <stdint.h>

#include "base/text.h"

/* y w d h m s ms, each at most once and in this order, whole numbers, or 0. -EINVAL; -ERANGE beyond
 * what Prometheus can hold (2^63 ns). */
int duration_parse(struct text text, uint64_t *out_ns);

/* The shortest such notation, cut to `size`. */
#define DURATION_TEXT_SIZE 64
void duration_text(uint64_t ns, char *out, size_t size);

#endif
