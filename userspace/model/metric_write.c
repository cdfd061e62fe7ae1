/* SPDX-License-Identifier: Apache-2.0 */
/* The registry as exposition text, format 0.0.4, as Prometheus' own client writes it. */
#include "model/metric.h"

#include <math.h>

#include "model/escape.h"
#include "model/float_text.h"
#include "model/metric_registry.h"

static int write_all(struct buffer *out, const char *const *strings)
{
    int error = 0;
    for (; *strings && !error; strings++)
        error = buffer_append_string(out, *strings);
    return error;
}

#define WRITE_ALL(out, ...) write_all((out), (const char *const[]){__VA_ARGS__, NULL})

/* name_suffix{labels} value */
static int write_line(const struct metric *metric, const char *suffix, double value,
                      struct buffer *out)
{
    char text[FLOAT_TEXT_SIZE];
    float_text(value, text);
    bool labelled = metric->labels[0] != '\0';
    return WRITE_ALL(out, metric->family->about->name, suffix, labelled ? "{" : "", metric->labels,
                     labelled ? "} " : " ", text, "\n");
}

static int write_bucket(const struct metric *metric, double bound, uint64_t count,
                        struct buffer *out)
{
    char le[FLOAT_TEXT_SIZE], text[FLOAT_TEXT_SIZE];
    float_text(bound, le);
    float_text((double)count, text);
    return WRITE_ALL(out, metric->family->about->name, "_bucket{", metric->labels,
                     metric->labels[0] ? ",le=\"" : "le=\"", le, "\"} ", text, "\n");
}

static int write_histogram(const struct metric *metric, struct buffer *out)
{
    const struct metric_family *about = metric->family->about;
    uint64_t count = 0;
    int error = 0;
    for (size_t i = 0; !error && i <= about->bound_count; i++) {
        count += metric->buckets[i];
        error =
            write_bucket(metric, i < about->bound_count ? about->bounds[i] : INFINITY, count, out);
    }
    if (!error)
        error = write_line(metric, "_sum", metric->value, out);
    return error ? error : write_line(metric, "_count", (double)count, out);
}

static int write_quantile(const struct metric *metric, double quantile, double value,
                          struct buffer *out)
{
    char name[FLOAT_TEXT_SIZE], text[FLOAT_TEXT_SIZE];
    float_text(quantile, name);
    float_text(value, text);
    return WRITE_ALL(out, metric->family->about->name, "{", metric->labels,
                     metric->labels[0] ? ",quantile=\"" : "quantile=\"", name, "\"} ", text, "\n");
}

static int write_summary(const struct metric *metric, struct buffer *out)
{
    const struct metric_family *about = metric->family->about;
    double values[METRIC_MAX_QUANTILES];
    int error = 0;
    metric_window_quantiles(metric->window, about->bounds, about->bound_count, values);
    for (size_t i = 0; !error && i < about->bound_count; i++)
        error = write_quantile(metric, about->bounds[i], values[i], out);
    if (!error)
        error = write_line(metric, "_sum", metric->value, out);
    return error ? error : write_line(metric, "_count", metric_get(metric), out);
}

static int write_header(const struct metric_family *about, struct buffer *out)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_SUMMARY] = "summary",
    };
    int error = WRITE_ALL(out, "# HELP ", about->name, " ");
    if (!error)
        error = escape_help(text_of(about->help), out);
    return error ? error : WRITE_ALL(out, "\n# TYPE ", about->name, " ", types[about->type], "\n");
}

static int write_family(const struct family *family, struct buffer *out)
{
    if (TAILQ_EMPTY(&family->children))
        return 0;
    int error = write_header(family->about, out);
    const struct metric *metric = TAILQ_FIRST(&family->children);
    for (; metric && !error; metric = TAILQ_NEXT(metric, siblings)) {
        if (family->about->type == METRIC_HISTOGRAM)
            error = write_histogram(metric, out);
        else if (family->about->type == METRIC_SUMMARY)
            error = write_summary(metric, out);
        else
            error = write_line(metric, "", metric->value, out);
    }
    return error;
}

int metric_registry_write(struct metric_registry *registry, struct buffer *out)
{
    for (size_t i = 0; i < registry->hook_count; i++)
        registry->hooks[i].fn(registry->hooks[i].context);
    int error = 0;
    for (size_t i = 0; !error && i < registry->family_count; i++)
        error = write_family(registry->families[i], out);
    return error;
}
