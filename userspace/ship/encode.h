/* SPDX-License-Identifier: Apache-2.0 */
/* A remote write request of either protocol, which grows TimeSeries by TimeSeries. One encoder
 * makes one request after the other; compression and sending are not done here. */
#ifndef EDGEMETER_SHIP_ENCODE_H
#define EDGEMETER_SHIP_ENCODE_H

#include "base/buffer.h"
#include "model/sample.h"
#include "ship/remote_write_config.h"

struct encoder;

/* What becomes one TimeSeries. All of it is borrowed for one call. */
struct encode_entry {
    const struct labels *labels;
    const struct sample *sample;
    const struct exemplar *exemplars; /* of this sample */
    size_t exemplar_count;
    int64_t created_ms;              /* 0: not known; 2.0 alone has room for it */
    const struct metadata *metadata; /* NULL: none; 2.0 alone sends it with each series */
};

/* A request is at most `max_bytes` long. 0 or -ENOMEM. */
int encoder_new(size_t max_bytes, struct encoder **out);
void encoder_free(struct encoder **encoder);

/* Forgets the request before. */
void encoder_begin(struct encoder *encoder, enum remote_write_protocol protocol);
/* 0, -ENOMEM, or -E2BIG where it does not fit below the maximum; then the request is as it was and
 * can go on. */
int encoder_add(struct encoder *encoder, const struct encode_entry *entry);
/* An entry of a 1.0 request of metadata. The same errors. */
int encoder_add_metadata(struct encoder *encoder, const struct metadata *metadata);
/* Bytes so far. */
size_t encoder_length(const struct encoder *encoder);
/* Those of them at the request's begin that stay as they are, valid until the next call. */
struct text encoder_ready(const struct encoder *encoder);
/* So many of these are elsewhere now. */
void encoder_drop(struct encoder *encoder, size_t length);
/* The rest of the request, valid until the next encoder_begin. 0 or -ENOMEM. */
int encoder_finish(struct encoder *encoder, struct text *out);

#endif
