/* SPDX-License-Identifier: Apache-2.0 */
/* {"status":"success","data":...} and {"status":"error",...}. Knows no data. */
#include "serve/json_answer.h"

struct json_writer json_answer_begin(struct server_response *response)
{
    response->content_type = "application/json";
    buffer_append_string(&response->body, "{\"status\":\"success\",\"data\":");
    return (struct json_writer){.out = &response->body};
}

void json_answer_end(struct server_response *response)
{
    buffer_append_char(&response->body, '}');
}

void json_answer_error(struct server_response *response, int status, const char *type,
                       const char *message)
{
    struct json_writer json = {.out = &response->body};

    buffer_clear(&response->body);
    response->status = status;
    response->content_type = "application/json";
    json_open(&json, '{');
    JSON_STRING(&json, "status", "error");
    JSON_STRING(&json, "errorType", type);
    JSON_STRING(&json, "error", message);
    json_close(&json, '}');
}
