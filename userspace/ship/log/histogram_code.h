/* SPDX-License-Identifier: Apache-2.0 */
/* A native histogram as bytes of a record:
 *
 *   1 byte: bit 0 its counts are floats, bit 1 gauge
 *   signed schema, 8 bytes zero threshold, 8 bytes sum, count, zero count,
 *   then for the positive and for the negative buckets:
 *     varint how many spans, each signed offset and varint length;
 *     varint how many deltas, each signed, or counts
 *
 * and where the value's code says that its buckets are custom ones:
 *     varint how many bounds, 8 bytes each
 *
 * Counts are varints, or 8 bytes where they are floats. */
#ifndef EDGEMETER_SHIP_LOG_HISTOGRAM_CODE_H
#define EDGEMETER_SHIP_LOG_HISTOGRAM_CODE_H

#include "base/buffer.h"
#include "model/sample.h"
#include "ship/log/bytes.h"

/* VALUE_HISTOGRAM or VALUE_CUSTOM_HISTOGRAM. */
uint8_t histogram_value_code(const struct histogram *histogram);
/* 0, -ENOMEM or -E2BIG. */
int histogram_put(struct buffer *out, const struct histogram *histogram);
/* Makes one with one reference; NULL without memory, and where the reader fails. */
struct histogram *histogram_get(struct byte_reader *reader, uint8_t value_code);

#endif
