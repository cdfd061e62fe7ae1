/* SPDX-License-Identifier: Apache-2.0 */
/* From an entry of a page to a sample. Private to scrape_page*.c. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_TAKE_H
#define EDGEMETER_SCRAPE_SCRAPE_TAKE_H

#include "scrape/scrape_page_state.h"

/* The page fails for this reason. Gives -EINVAL. */
__attribute__((format(printf, 2, 3))) int scrape_page_fail(struct scrape_page *page,
                                                           const char *format, ...);
/* The same with the place in front: the line or family that is being read. */
__attribute__((format(printf, 2, 3))) int scrape_page_fail_here(struct scrape_page *page,
                                                                const char *format, ...);
int scrape_page_fail_errno(struct scrape_page *page, int error);

/* A sample entry, with its exemplar. 0, or -EINVAL: the page has failed. */
int scrape_page_take(struct scrape_page *page, const struct exposition_entry *entry);
/* One more exemplar of the sample taken last. */
void scrape_page_take_exemplar(struct scrape_page *page, const struct exposition_entry *entry);

#endif
