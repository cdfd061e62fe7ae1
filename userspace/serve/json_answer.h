/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' envelope around the data of /api/v1/... */
#ifndef EDGEMETER_SERVE_JSON_ANSWER_H
#define EDGEMETER_SERVE_JSON_ANSWER_H

#include "base/json_writer.h"
#include "serve/server.h"

/* What is written then is the value of "data". */
struct json_writer json_answer_begin(struct server_response *response);
void json_answer_end(struct server_response *response);
/* Instead: status "error", of the type bad_data (400), not_found (404), ... */
void json_answer_error(struct server_response *response, int status, const char *type,
                       const char *message);

#endif
