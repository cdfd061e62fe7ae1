/* SPDX-License-Identifier: Apache-2.0 */
/* The families of a protobuf page, as they come; `page->proto` is there. Private to scrape_page.c.
 */
#ifndef EDGEMETER_SCRAPE_SCRAPE_PAGE_PROTO_H
#define EDGEMETER_SCRAPE_SCRAPE_PAGE_PROTO_H

#include "scrape/scrape_page_state.h"

void scrape_page_feed_families(struct scrape_page *page, const char *bytes, size_t length);
void scrape_page_end_families(struct scrape_page *page);

#endif
