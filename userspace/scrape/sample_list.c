/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow by half. */
#include "scrape/sample_list.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_LIST (3 * (size_t)SCRAPE_MAX_SAMPLES)

int sample_list_reserve(struct sample_list *samples, size_t extra)
{
    size_t needed = samples->count + extra;

    if (needed <= samples->capacity)
        return 0;
    if (needed > MAX_LIST)
        return -E2BIG;
    size_t capacity = samples->capacity + samples->capacity / 2 + 16;
    if (capacity < needed)
        capacity = needed;
    struct sample *list = realloc(samples->list, capacity * sizeof(*list));
    if (!list)
        return -ENOMEM;
    samples->list = list;
    samples->capacity = capacity;
    return 0;
}

int sample_list_add(struct sample_list *samples, struct sample sample)
{
    int error = samples->count < samples->capacity ? 0 : sample_list_reserve(samples, 1);
    if (!error) {
        samples->list[samples->count++] = sample;
        samples->histograms += sample.type == SAMPLE_HISTOGRAM;
    } else if (sample.type == SAMPLE_HISTOGRAM) {
        histogram_release(sample.histogram);
    }
    return error;
}

void sample_list_add_created(struct sample_list *samples, size_t sample, int64_t created_ms)
{
    if (samples->created_count == samples->created_capacity) {
        size_t capacity = samples->created_capacity + samples->created_capacity / 2 + 16;
        void *created = realloc(samples->created, capacity * sizeof(*samples->created));
        if (!created)
            return;
        samples->created = created;
        samples->created_capacity = capacity;
    }
    samples->created[samples->created_count++] = (struct sample_created){sample, created_ms};
}

void sample_list_clear(struct sample_list *samples)
{
    for (size_t i = 0; samples->histograms; i++) {
        if (samples->list[i].type != SAMPLE_HISTOGRAM)
            continue;
        histogram_release(samples->list[i].histogram);
        samples->histograms--;
    }
    samples->count = samples->created_count = 0;
}

void sample_list_free(struct sample_list *samples)
{
    sample_list_clear(samples);
    free(samples->list);
    free(samples->created);
    *samples = (struct sample_list){0};
}
