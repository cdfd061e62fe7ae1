/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families, and the arithmetic from a row to its series. */
#include "collect/http_families.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/float_text.h"

static uint64_t row_count(const struct http_row *row)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        count += row->buckets[i];
    return count;
}

static double row_sum(const struct http_family *family, const struct http_row *row)
{
    uint64_t sum = *(const uint64_t *)((const char *)row + family->sum_offset);
    return family->seconds ? (double)sum / 1e9 : (double)sum;
}

static size_t series_summary(const struct http_family *family,
                             const struct http_metrics_config *config, const struct http_row *row,
                             struct http_series *out)
{
    (void)config;
    out[0] = (struct http_series){.name = family->sum, .le = -1, .value = row_sum(family, row)};
    out[1] = (struct http_series){.name = family->count, .le = -1, .value = row_count(row)};
    return 2;
}

/* "NAME_bucket" stands right behind "NAME" in the table's strings: see DURATION below. */
static size_t series_histogram(const struct http_family *family,
                               const struct http_metrics_config *config,
                               const struct http_row *row, struct http_series *out)
{
    const char *bucket = family->name + strlen(family->name) + 1;
    uint64_t cumulative = 0;
    size_t i;

    for (i = 0; i < config->bucket_count; i++) {
        cumulative += row->buckets[i];
        out[i] =
            (struct http_series){.name = bucket, .le = config->buckets[i], .value = cumulative};
    }
    out[i] = (struct http_series){.name = bucket, .le = __builtin_inf(), .value = row_count(row)};
    return i + 1 + series_summary(family, config, row, out + i + 1);
}

static size_t series_total(const struct http_family *family,
                           const struct http_metrics_config *config, const struct http_row *row,
                           struct http_series *out)
{
    (void)config;
    *out = (struct http_series){
        .name = family->name, .le = -1, .classic = true, .value = row_count(row)};
    return 1;
}

#define DURATION(of, which)                                                                        \
    {.name = "http_" of "_request_duration_seconds\0http_" of "_request_duration_seconds_bucket",  \
     .type = "histogram",                                                                          \
     .help = "From a request's first byte to its response's last byte.",                           \
     .role = which,                                                                                \
     .series = series_histogram,                                                                   \
     .sum = "http_" of "_request_duration_seconds_sum",                                            \
     .count = "http_" of "_request_duration_seconds_count",                                        \
     .sum_offset = offsetof(struct http_row, duration_sum),                                        \
     .seconds = true}
#define SUMMARY(metric, which, text, field, is_seconds)                                            \
    {.name = metric,                                                                               \
     .type = "summary",                                                                            \
     .help = text,                                                                                 \
     .role = which,                                                                                \
     .series = series_summary,                                                                     \
     .sum = metric "_sum",                                                                         \
     .count = metric "_count",                                                                     \
     .sum_offset = offsetof(struct http_row, field),                                               \
     .seconds = is_seconds}
#define SUMMARIES(of, which)                                                                       \
    SUMMARY("http_" of "_time_to_first_byte_seconds", which,                                       \
            "From a request's first byte to its response's first byte.", first_byte_sum, true),    \
        SUMMARY("http_" of "_request_body_size_bytes", which, "Size of request bodies.",           \
                request_bytes, false),                                                             \
        SUMMARY("http_" of "_response_body_size_bytes", which, "Size of response bodies.",         \
                response_bytes, false)

const struct http_family http_families[] = {
    DURATION("server", HTTP_ROLE_SERVER),
    SUMMARIES("server", HTTP_ROLE_SERVER),
    {.name = "http_requests_total",
     .type = "counter",
     .help = "Requests answered by servers.",
     .role = HTTP_ROLE_SERVER,
     .series = series_total},
    DURATION("client", HTTP_ROLE_CLIENT),
    SUMMARIES("client", HTTP_ROLE_CLIENT),
};
const size_t http_family_count = ARRAY_SIZE(http_families);

size_t http_row_series(const struct http_metrics_config *config, uint8_t role,
                       const struct http_row *row, struct http_series out[HTTP_ROW_MAX_SERIES])
{
    size_t count = 0;

    for (size_t i = 0; i < http_family_count; i++)
        if (http_families[i].role == role)
            count += http_families[i].series(&http_families[i], config, row, out + count);
    return count;
}

static const struct {
    const char *upper, *lower;
} methods[HTTP_METHODS] = {
    [HTTP_METHOD_OTHER] = {"other", "other"},       [HTTP_METHOD_GET] = {"GET", "get"},
    [HTTP_METHOD_HEAD] = {"HEAD", "head"},          [HTTP_METHOD_POST] = {"POST", "post"},
    [HTTP_METHOD_PUT] = {"PUT", "put"},             [HTTP_METHOD_DELETE] = {"DELETE", "delete"},
    [HTTP_METHOD_CONNECT] = {"CONNECT", "connect"}, [HTTP_METHOD_OPTIONS] = {"OPTIONS", "options"},
    [HTTP_METHOD_TRACE] = {"TRACE", "trace"},       [HTTP_METHOD_PATCH] = {"PATCH", "patch"},
};

int http_series_label(struct labels_builder *builder, const struct http_row_key *key,
                      const struct http_series *series)
{
    uint8_t method = key->method < HTTP_METHODS ? key->method : HTTP_METHOD_OTHER;
    char status[8] = "other", le[FLOAT_TEXT_SIZE];
    int error;

    if (key->status)
        snprintf(status, sizeof(status), "%u", key->status);
    error = labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(series->name));
    if (series->classic) {
        error |= labels_builder_set(builder, TEXT("method"), text_of(methods[method].lower));
        error |= labels_builder_set(builder, TEXT("code"), text_of(status));
        return error ? -ENOMEM : 0;
    }
    error |= labels_builder_set(builder, TEXT("http_request_method"), text_of(methods[method].upper));
    error |= labels_builder_set(builder, TEXT("http_response_status_code"), text_of(status));
    error |= labels_builder_set(builder, TEXT("url_scheme"), TEXT("http"));
    if (series->le >= 0) {
        float_text(series->le, le);
        error |= labels_builder_set(builder, TEXT("le"), text_of(le));
    }
    return error ? -ENOMEM : 0;
}
