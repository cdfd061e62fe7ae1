/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/edgemeter/queues: from the shipper to JSON (docs/api.md). */
#ifndef EDGEMETER_ENDPOINTS_QUEUES_ENDPOINT_H
#define EDGEMETER_ENDPOINTS_QUEUES_ENDPOINT_H

#include "serve/server.h"
#include "ship/shipper.h"

void queues_endpoint_answer(const struct shipper *shipper, const struct queue_config *config,
                            struct server_response *response);

#endif
