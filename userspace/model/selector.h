/* SPDX-License-Identifier: Apache-2.0 */
/* Vector selectors of PromQL, as in match[]: up, {job="a",code!~"2.."}, {"my.metric"}. Parsed with
 * the words of Prometheus 3 for what is wrong. Knows no samples. */
#ifndef EDGEMETER_MODEL_SELECTOR_H
#define EDGEMETER_MODEL_SELECTOR_H

#include "model/labels.h"
#include "model/selector_lex.h"

#define SELECTOR_MAX_BYTES (64 * 1024)
#define SELECTOR_MAX_MATCHERS 256

struct selector;

/* 0, -ENOMEM, or -EINVAL with the first fault as "1:5: parse error: ...". */
int selector_parse(struct text text, struct selector **out, char error[SELECTOR_ERROR_SIZE]);
void selector_free(struct selector **selector);

/* {}: Prometheus finds no series by it, but all targets. */
bool selector_is_empty(const struct selector *selector);
/* Whether all its matchers agree, and there is one. A label that is one of `hidden`, with the same
 * value, counts as not there; NULL: nothing is hidden. */
bool selector_match(const struct selector *selector, const struct labels *labels,
                    const struct labels *hidden);

#define autoselector __attribute__((cleanup(selector_free)))

#endif
