/* SPDX-License-Identifier: Apache-2.0 */
/* The protobuf exposition format: metric families one behind the other, each with its length in
 * front. A pull parser over one family at a time, which gives the entries that exposition.h gives
 * for text: classic histograms and summaries in their parts, native histograms whole. As
 * Prometheus. */
#ifndef EDGEMETER_MODEL_PROTO_EXPOSITION_H
#define EDGEMETER_MODEL_PROTO_EXPOSITION_H

#include "model/exposition.h"

#define PROTO_MAX_FAMILY (64u * 1024 * 1024) /* bytes of one family */
#define PROTO_MAX_METRIC (32u * 1024 * 1024) /* memory of one of its metrics, unpacked */

struct proto_exposition;

struct proto_options {
    bool native_histograms;  /* else histograms are read as classic ones, whatever they hold */
    bool classic_histograms; /* the classic buckets of a native histogram too */
};

int proto_exposition_new(const struct proto_options *options, struct proto_exposition **out);
void proto_exposition_free(struct proto_exposition **parser);

/* The family at the front of `bytes`: its message in *family, and how many bytes it takes with its
 * length. 0: more bytes are needed, `*needed` in all (0: not even that is known). -EINVAL with the
 * error in `parser`: no length, or one above the maximum. */
int64_t proto_exposition_frame(struct proto_exposition *parser, struct text bytes,
                               struct text *family, size_t *needed);

/* A family, which must last until its last entry was taken. 0, -EINVAL or -ENOMEM. */
int proto_exposition_begin(struct proto_exposition *parser, struct text family);
/* What it says of itself; a counter's name may end with _total here. */
const struct metadata *proto_exposition_family(const struct proto_exposition *parser);
/* 1: an entry, whose texts hold until the next call; its histogram has a reference, which is the
 * caller's; 0: the family has no more; -EINVAL or -ENOMEM: see the error. */
int proto_exposition_next(struct proto_exposition *parser, struct exposition_entry *entry);

const char *proto_exposition_error(const struct proto_exposition *parser);

#endif
