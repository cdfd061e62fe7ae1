/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a page that differ from those of the scrape before in their values alone: nearly all
 * of nearly every page. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_KNOWN_H
#define EDGEMETER_SCRAPE_SCRAPE_KNOWN_H

#include "scrape/scrape_page_state.h"

/* The parser stands behind a sample line, or at the beginning of a page: takes the samples of the
 * pieces that follow as the cache expects them, as far as it has nothing to decide about them, and
 * goes behind them. Gives their number. */
uint32_t scrape_page_take_known(struct scrape_page *page, struct exposition_parser *parser);

#endif
