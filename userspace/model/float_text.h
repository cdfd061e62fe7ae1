/* SPDX-License-Identifier: Apache-2.0 */
/* Sample values and `le` bounds as text: the shortest decimal that reads back as the same bits, in
 * the form that Prometheus' writers give it (Go's strconv 'g'): 0.005, 1, 100000, 1e+06, +Inf, NaN.
 */
#ifndef EDGEMETER_MODEL_FLOAT_TEXT_H
#define EDGEMETER_MODEL_FLOAT_TEXT_H

#include <stddef.h>

#define FLOAT_TEXT_SIZE 32 /* the longest, -1.7976931348623157e+308, takes 25 with its NUL */

/* Writes a NUL-terminated text and gives its length. */
size_t float_text(double value, char out[FLOAT_TEXT_SIZE]);
/* The same with ".0" where the text would look like an integer, as OpenMetrics wants `le` and
 * `quantile`, and as Prometheus rewrites these two: 1.0, 1e+06, 0.005, +Inf. */
size_t float_text_openmetrics(double value, char out[FLOAT_TEXT_SIZE]);

#endif
