/* SPDX-License-Identifier: Apache-2.0 */
/* What a page holds: the list of samples is its own, exemplars are the cache's. */
#include "scrape/scrape_page_state.h"

void scrape_page_drop_samples(struct scrape_page *page)
{
    struct scrape_exemplars *exemplars = scrape_cache_exemplars(page->cache, false);

    sample_list_free(&page->samples);
    if (exemplars)
        scrape_exemplars_clear(exemplars);
}

struct sample_record scrape_page_record(const struct scrape_page *page)
{
    const struct scrape_exemplars *exemplars = scrape_cache_exemplars(page->cache, false);
    struct sample_record record = {
        .samples = page->samples.list,
        .count = page->samples.count,
        .created = page->samples.created,
        .created_count = page->samples.created_count,
    };

    if (exemplars)
        record.exemplars = scrape_exemplars_list(exemplars, &record.exemplar_count);
    return record;
}
