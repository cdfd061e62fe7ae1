/* SPDX-License-Identifier: Apache-2.0 */
/* GET /federate?match[]=...: the request of the answer that federate.h makes. */
#ifndef EDGEMETER_SERVE_FEDERATE_PAGE_H
#define EDGEMETER_SERVE_FEDERATE_PAGE_H

#include "serve/federate.h"
#include "serve/server.h"

void federate_page_answer(const struct federate_environment *environment,
                          struct server_response *response);

#endif
