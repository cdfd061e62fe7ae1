/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/status/...: config, flags, buildinfo, runtimeinfo, in Prometheus' shapes. */
#ifndef EDGEMETER_STATUS_ENDPOINT_H
#define EDGEMETER_STATUS_ENDPOINT_H

#include "agent_parts.h"

void status_endpoint_config(const struct agent *agent, struct server_response *response);
void status_endpoint_flags(const struct agent *agent, struct server_response *response);
void status_endpoint_build(struct server_response *response);
void status_endpoint_runtime(const struct agent *agent, struct server_response *response);

#endif
