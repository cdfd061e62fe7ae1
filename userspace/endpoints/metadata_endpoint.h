/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/metadata: what the targets say of each metric family, by the family's name. */
#ifndef EDGEMETER_ENDPOINTS_METADATA_ENDPOINT_H
#define EDGEMETER_ENDPOINTS_METADATA_ENDPOINT_H

#include "scrape/scraper.h"
#include "serve/server.h"

/* ?metric= a family's name, ?limit= of families, ?limit_per_metric= of entries in each. */
void metadata_endpoint_answer(const struct scraper *scraper, struct server_response *response);

#endif
