/* SPDX-License-Identifier: Apache-2.0 */
/* One page on its way from bytes to samples. Lines and families are parsed as they come; the
 * samples are kept until the page is known to be good. Does not know where the bytes come from. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_PAGE_H
#define EDGEMETER_SCRAPE_SCRAPE_PAGE_H

#include "scrape/scrape_page_state.h"

void scrape_page_begin(struct scrape_page *page, const struct scrape_shared *shared,
                       const struct target *target, struct scrape_cache *cache,
                       int64_t timestamp_ms);
/* Before the first byte; else it is classic text. The page may fail for want of memory. */
void scrape_page_set_format(struct scrape_page *page, enum scrape_format format);
void scrape_page_feed(struct scrape_page *page, const char *bytes, size_t length);
/* The body is complete: parses a last line without its newline. */
void scrape_page_end(struct scrape_page *page);
void scrape_page_free(struct scrape_page *page);

#endif
