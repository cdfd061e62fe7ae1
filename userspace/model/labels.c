/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing label sets. Making them is labels_builder.c, their layout labels_packed.h. */
#include "model/labels.h"

#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"
#include "model/escape.h"
#include "model/labels_packed.h"

/* Seeded, so that nobody who chooses label values can choose which of them collide. */
static uint64_t hash_seed(void)
{
    static uint64_t seed;
    static bool known;
    if (!known && getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = clock_monotonic_ns() ^ (uint64_t)(uintptr_t)&seed; /* right after boot */
    known = true;
    return seed;
}

uint64_t labels_packed_hash(const struct labels *labels)
{
    return XXH3_64bits_withSeed(labels->packed, labels->size - sizeof(*labels), hash_seed());
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

bool labels_equal(const struct labels *a, const struct labels *b)
{
    return a == b || (a->hash == b->hash && a->size == b->size &&
                      memcmp(a->packed, b->packed, a->size - sizeof(*a)) == 0);
}

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
    return (struct label_cursor){
        .next = labels->packed,
        .end = (const uint8_t *)labels + labels->size,
    };
}

bool labels_next(struct label_cursor *cursor)
{
    if (cursor->next == cursor->end)
        return false;
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
