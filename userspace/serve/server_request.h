/* SPDX-License-Identifier: Apache-2.0 */
/* A request while it is answered, for server.c and server_request.c alone. */
#ifndef EDGEMETER_SERVE_SERVER_REQUEST_H
#define EDGEMETER_SERVE_SERVER_REQUEST_H

#include <microhttpd.h>

#include "serve/server.h"

struct server_request {
    struct MHD_Connection *connection;
};

#endif
