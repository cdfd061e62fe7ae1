/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/targets, /api/v1/targets/metadata and /api/v1/scrape_pools: from the scraper's targets to the answers. */
#ifndef EDGEMETER_ENDPOINTS_TARGETS_ENDPOINT_H
#define EDGEMETER_ENDPOINTS_TARGETS_ENDPOINT_H

#include "scrape/scraper.h"
#include "serve/server.h"

void targets_endpoint_answer(const struct scraper *scraper, const char *own_address,
                             struct server_response *response);
/* ?match_target= a selector, ?metric= a family's name, ?limit= of entries, looked at between
 * targets. */
void targets_endpoint_metadata(const struct scraper *scraper, struct server_response *response);
/* The jobs' names, sorted. */
void targets_endpoint_pools(const struct scraper *scraper, struct server_response *response);

#endif
