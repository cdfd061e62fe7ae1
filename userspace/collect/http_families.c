/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families, and the arithmetic from a row to its series. */
#include "collect/http_families.h"

#include "base/cleanup.h"

uint64_t http_row_count(const struct http_row *row)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        count += row->buckets[i];
    return count;
}

void http_row_add(struct http_row *total, const struct http_row *row)
{
    total->duration_sum += row->duration_sum;
    total->first_byte_sum += row->first_byte_sum;
    total->request_bytes += row->request_bytes;
    total->response_bytes += row->response_bytes;
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        total->buckets[i] += row->buckets[i];
}

void http_row_subtract(struct http_row *total, const struct http_row *row)
{
    total->duration_sum -= row->duration_sum;
    total->first_byte_sum -= row->first_byte_sum;
    total->request_bytes -= row->request_bytes;
    total->response_bytes -= row->response_bytes;
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        total->buckets[i] -= row->buckets[i];
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
    out[1] = (struct http_series){.name = family->count, .le = -1, .value = http_row_count(row)};
    return 2;
}

static size_t series_histogram(const struct http_family *family,
                               const struct http_metrics_config *config, const struct http_row *row,
                               struct http_series *out)
{
    uint64_t cumulative = 0;
    size_t i;

    for (i = 0; i < config->bucket_count; i++) {
        cumulative += row->buckets[i];
        out[i] = (struct http_series){
            .name = family->bucket, .le = config->buckets[i], .value = cumulative};
    }
    out[i] = (struct http_series){
        .name = family->bucket, .le = __builtin_inf(), .value = http_row_count(row)};
    return i + 1 + series_summary(family, config, row, out + i + 1);
}

static size_t series_total(const struct http_family *family,
                           const struct http_metrics_config *config, const struct http_row *row,
                           struct http_series *out)
{
    (void)config;
    *out = (struct http_series){.name = family->name, .le = -1, .value = http_row_count(row)};
    return 1;
}

#define DURATION(of, which)                                                    \
    {                                                                          \
        .name = "http_" of "_request_duration_seconds", .type = "histogram",   \
        .help = "From a request's first byte to its response's last byte.",    \
        .kind = HTTP_GROUP_DETAIL, .role = which, .series = series_histogram,  \
        .bucket = "http_" of "_request_duration_seconds_bucket",               \
        .sum = "http_" of "_request_duration_seconds_sum",                     \
        .count = "http_" of "_request_duration_seconds_count",                 \
        .sum_offset = offsetof(struct http_row, duration_sum), .seconds = true \
    }
#define SUMMARY(metric, which, text, field, is_seconds)                                            \
    {                                                                                              \
        .name = metric, .type = "summary", .help = text, .kind = HTTP_GROUP_DETAIL, .role = which, \
        .series = series_summary, .sum = metric "_sum", .count = metric "_count",                  \
        .sum_offset = offsetof(struct http_row, field), .seconds = is_seconds                      \
    }
#define SUMMARIES(of, which)                                                                    \
    SUMMARY("http_" of "_time_to_first_byte_seconds", which,                                    \
            "From a request's first byte to its response's first byte.", first_byte_sum, true), \
        SUMMARY("http_" of "_request_body_size_bytes", which, "Size of request bodies.",        \
                request_bytes, false),                                                          \
        SUMMARY("http_" of "_response_body_size_bytes", which, "Size of response bodies.",      \
                response_bytes, false)

const struct http_family http_families[] = {
    DURATION("server", HTTP_ROLE_SERVER),
    SUMMARIES("server", HTTP_ROLE_SERVER),
    {.name = "http_requests_total",
     .type = "counter",
     .help = "Requests answered by servers.",
     .kind = HTTP_GROUP_TOTAL,
     .role = HTTP_ROLE_SERVER,
     .series = series_total},
    DURATION("client", HTTP_ROLE_CLIENT),
    SUMMARIES("client", HTTP_ROLE_CLIENT),
    {.name = "http_requests_unanswered_total",
     .type = "counter",
     .help = "Requests whose connection ended before their answer.",
     .kind = HTTP_GROUP_UNANSWERED,
     .role = HTTP_ROLES,
     .series = series_total},
};
const size_t http_family_count = ARRAY_SIZE(http_families);

bool http_family_shows(const struct http_family *family, enum http_group_kind kind, uint8_t role)
{
    return family->kind == kind && (family->role == role || family->role == HTTP_ROLES);
}

size_t http_group_series(const struct http_metrics_config *config, enum http_group_kind kind,
                         uint8_t role, const struct http_row *row,
                         struct http_series out[HTTP_GROUP_MAX_SERIES])
{
    size_t count = 0;

    for (size_t i = 0; i < http_family_count; i++) {
        const struct http_family *family = &http_families[i];
        if (!http_family_shows(family, kind, role))
            continue;
        if (family->bucket && config->native_histograms)
            out[count++] = (struct http_series){
                .name = family->name, .le = -1, .native = true, .value = row_sum(family, row)};
        else
            count += family->series(family, config, row, out + count);
    }
    return count;
}
