/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a page, with what is beside them. */
#ifndef EDGEMETER_SCRAPE_SAMPLE_LIST_H
#define EDGEMETER_SCRAPE_SAMPLE_LIST_H

#include "model/sample.h"

#define SCRAPE_MAX_SAMPLES (1u << 22) /* of one page */

struct sample_list {     /* at most SCRAPE_MAX_SAMPLES and twice as many again for stale markers */
    struct sample *list; /* has a reference of each histogram */
    size_t count, capacity;
    size_t histograms; /* of them */
    struct sample_created *created;
    size_t created_count, created_capacity;
};

/* Takes over a histogram's reference, on failure too. 0, -ENOMEM or -E2BIG. */
int sample_list_add(struct sample_list *samples, struct sample sample);
/* 0, -ENOMEM or -E2BIG. */
int sample_list_reserve(struct sample_list *samples, size_t extra);
/* In the order of the samples. Without memory it is left out. */
void sample_list_add_created(struct sample_list *samples, size_t sample, int64_t created_ms);
/* The memory stays. */
void sample_list_clear(struct sample_list *samples);
void sample_list_free(struct sample_list *samples);

#endif
