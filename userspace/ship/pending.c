/* SPDX-License-Identifier: Apache-2.0 */
/* An array that is taken from at its front. What is left moves there as soon as it is the smaller
 * part: each sample moves about once, and little memory is walked through. */
#include "ship/pending.h"

#include <errno.h>
#include <stdlib.h>

#define LEAST_CAPACITY 64
#define KEPT_CAPACITY 4096 /* of an empty one: more goes back to the system */

void pending_init(struct pending *pending, struct series_table *series)
{
    *pending = (struct pending){.series = series};
}

void pending_free(struct pending *pending)
{
    pending_drop(pending, pending->count);
    free(pending->items);
    pending->items = NULL;
    pending->capacity = 0;
}

static void counts_add(struct sample_counts *counts, const struct pending_item *item, uint64_t one)
{
    if (item->sample.type == SAMPLE_HISTOGRAM)
        counts->histograms += one;
    else
        counts->floats += one;
    if (item->extra)
        counts->exemplars += one * item->extra->exemplar_count;
}

static int pending_reserve(struct pending *pending, size_t more)
{
    if (pending->first + pending->count + more <= pending->capacity)
        return 0;
    size_t capacity = pending->capacity ? 2 * pending->capacity : LEAST_CAPACITY;
    while (capacity < pending->first + pending->count + more)
        capacity *= 2;
    struct pending_item *items = reallocarray(pending->items, capacity, sizeof(*items));
    if (!items)
        return -ENOMEM;
    pending->items = items;
    pending->capacity = capacity;
    return 0;
}

static struct pending_extra *extra_copy(const struct queue_sample *sample, size_t exemplar_count)
{
    size_t head = sizeof(struct pending_extra) + exemplar_count * sizeof(struct exemplar);
    size_t size = head;
    for (size_t i = 0; i < exemplar_count; i++)
        size += (labels_size(sample->exemplars[i].labels) + 7) & ~(size_t)7;
    struct pending_extra *extra = malloc(size);
    if (!extra)
        return NULL;
    extra->created_ms = sample->created_ms;
    extra->exemplar_count = exemplar_count;
    char *at = (char *)extra + head;
    for (size_t i = 0; i < exemplar_count; i++) {
        size_t length = labels_size(sample->exemplars[i].labels);
        extra->exemplars[i] = sample->exemplars[i];
        extra->exemplars[i].labels = memcpy(at, sample->exemplars[i].labels, length);
        at += (length + 7) & ~(size_t)7;
    }
    return extra;
}

int pending_push(struct pending *pending, const struct queue_sample *sample, series_id series,
                 bool with_exemplars)
{
    size_t exemplar_count = with_exemplars ? sample->exemplar_count : 0;
    struct pending_extra *extra = NULL;
    if (pending_reserve(pending, 1))
        return -ENOMEM;
    if (sample->created_ms || exemplar_count) {
        extra = extra_copy(sample, exemplar_count);
        if (!extra)
            return -ENOMEM;
    }
    struct pending_item *item = &pending->items[pending->first + pending->count++];
    *item = (struct pending_item){.sample = sample->sample, .end = sample->end, .extra = extra};
    item->sample.series = series;
    item->labels = series_table_hold(pending->series, series);
    if (item->sample.type == SAMPLE_HISTOGRAM)
        histogram_hold(item->sample.histogram);
    counts_add(&pending->counts, item, 1);
    return 0;
}

int pending_push_floats(struct pending *pending, const struct sample *samples, size_t count,
                        struct queue_position end)
{
    if (pending_reserve(pending, count))
        return -ENOMEM;
    struct pending_item *item = &pending->items[pending->first + pending->count];
    for (uint32_t i = 0; i < count; i++, item++) {
        item->sample = samples[i];
        item->end = (struct queue_position){end.segment, end.offset, i + 1};
        item->labels = series_table_hold(pending->series, samples[i].series);
        item->extra = NULL;
        item->left_out = false;
    }
    pending->count += count;
    pending->counts.floats += count;
    return 0;
}

void pending_leave_out(struct pending *pending, size_t index)
{
    struct pending_item *item = &pending->items[pending->first + index];
    counts_add(&pending->counts, item, (uint64_t)-1);
    item->left_out = true;
}

void pending_count(const struct pending *pending, size_t index, struct sample_counts *counts)
{
    if (!pending_at(pending, index)->left_out)
        counts_add(counts, pending_at(pending, index), 1);
}

static void move_to_front(struct pending *pending)
{
    if (pending->first < pending->count)
        return;
    if (pending->count)
        memcpy(pending->items, pending->items + pending->first,
               pending->count * sizeof(*pending->items));
    pending->first = 0;
}

void pending_drop(struct pending *pending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pending_item *item = &pending->items[pending->first + i];
        if (!item->left_out)
            counts_add(&pending->counts, item, (uint64_t)-1);
        series_table_release(pending->series, item->sample.series);
        if (item->sample.type == SAMPLE_HISTOGRAM)
            histogram_release(item->sample.histogram);
        free(item->extra);
    }
    pending->first += count;
    pending->count -= count;
    move_to_front(pending);
    if (!pending->count && pending->capacity > KEPT_CAPACITY) {
        free(pending->items);
        pending->items = NULL;
        pending->capacity = 0;
    }
}
