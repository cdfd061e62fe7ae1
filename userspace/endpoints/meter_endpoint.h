/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/edgemeter/http and /kernel: from the collector to JSON (docs/api.md). */
#ifndef EDGEMETER_ENDPOINTS_METER_ENDPOINT_H
#define EDGEMETER_ENDPOINTS_METER_ENDPOINT_H

#include "collect/collector.h"
#include "serve/server.h"

/* Without a collector (NULL) they say that nothing is metered. */
void meter_endpoint_http(struct collector *collector, const struct http_metrics_config *config,
                         struct server_response *response);
void meter_endpoint_kernel(struct collector *collector, struct server_response *response);

#endif
