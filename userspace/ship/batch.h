/* SPDX-License-Identifier: Apache-2.0 */
/* One request, ready to be sent as often as it takes: the first samples of a shard, encoded and
 * compressed as one snappy block. Does not send. */
#ifndef EDGEMETER_SHIP_BATCH_H
#define EDGEMETER_SHIP_BATCH_H

#include "ship/encode.h"
#include "ship/pending.h"

/* Encoded. A batch that has reached FULL takes no more samples; a sample that alone is longer than
 * MAX cannot be sent. */
#define BATCH_FULL_BYTES (4 << 20)
#define BATCH_MAX_BYTES (8 << 20)

struct batch {
    struct buffer body; /* compressed */
    enum remote_write_protocol protocol;
    size_t items;                 /* of the shard, from its first one; those left out too */
    struct sample_counts samples; /* in the body */
    struct sample_counts too_old; /* left out this time, as are the next two */
    struct sample_counts too_large;
    struct sample_counts no_memory;
    size_t metadata;              /* series that have some */
    int64_t oldest_ms, newest_ms; /* timestamps in the body */
};

/* How a body is made. */
struct batch_rules {
    enum remote_write_protocol protocol;
    bool with_metadata; /* 2.0 */
    bool as_they_came;  /* else those of one name side by side, which compresses best */
    int64_t least_ms;   /* samples before this are too old; INT64_MIN: none is */
};

void batch_init(struct batch *batch);
void batch_free(struct batch *batch);
/* Empty again; the memory stays. */
void batch_clear(struct batch *batch);

/* What building takes beside the batch: one serves all. */
struct batch_builder;
int batch_builder_new(struct series_table *series, struct batch_builder **out);
void batch_builder_free(struct batch_builder **builder);

/* How many of the first samples make a batch of at most `most`. */
size_t batch_choose(const struct pending *pending, size_t most);
/* Fills the batch anew from the first `items`; the samples of a series stay in order. Without
 * memory nothing is in the body. */
void batch_build(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                 size_t items, const struct batch_rules *rules);

/* Compresses what is not made of samples, metadata of 1.0, into an empty buffer. 0, -ENOMEM. */
int batch_compress(struct buffer *body, struct text encoded);
struct encoder *batch_builder_encoder(struct batch_builder *builder);

#endif
