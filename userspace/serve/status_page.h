/* SPDX-License-Identifier: Apache-2.0 */
/* GET /: the page for people. It asks the API for all that it shows. */
#ifndef EDGEMETER_SERVE_STATUS_PAGE_H
#define EDGEMETER_SERVE_STATUS_PAGE_H

#include "serve/server.h"

void status_page_answer(void *context, struct server_response *response);

#endif
