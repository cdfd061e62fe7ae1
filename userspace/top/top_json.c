/* SPDX-License-Identifier: Apache-2.0 */
/* The values of each column under the name that the API has for it. */
#include "top/top_json.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/json_text.h"

static const struct {
    const char *name;
    enum top_column column;
} values[] = {
    {"requestsPerSecond", TOP_RATE},
    {"errorShare", TOP_ERRORS},
    {"p50", TOP_P50},
    {"p90", TOP_P90},
    {"p99", TOP_P99},
    {"requestBytesPerSecond", TOP_IN},
    {"responseBytesPerSecond", TOP_OUT},
};

static void write_line(const struct top_table *table, const struct top_line *line,
                       struct buffer *out)
{
    const struct top_counters *total = &line->total;

    buffer_append_string(out, "{\"name\":");
    json_append_string(out, text_of(line->name));
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        buffer_printf(out, ",\"%s\":", values[i].name);
        json_append_number(out, top_line_value(table, line, values[i].column));
    }
    buffer_printf(out,
                  ",\"requests\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"unanswered\":%" PRIu64
                  ",\"requestBytes\":%" PRIu64 ",\"responseBytes\":%" PRIu64 "}",
                  total->requests, total->errors, total->unanswered, total->request_bytes,
                  total->response_bytes);
}

int top_json_write(const struct top_table *table, const struct top_view *view, double time,
                   struct buffer *out)
{
    buffer_append_string(out, "{\"time\":");
    json_append_number(out, time);
    buffer_append_string(out, ",\"seconds\":");
    json_append_number(out, table->seconds);
    buffer_printf(out, ",\"role\":\"%s\",\"lines\":[",
                  view->role == TOP_SERVER ? "server" : "client");
    for (size_t i = 0; i < table->count; i++) {
        if (i)
            buffer_append_char(out, ',');
        write_line(table, &table->lines[i], out);
    }
    buffer_append_string(out, "]}\n");
    return out->failed ? -E2BIG : 0;
}
