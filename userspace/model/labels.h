/* SPDX-License-Identifier: Apache-2.0 */
/* Label sets. A `struct labels` is immutable, packed into one allocation, sorted by name in byte
 * order, each name once, no empty value (Prometheus: an empty label is an absent one). */
#ifndef EDGEMETER_MODEL_LABELS_H
#define EDGEMETER_MODEL_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "model/label.h"

#define LABEL_METRIC_NAME "__name__"
#define LABELS_MAX_COUNT 4096               /* labels in one builder */
#define LABELS_MAX_BYTES (16 * 1024 * 1024) /* their text, since the builder was cleared */

struct labels; /* free with free(), but interned ones */

size_t labels_count(const struct labels *labels);
/* Bytes of the whole allocation; of an interned set those that it would take otherwise. */
size_t labels_size(const struct labels *labels);
/* A seeded XXH3 of the set, computed once. */
uint64_t labels_hash(const struct labels *labels);
bool labels_equal(const struct labels *a, const struct labels *b);
/* The value, or an empty text. */
struct text labels_get(const struct labels *labels, struct text name);

/* for (struct label_cursor c = labels_first(set); labels_next(&c);) use(c.label); */
struct label_cursor {
    const uint8_t *next;
    const uint8_t *end;
    bool interned;
    struct label label;
};
struct label_cursor labels_first(const struct labels *labels);
bool labels_next(struct label_cursor *cursor);

/* The same set as a list of label pairs (label_pair.h), which is shorter and keeps nothing but what
 * no other set has. 0, -ENOMEM or -E2BIG. */
int labels_intern(const struct labels *labels, struct labels **out);
void labels_free_interned(struct labels **labels);

/* {__name__="up", job="x"} as `up{job="x"}` with Prometheus' escapes; a name that is not a legacy
 * name is quoted inside the braces. */
int labels_write(const struct labels *labels, struct buffer *out);

bool label_name_is_legal(struct text name);  /* [a-zA-Z_][a-zA-Z0-9_]* */
bool metric_name_is_legal(struct text name); /* [a-zA-Z_:][a-zA-Z0-9_:]* */

/* Collects labels in any order, then builds a set. Texts are copied in. */
struct labels_builder;
int labels_builder_new(struct labels_builder **out);
void labels_builder_free(struct labels_builder **builder);
void labels_builder_clear(struct labels_builder *builder);
/* Sets or replaces; an empty value deletes. The texts may be the builder's own (labels_builder_get
 * gave them). 0, -ENOMEM, -E2BIG (past LABELS_MAX_...) or -EINVAL (an empty name). */
int labels_builder_set(struct labels_builder *builder, struct text name, struct text value);
/* The value so far, or an empty text; valid until the next change. */
struct text labels_builder_get(const struct labels_builder *builder, struct text name);
int labels_builder_add_all(struct labels_builder *builder, const struct labels *labels);
/* The labels so far, sorted by name; texts valid until the next change. */
size_t labels_builder_count(const struct labels_builder *builder);
struct label labels_builder_at(const struct labels_builder *builder, size_t index);
/* From now on it is noted which labels are set, and in which order. */
void labels_builder_mark(struct labels_builder *builder);
/* 0: as it was at the mark; else it is the first, second, ... that was set. Setting one again does
 * not move it. */
uint32_t labels_builder_order(const struct labels_builder *builder, size_t index);
/* The sorted set; the builder stays as it is. */
int labels_builder_build(const struct labels_builder *builder, struct labels **out);

#endif
