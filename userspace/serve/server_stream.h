/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are made while they are sent, a slice at a time, and compressed where the client
 * takes gzip. For server.c alone. */
#ifndef EDGEMETER_SERVE_SERVER_STREAM_H
#define EDGEMETER_SERVE_SERVER_STREAM_H

#include <microhttpd.h>

#include "serve/server.h"

/* Of all servers of the process; beyond it the answer is a 503. */
#define SERVER_STREAMS_MAX 8

/* Takes the response's stream, on failure too: NULL then, without memory. Where there are too many
 * already, it makes the 503 instead. Sets the fields of the head that belong to it. */
struct MHD_Response *server_stream_start(struct server_response *response);

#endif
