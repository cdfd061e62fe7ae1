/* SPDX-License-Identifier: Apache-2.0 */
/* Samples as remote write 1.0 wire bytes. A WriteRequest is nothing but its TimeSeries one after
 * the other, so it grows sample by sample; compression and sending are not done here. */
#ifndef EDGEMETER_SHIP_ENCODE_H
#define EDGEMETER_SHIP_ENCODE_H

#include "base/buffer.h"
#include "model/sample.h"

/* Appends one TimeSeries with these labels and exactly this one sample. 0, -ENOMEM, or -E2BIG where
 * it does not fit below the buffer's maximum; then the buffer is as it was and can go on being
 * used. */
int encode_time_series(struct buffer *out, const struct labels *labels,
                       const struct sample *sample);

#endif
