/* SPDX-License-Identifier: Apache-2.0 */
/* The collector with its default configuration, and a sink that keeps nothing. */
#include "command/top_meter.h"

#include <errno.h>

#include "base/cleanup.h"
#include "collect/collector.h"
#include "config/config.h"
#include "endpoints/meter_endpoint.h"
#include "top/top_reading.h"

#define SERIES_MAX (1u << 18)

struct top_meter {
    struct sample_sink sink;
    struct config *config;
    struct series_table *series;
    struct metric_registry *metrics;
    struct labels *no_labels;
    struct collector *collector;
};

static void throw_away(struct sample_sink *sink, const struct sample_record *record)
{
    (void)sink;
    (void)record;
}

static int build_no_labels(struct labels **out)
{
    struct labels_builder *builder;
    int error = labels_builder_new(&builder);
    if (error)
        return error;
    error = labels_builder_build(builder, out);
    labels_builder_free(&builder);
    return error;
}

static int meter_start(struct top_meter *meter, struct loop *loop)
{
    int error = config_default(&meter->config);
    if (!error)
        error = series_table_new(SERIES_MAX, &meter->series);
    if (!error)
        error = metric_registry_new(&meter->metrics);
    if (!error)
        error = build_no_labels(&meter->no_labels);
    if (error)
        return error;
    const struct collector_environment environment = {
        .loop = loop,
        .series = meter->series,
        .sink = &meter->sink,
        .metrics = meter->metrics,
        .external_labels = meter->no_labels,
        .instance = "",
    };
    return collector_new(&environment, meter->config->http_metrics, &meter->collector);
}

int top_meter_new(struct loop *loop, struct top_meter **out)
{
    struct top_meter *meter = calloc(1, sizeof(*meter));
    if (!meter)
        return -ENOMEM;
    meter->sink.append = throw_away;
    int error = meter_start(meter, loop);
    if (error)
        top_meter_free(&meter);
    else
        *out = meter;
    return error;
}

void top_meter_free(struct top_meter **pointer)
{
    struct top_meter *meter = TAKE_PTR(*pointer);
    if (!meter)
        return;
    collector_free(&meter->collector);
    metric_registry_free(&meter->metrics);
    series_table_free(&meter->series);
    free(meter->no_labels);
    config_free(&meter->config);
    free(meter);
}

void top_meter_read(struct top_meter *meter, struct top *top)
{
    struct server_response response = {.status = 200};

    buffer_init(&response.body, TOP_MAX_BYTES);
    meter_endpoint_http(meter->collector, meter->config->http_metrics, &response);
    if (response.body.failed || response.status != 200)
        top_take_error(top, "the kernel's rows could not be read");
    else
        top_take(top, buffer_text(&response.body));
    buffer_free(&response.body);
}
