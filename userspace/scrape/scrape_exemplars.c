/* SPDX-License-Identifier: Apache-2.0 */
/* A target exposes an exemplar until it has a newer one, so that most of what is read was there in
 * the scrape before: of each series' last one the hash of its labels is remembered. */
#include "scrape/scrape_exemplars.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash_table.h"
#include "model/utf8.h"

#define MAX_TEXT (1 << 20) /* bytes of one label, escapes resolved */

struct last_exemplar {
    series_id series; /* first: the key */
    uint32_t page;    /* on which it was last */
    uint64_t labels_hash;
    double value;
    int64_t timestamp_ms;
};

struct scrape_exemplars {
    struct exemplar *list; /* their labels are owned */
    size_t count, capacity;
    struct hash_table last; /* of struct last_exemplar, by series */
    uint32_t page;
    size_t sample;                    /* whose exemplars come at present */
    size_t sample_count, sample_late; /* of it: all, and those out of order */
    size_t out_of_order;              /* of the samples before it */
    struct labels_builder *builder;
    struct buffer name, value;
};

enum verdict { KEPT, DROPPED, OUT_OF_ORDER };

int scrape_exemplars_new(struct scrape_exemplars **out)
{
    struct scrape_exemplars *exemplars = calloc(1, sizeof(*exemplars));
    if (!exemplars)
        return -ENOMEM;
    hash_table_init(&exemplars->last, sizeof(series_id), SCRAPE_EXEMPLARS_MAX);
    buffer_init(&exemplars->name, MAX_TEXT);
    buffer_init(&exemplars->value, MAX_TEXT);
    *out = exemplars;
    return 0;
}

void scrape_exemplars_clear(struct scrape_exemplars *exemplars)
{
    for (size_t i = 0; i < exemplars->count; i++)
        free((struct labels *)exemplars->list[i].labels);
    exemplars->count = 0;
}

void scrape_exemplars_free(struct scrape_exemplars **out)
{
    struct scrape_exemplars *exemplars = *out;
    if (!exemplars)
        return;
    scrape_exemplars_clear(exemplars);
    free(exemplars->list);
    for (size_t i = 0; i < exemplars->last.slot_count; i++)
        free(exemplars->last.slots[i]);
    hash_table_free(&exemplars->last);
    labels_builder_free(&exemplars->builder);
    buffer_free(&exemplars->name);
    buffer_free(&exemplars->value);
    free(exemplars);
    *out = NULL;
}

void scrape_exemplars_begin(struct scrape_exemplars *exemplars)
{
    scrape_exemplars_clear(exemplars);
    exemplars->page++;
    exemplars->sample_count = exemplars->sample_late = exemplars->out_of_order = 0;
}

static size_t count_runes(struct text text)
{
    size_t runes = 0;

    for (size_t i = 0; i < text.length; i++)
        runes += (text.bytes[i] & 0xc0) != 0x80;
    return runes;
}

static int resolve(struct text *text, bool verbatim, struct buffer *scratch)
{
    if (verbatim || !text->length || !memchr(text->bytes, '\\', text->length))
        return 0;
    buffer_clear(scratch);
    int error = exposition_unescape(*text, scratch);
    *text = buffer_text(scratch);
    return error;
}

static int build_labels(struct scrape_exemplars *exemplars,
                        const struct exposition_exemplar *exemplar, struct labels **out)
{
    size_t runes = 0;
    int error = exemplars->builder ? 0 : labels_builder_new(&exemplars->builder);

    if (error)
        return error;
    labels_builder_clear(exemplars->builder);
    for (size_t i = 0; i < exemplar->label_count && !error; i++) {
        struct label label = exemplar->labels[i];
        error = resolve(&label.name, exemplar->verbatim, &exemplars->name);
        if (!error)
            error = resolve(&label.value, exemplar->verbatim, &exemplars->value);
        if (!utf8_is_valid(label.name))
            return -EINVAL;
        runes += count_runes(label.name) + count_runes(label.value);
        if (runes > SCRAPE_EXEMPLAR_MAX_RUNES)
            return -E2BIG;
        if (!error)
            error = labels_builder_set(exemplars->builder, label.name, label.value);
    }
    return error ? error : labels_builder_build(exemplars->builder, out);
}

static int reserve(struct scrape_exemplars *exemplars)
{
    if (exemplars->count < exemplars->capacity)
        return 0;
    if (exemplars->count == SCRAPE_EXEMPLARS_MAX)
        return -E2BIG;
    size_t capacity = exemplars->capacity ? exemplars->capacity * 2 : 16;
    struct exemplar *list = realloc(exemplars->list, capacity * sizeof(*list));
    if (!list)
        return -ENOMEM;
    exemplars->list = list;
    exemplars->capacity = capacity;
    return 0;
}

/* The series' last exemplar; a new one has no page yet. NULL without room. */
static struct last_exemplar *last_of(struct scrape_exemplars *exemplars, series_id series)
{
    struct last_exemplar *last = hash_table_find(&exemplars->last, &series);
    if (last)
        return last;
    last = calloc(1, sizeof(*last));
    if (!last)
        return NULL;
    last->series = series;
    if (hash_table_add(&exemplars->last, last)) {
        free(last);
        return NULL;
    }
    return last;
}

/* What has no timestamp of its own has another one in each scrape, and is the same for all that. */
static enum verdict judge(struct last_exemplar *last, const struct exemplar *new, bool own_time,
                          uint32_t page)
{
    uint64_t hash = labels_hash(new->labels);
    bool is_first = !last->page;

    last->page = page;
    if (!is_first) {
        bool same_time = !own_time || last->timestamp_ms == new->timestamp_ms;
        if (same_time && last->labels_hash == hash &&
            !memcmp(&last->value, &new->value, sizeof(new->value)))
            return DROPPED;
        if (new->timestamp_ms < last->timestamp_ms)
            return OUT_OF_ORDER;
    }
    last->labels_hash = hash;
    last->value = new->value;
    last->timestamp_ms = new->timestamp_ms;
    return KEPT;
}

static enum verdict add(struct scrape_exemplars *exemplars, size_t index,
                        const struct sample *sample, const struct exposition_exemplar *exemplar)
{
    struct labels *labels = NULL;
    struct last_exemplar *last;

    if (reserve(exemplars) || build_labels(exemplars, exemplar, &labels))
        return DROPPED;
    struct exemplar new = {
        .sample = index,
        .labels = labels,
        .value = exemplar->value,
        .timestamp_ms = exemplar->has_timestamp ? exemplar->timestamp_ms : sample->timestamp_ms,
    };
    enum verdict verdict = DROPPED;
    last = last_of(exemplars, sample->series);
    if (last)
        verdict = judge(last, &new, exemplar->has_timestamp, exemplars->page);
    if (verdict == KEPT)
        exemplars->list[exemplars->count++] = new;
    else
        free(labels);
    return verdict;
}

static void end_sample(struct scrape_exemplars *exemplars)
{
    if (exemplars->sample_late == exemplars->sample_count)
        exemplars->out_of_order += exemplars->sample_late;
    exemplars->sample_count = exemplars->sample_late = 0;
}

void scrape_exemplars_add(struct scrape_exemplars *exemplars, size_t index,
                          const struct sample *sample, const struct exposition_exemplar *exemplar)
{
    if (exemplars->sample != index)
        end_sample(exemplars);
    exemplars->sample = index;
    exemplars->sample_count++;
    exemplars->sample_late += add(exemplars, index, sample, exemplar) == OUT_OF_ORDER;
}

const struct exemplar *scrape_exemplars_list(const struct scrape_exemplars *exemplars,
                                             size_t *count)
{
    *count = exemplars->count;
    return exemplars->list;
}

size_t scrape_exemplars_end(struct scrape_exemplars *exemplars, bool failed)
{
    struct hash_table old = exemplars->last;
    uint32_t page = failed ? 0 : exemplars->page; /* none was last on page 0 */

    end_sample(exemplars);
    if (!old.count)
        return exemplars->out_of_order;
    hash_table_init(&exemplars->last, sizeof(series_id), SCRAPE_EXEMPLARS_MAX);
    for (size_t i = 0; i < old.slot_count; i++) {
        struct last_exemplar *last = old.slots[i];
        if (last && (last->page != page || hash_table_add(&exemplars->last, last)))
            free(last);
    }
    hash_table_free(&old);
    return exemplars->out_of_order;
}
