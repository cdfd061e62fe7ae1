/* SPDX-License-Identifier: Apache-2.0 */
/* convert_classic_histograms_to_nhcb: the series of a classic histogram, which stand behind each
 * other on a page, become one sample, as in Prometheus. Those that no histogram can be made of are
 * lost, as there, unless classic series are kept. Private to scrape_page*.c. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_CONVERT_H
#define EDGEMETER_SCRAPE_SCRAPE_CONVERT_H

#include "scrape/scrape_page_state.h"

#define SCRAPE_CONVERT_MAX_EXEMPLARS 1024 /* of one histogram; the others are left out */

int scrape_convert_new(bool keeps_classic, struct scrape_convert **out);
void scrape_convert_free(struct scrape_convert **convert);

/* As scrape_page_take, which gets what is no part of a classic histogram and what is to be kept. */
int scrape_convert_take(struct scrape_page *page, struct exposition_entry *entry);
/* The histogram being put together is complete: its sample is taken. 0, or -EINVAL: the page has
 * failed. */
int scrape_convert_flush(struct scrape_page *page);
/* Whether every series has to be looked at, known from the scrape before or not. */
bool scrape_convert_is_busy(const struct scrape_convert *convert);

#endif
