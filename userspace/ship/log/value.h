/* SPDX-License-Identifier: Apache-2.0 */
/* A float of a record in as few bytes as it takes, to the bit. What Prometheus targets expose is
 * mostly small integers, and decimals with few digits.
 *
 *    0-47   the integer 0 to 47; no bytes
 *   48      integer: signed varint
 *   49      the bits of the sample before in the record (before the first: 0); no bytes
 *   50      the stale marker; no bytes
 *   51      8 bytes
 *   52      4 bytes, a float
 *   53      no float: a histogram follows (histogram_code.h)
 *   54-62   decimal with 1 to 9 digits behind the point: signed varint of the digits
 *   63      no float: a histogram with custom buckets follows (histogram_code.h) */
#ifndef EDGEMETER_SHIP_LOG_VALUE_H
#define EDGEMETER_SHIP_LOG_VALUE_H

#include "ship/log/bytes.h"

#define VALUE_MAX_BYTES VARINT_MAX_BYTES

enum value_code {
    VALUE_SMALL_MAX = 47,
    VALUE_INTEGER = 48,
    VALUE_SAME = 49,
    VALUE_STALE = 50,
    VALUE_DOUBLE = 51,
    VALUE_FLOAT = 52,
    VALUE_HISTOGRAM = 53,
    VALUE_DECIMAL = 53, /* plus the digits behind the point */
    VALUE_DECIMAL_MAX = VALUE_DECIMAL + 9,
    VALUE_CUSTOM_HISTOGRAM = 63,
};

/* Writes at most VALUE_MAX_BYTES to *at and moves it behind them. */
uint8_t value_put(uint8_t **at, double value, double before);
/* Fails the reader for a code that is none. */
double value_get(struct byte_reader *reader, uint8_t code, double before);

#endif
