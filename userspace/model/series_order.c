/* SPDX-License-Identifier: Apache-2.0 */
/* A bottom-up merge sort that can stop between any two elements. What is sorted already comes in as
 * the last run. */
#include "model/series_order.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct sorted_series {
    const struct labels *labels;
    struct text name;
    series_id id;
};

/* Runs of `width` elements from `from` are merged in pairs into `to`. */
struct series_sorter {
    struct series_table *series;
    const struct labels *hidden;
    struct sorted_series *from, *to;
    size_t count, capacity;
    size_t fresh; /* before the elements that came sorted */
    size_t width; /* of the runs; 0: not begun */
    size_t begin; /* of the present pair of runs */
    size_t left, right, out;
    bool at_pair, last; /* a pair has begun; it is the fresh ones and those that came sorted */
};

/* ---- orders ---- */

struct series_order *series_order_hold(struct series_order *order)
{
    assert(order->references > 0 && order->references < UINT32_MAX);
    order->references++;
    return order;
}

void series_order_release(struct series_order **out)
{
    struct series_order *order = TAKE_PTR(*out);
    if (!order || --order->references > 0)
        return;
    for (size_t i = 0; i < order->count; i++)
        series_table_release(order->series, order->ids[i]);
    free(order);
}

/* ---- comparing ---- */

static bool next_shown(struct label_cursor *cursor, const struct labels *hidden)
{
    while (labels_next(cursor)) {
        if (text_equal(cursor->label.name, TEXT(LABEL_METRIC_NAME)))
            continue;
        if (!hidden || !text_equal(labels_get(hidden, cursor->label.name), cursor->label.value))
            return true;
    }
    return false;
}

static int compare(const struct series_sorter *sorter, const struct sorted_series *a,
                   const struct sorted_series *b)
{
    int order = text_compare(a->name, b->name);
    struct label_cursor x = labels_first(a->labels), y = labels_first(b->labels);

    while (!order) {
        bool more = next_shown(&x, sorter->hidden), other = next_shown(&y, sorter->hidden);
        if (!more || !other)
            return more - other;
        order = text_compare(x.label.name, y.label.name);
        if (!order)
            order = text_compare(x.label.value, y.label.value);
    }
    return order;
}

/* ---- the sorter ---- */

int series_sorter_new(struct series_table *series, const struct labels *hidden,
                      struct series_sorter **out)
{
    struct series_sorter *sorter = calloc(1, sizeof(*sorter));
    if (!sorter)
        return -ENOMEM;
    sorter->series = series;
    sorter->hidden = hidden && labels_count(hidden) ? hidden : NULL;
    *out = sorter;
    return 0;
}

void series_sorter_free(struct series_sorter **out)
{
    struct series_sorter *sorter = TAKE_PTR(*out);
    if (!sorter)
        return;
    for (size_t i = 0; i < sorter->count; i++)
        series_table_release(sorter->series, sorter->from[i].id);
    free(sorter->from);
    free(sorter->to);
    free(sorter);
}

int series_sorter_add(struct series_sorter *sorter, series_id series)
{
    if (sorter->count == sorter->capacity) {
        size_t capacity = sorter->capacity + sorter->capacity / 2 + 64;
        void *grown = reallocarray(sorter->from, capacity, sizeof(*sorter->from));
        if (!grown)
            return -ENOMEM;
        sorter->from = grown;
        sorter->capacity = capacity;
    }
    const struct labels *labels = series_table_labels(sorter->series, series);
    series_table_hold(sorter->series, series);
    sorter->from[sorter->count++] = (struct sorted_series){
        .labels = labels,
        .name = labels_get(labels, TEXT(LABEL_METRIC_NAME)),
        .id = series,
    };
    sorter->fresh = sorter->count;
    return 0;
}

int series_sorter_add_order(struct series_sorter *sorter, const struct series_order *order,
                            bool (*keeps)(void *context, series_id series), void *context)
{
    size_t fresh = sorter->count;
    int error = 0;

    for (size_t i = 0; i < order->count && !error; i++)
        if (keeps(context, order->ids[i]))
            error = series_sorter_add(sorter, order->ids[i]);
    sorter->fresh = fresh;
    return error;
}

/* The runs of the present pair: of the fresh elements, or at last these and the others. */
static size_t end_of_left(const struct series_sorter *sorter)
{
    size_t end = sorter->begin + sorter->width;
    return sorter->last || end > sorter->fresh ? sorter->fresh : end;
}

static size_t end_of_right(const struct series_sorter *sorter)
{
    size_t end = sorter->begin + 2 * sorter->width;
    if (sorter->last)
        return sorter->count;
    return end > sorter->fresh ? sorter->fresh : end;
}

static void merge_one(struct series_sorter *sorter)
{
    size_t left_end = end_of_left(sorter), right_end = end_of_right(sorter);
    bool take_left = sorter->left < left_end &&
                     (sorter->right == right_end || compare(sorter, &sorter->from[sorter->left],
                                                            &sorter->from[sorter->right]) <= 0);
    sorter->to[sorter->out++] = sorter->from[take_left ? sorter->left++ : sorter->right++];
}

static void begin_pair(struct series_sorter *sorter)
{
    sorter->left = sorter->out = sorter->begin;
    sorter->right = end_of_left(sorter);
    sorter->at_pair = true;
}

/* All pairs are merged: what came sorted is copied beside, and wider runs are next. */
static void end_pass(struct series_sorter *sorter)
{
    size_t sorted = sorter->last ? 0 : sorter->count - sorter->fresh;
    if (sorted)
        memcpy(sorter->to + sorter->fresh, sorter->from + sorter->fresh,
               sorted * sizeof(*sorter->to));
    struct sorted_series *swapped = sorter->from;
    sorter->from = sorter->to;
    sorter->to = swapped;
    sorter->width *= 2;
    sorter->begin = 0;
    sorter->at_pair = false;
}

/* Whether there is another pass. */
static bool begin_pass(struct series_sorter *sorter)
{
    if (sorter->last)
        return false;
    if (sorter->width < sorter->fresh)
        return true;
    sorter->last = true;
    return sorter->fresh && sorter->fresh < sorter->count;
}

static bool run(struct series_sorter *sorter, size_t steps)
{
    size_t end = sorter->last ? sorter->count : sorter->fresh;

    for (; steps; steps--) {
        if (!sorter->at_pair)
            begin_pair(sorter);
        merge_one(sorter);
        if (sorter->out < end_of_right(sorter))
            continue;
        sorter->begin = sorter->out;
        sorter->at_pair = false;
        if (sorter->begin < end)
            continue;
        end_pass(sorter);
        if (!begin_pass(sorter))
            return true;
        end = sorter->last ? sorter->count : sorter->fresh;
    }
    return false;
}

/* Hands the references over. */
static int make_order(struct series_sorter *sorter, struct series_order **out)
{
    struct series_order *order = malloc(sizeof(*order) + sorter->count * sizeof(*order->ids));
    if (!order)
        return -ENOMEM;
    *order =
        (struct series_order){.series = sorter->series, .references = 1, .count = sorter->count};
    for (size_t i = 0; i < sorter->count; i++)
        order->ids[i] = sorter->from[i].id;
    sorter->count = 0;
    *out = order;
    return 0;
}

int series_sorter_run(struct series_sorter *sorter, size_t steps, struct series_order **out)
{
    if (!sorter->to) {
        sorter->to = calloc(sorter->count + 1, sizeof(*sorter->to));
        if (!sorter->to)
            return -ENOMEM;
        sorter->width = 1;
        if (!begin_pass(sorter))
            return make_order(sorter, out);
    }
    return run(sorter, steps) ? make_order(sorter, out) : -EAGAIN;
}
