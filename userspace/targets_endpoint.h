/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/targets: from the scraper's targets to serve/targets_page. */
#ifndef EDGEMETER_TARGETS_ENDPOINT_H
#define EDGEMETER_TARGETS_ENDPOINT_H

#include "scrape/scraper.h"
#include "serve/server.h"

void targets_endpoint_answer(const struct scraper *scraper, const char *own_address,
                             struct server_response *response);

#endif
