/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets as bytes of a record: for each label, sorted, name and value, each with its length as
 * a varint in front. Equal sets have equal bytes, in every process. */
#ifndef EDGEMETER_SHIP_LOG_LABEL_CODE_H
#define EDGEMETER_SHIP_LOG_LABEL_CODE_H

#include "base/buffer.h"
#include "model/labels.h"

/* Appends. 0, -ENOMEM or -E2BIG. */
int label_bytes_put(struct buffer *out, const struct labels *labels);
/* Makes the set, to be freed; `builder` is used for it. 0, -ENOMEM, or -EBADMSG: not the bytes of a
 * label set. */
int label_bytes_get(struct text bytes, struct labels_builder *builder, struct labels **out);

/* The hash that queue_sample.shard_key holds. */
uint32_t label_bytes_hash(struct text bytes);

#endif
