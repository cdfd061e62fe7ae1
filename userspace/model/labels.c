/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing label sets. Making them is labels_builder.c, their layout labels_packed.h. */
#include "model/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/slab.h"
#include "model/escape.h"
#include "model/labels_packed.h"

uint64_t labels_packed_hash(const struct labels *labels)
{
    return XXH3_64bits_withSeed(labels->packed, labels->size - sizeof(*labels), label_hash_seed());
}

size_t labels_count(const struct labels *labels)
{
    return labels->count;
}

size_t labels_size(const struct labels *labels)
{
    return labels->size;
}

uint64_t labels_hash(const struct labels *labels)
{
    return labels->hash;
}

/* What is behind the head of an interned set. */
static size_t numbers_size(uint32_t count)
{
    return (1 + count) * sizeof(uint32_t);
}

static bool have_same_labels(const struct labels *a, const struct labels *b)
{
    struct label_cursor x = labels_first(a), y = labels_first(b);
    while (labels_next(&x) && labels_next(&y))
        if (!text_equal(x.label.name, y.label.name) || !text_equal(x.label.value, y.label.value))
            return false;
    return true;
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
    if (a == b)
        return true;
    if (a->hash != b->hash || a->size != b->size || a->count != b->count)
        return false;
    if (a->interned != b->interned)
        return have_same_labels(a, b);
    size_t bytes = a->interned ? numbers_size(a->count) : a->size - sizeof(*a);
    return memcmp(a->packed, b->packed, bytes) == 0;
}

/* ---- interned ---- */

static struct slab slabs[SLAB_CELL_MAX / 8 + 1]; /* by size in words */

static size_t interned_size(uint32_t count)
{
    return (sizeof(struct labels) + numbers_size(count) + 7) & ~(size_t)7;
}

static struct labels *interned_alloc(uint32_t count)
{
    size_t size = interned_size(count);
    return size <= SLAB_CELL_MAX ? slab_take(&slabs[size / 8], size) : malloc(size);
}

static void interned_free(struct labels *interned)
{
    size_t size = interned_size(interned->count);
    if (size <= SLAB_CELL_MAX)
        slab_give(&slabs[size / 8], interned);
    else
        free(interned);
}

static void release_pairs(const struct labels *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        label_pair_release(labels_pairs(labels)[i]);
}

static uint32_t siblings_of(const struct labels *interned)
{
    uint64_t siblings = interned->count;
    const label_pair_id *id = labels_pairs(interned);
    for (struct label_cursor c = labels_first(interned); labels_next(&c); id++)
        if (!text_equal(c.label.name, TEXT("instance")))
            siblings = (siblings ^ *id) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(siblings >> 32);
}

int labels_intern(const struct labels *labels, struct labels **out)
{
    struct labels *interned = interned_alloc(labels->count);
    if (!interned)
        return -ENOMEM;
    *interned = *labels;
    interned->interned = 1;
    uint32_t count = 0;
    for (struct label_cursor c = labels_first(labels); labels_next(&c); count++) {
        int error = label_pair_intern(&c.label, &interned->numbers[1 + count]);
        if (error) {
            release_pairs(interned, count);
            interned_free(interned);
            return error;
        }
    }
    interned->numbers[0] = siblings_of(interned);
    *out = interned;
    return 0;
}

void labels_free_interned(struct labels **labels)
{
    if (*labels) {
        release_pairs(*labels, (*labels)->count);
        interned_free(*labels);
    }
    *labels = NULL;
}

/* ---- reading ---- */

struct text labels_get(const struct labels *labels, struct text name)
{
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        int order = text_compare(c.label.name, name);
        if (order == 0)
            return c.label.value;
        if (order > 0)
            break;
    }
    return (struct text){"", 0};
}

struct label_cursor labels_first(const struct labels *labels)
{
    if (labels->interned)
        return (struct label_cursor){
            .next = (const uint8_t *)labels_pairs(labels),
            .end = (const uint8_t *)(labels_pairs(labels) + labels->count),
            .interned = true,
        };
    return (struct label_cursor){
        .next = labels->packed,
        .end = labels->packed + (labels->size - sizeof(*labels)),
    };
}

bool labels_next(struct label_cursor *cursor)
{
    if (cursor->next == cursor->end)
        return false;
    if (cursor->interned) {
        cursor->label = label_pair_label(label_pair_get(*(const label_pair_id *)cursor->next));
        cursor->next += sizeof(label_pair_id);
        return true;
    }
    cursor->next = packed_get(cursor->next, &cursor->label.name);
    cursor->next = packed_get(cursor->next, &cursor->label.value);
    return true;
}

static bool name_is_legal(struct text name, bool colon)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (!letter && !(digit && i > 0) && !(colon && c == ':'))
            return false;
    }
    return name.length > 0;
}

bool label_name_is_legal(struct text name)
{
    return name_is_legal(name, false);
}

bool metric_name_is_legal(struct text name)
{
    return name_is_legal(name, true);
}

static int write_quoted(struct text text, struct buffer *out)
{
    int error = buffer_append_char(out, '"');
    if (!error)
        error = escape_label_value(text, out);
    return error ? error : buffer_append_char(out, '"');
}

static int write_label(const struct label *label, struct buffer *out)
{
    int error = label_name_is_legal(label->name) ? buffer_append_text(out, label->name)
                                                 : write_quoted(label->name, out);
    if (!error)
        error = buffer_append_char(out, '=');
    return error ? error : write_quoted(label->value, out);
}

int labels_write(const struct labels *labels, struct buffer *out)
{
    struct text name = labels_get(labels, TEXT(LABEL_METRIC_NAME));
    bool bare = metric_name_is_legal(name);
    if (bare && labels->count == 1)
        return buffer_append_text(out, name);

    int error = bare ? buffer_append_text(out, name) : 0;
    char before = '{';
    if (!error && !bare && name.length) {
        error = buffer_append_char(out, before);
        if (!error)
            error = write_quoted(name, out);
        before = ',';
    }
    for (struct label_cursor c = labels_first(labels); !error && labels_next(&c);) {
        if (text_equal(c.label.name, TEXT(LABEL_METRIC_NAME)))
            continue;
        error = buffer_append_char(out, before);
        if (!error)
            error = write_label(&c.label, out);
        before = ',';
    }
    if (!error && before == '{')
        error = buffer_append_char(out, before);
    return error ? error : buffer_append_char(out, '}');
}
