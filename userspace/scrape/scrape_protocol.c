/* SPDX-License-Identifier: Apache-2.0 */
/* The Accept header, and the Content-Type read as Go's mime.ParseMediaType does. */
#include "scrape/scrape_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define TENTHS 5 /* where they stand in a weight */

/* ---- Accept ---- */

static const struct {
    const char *media_type;
    bool has_escaping;
    enum scrape_format format;
} protocols[SCRAPE_PROTOCOL_COUNT] = {
    [PROMETHEUS_PROTO] = {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                          "encoding=delimited",
                          false, SCRAPE_PROTOBUF},
    [OPENMETRICS_TEXT_1_0_0] = {"application/openmetrics-text;version=1.0.0", true,
                                SCRAPE_OPENMETRICS},
    [OPENMETRICS_TEXT_0_0_1] = {"application/openmetrics-text;version=0.0.1", false,
                                SCRAPE_OPENMETRICS},
    [PROMETHEUS_TEXT_1_0_0] = {"text/plain;version=1.0.0", true, SCRAPE_TEXT},
    [PROMETHEUS_TEXT_0_0_4] = {"text/plain;version=0.0.4", false, SCRAPE_TEXT},
};

static const enum scrape_protocol defaults[] = {
    PROMETHEUS_PROTO, /* only where native histograms are wanted */
    OPENMETRICS_TEXT_1_0_0, OPENMETRICS_TEXT_0_0_1, PROMETHEUS_TEXT_1_0_0, PROMETHEUS_TEXT_0_0_4,
};

static const char *escaping_name(const struct scrape_protocol_config *config)
{
    static const char *const names[] = {
        [ESCAPING_ALLOW_UTF_8] = "allow-utf-8",
        [ESCAPING_UNDERSCORES] = "underscores",
        [ESCAPING_DOTS] = "dots",
        [ESCAPING_VALUES] = "values",
    };
    if (config->escaping)
        return names[config->escaping];
    return names[config->legacy_names ? ESCAPING_UNDERSCORES : ESCAPING_ALLOW_UTF_8];
}

void scrape_protocol_accept(const struct scrape_protocol_config *config,
                            char out[SCRAPE_ACCEPT_SIZE])
{
    size_t first = config->native_histograms ? 0 : 1;
    const enum scrape_protocol *list = config->accepted_count ? config->accepted : defaults + first;
    size_t count = config->accepted_count ? config->accepted_count : ARRAY_SIZE(defaults) - first;
    char weight[] = ";q=0.6,";

    for (size_t i = 0; i < count; i++, weight[TENTHS]--) {
        out = stpcpy(out, protocols[list[i]].media_type);
        if (protocols[list[i]].has_escaping)
            out = stpcpy(stpcpy(out, ";escaping="), escaping_name(config));
        out = stpcpy(out, weight);
    }
    weight[TENTHS + 1] = '\0';
    stpcpy(stpcpy(out, "*/*"), weight);
}

/* ---- Content-Type ---- */

static bool is_token_char(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static const char *skip_token(const char *at)
{
    while (is_token_char(*at))
        at++;
    return at;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n\v\f");
}

/* Behind a value, or NULL. */
static const char *skip_value(const char *at)
{
    if (*at != '"') {
        const char *end = skip_token(at);
        return end > at ? end : NULL;
    }
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\r' || *at == '\n')
            return NULL;
        if (*at == '\\' && at[1] && !is_token_char(at[1]))
            at++;
    }
    return *at ? at + 1 : NULL;
}

struct parameter {
    const char *name, *value;
    int name_length, value_length;
};

/* `;name=value`: behind it, or NULL. */
static const char *skip_parameter(const char *at, struct parameter *parameter)
{
    if (*at != ';')
        return NULL;
    at = skip_space(at + 1);
    parameter->name = at;
    at = skip_token(at);
    parameter->name_length = (int)(at - parameter->name);
    at = skip_space(at);
    if (!parameter->name_length || *at != '=')
        return NULL;
    parameter->value = skip_space(at + 1);
    at = skip_value(parameter->value);
    if (at)
        parameter->value_length = (int)(at - parameter->value);
    return at;
}

static bool same_text(const char *a, int a_length, const char *b, int b_length, bool fold)
{
    return a_length == b_length &&
           (fold ? !strncasecmp(a, b, (size_t)a_length) : !strncmp(a, b, (size_t)a_length));
}

/* A name given twice must have the same value. */
static bool parameters_agree(const char *first, const char *end, const struct parameter *last)
{
    struct parameter other;

    for (const char *at = first, *behind; at < end; at = skip_space(behind)) {
        behind = skip_parameter(at, &other);
        if (same_text(other.name, other.name_length, last->name, last->name_length, true) &&
            !same_text(other.value, other.value_length, last->value, last->value_length, false))
            return false;
    }
    return true;
}

static bool parameters_are_good(const char *first)
{
    const char *at = first;

    while (*at) {
        struct parameter parameter;
        const char *behind = skip_parameter(at, &parameter);
        if (!behind)
            return *at == ';' && !*skip_space(at + 1); /* one may trail */
        if (!parameters_agree(first, at, &parameter))
            return false;
        at = skip_space(behind);
    }
    return true;
}

/* Where the media type ends; 0: there is none. */
static size_t media_type_length(const char *type)
{
    const char *slash = skip_token(type), *end = slash;

    if (*slash == '/') {
        end = skip_token(slash + 1);
        if (end == slash + 1)
            return 0;
    }
    return slash == type ? 0 : (size_t)(end - type);
}

static bool is_well_formed(const char *type, size_t length)
{
    const char *behind = skip_space(type + length);
    return length && (!*behind || *behind == ';') && parameters_are_good(behind);
}

static bool find_format(const char *type, size_t length, enum scrape_format *out)
{
    static const struct {
        const char *media_type;
        enum scrape_format format;
    } known[] = {
        {"text/plain", SCRAPE_TEXT},
        {"application/openmetrics-text", SCRAPE_OPENMETRICS},
        {"application/vnd.google.protobuf", SCRAPE_PROTOBUF},
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (strlen(known[i].media_type) == length &&
            !strncasecmp(type, known[i].media_type, length)) {
            *out = known[i].format;
            return true;
        }
    }
    return false;
}

int scrape_protocol_format(const struct scrape_protocol_config *config, const char *content_type,
                           enum scrape_format *out, char reason[SCRAPE_PROTOCOL_REASON_SIZE])
{
    const char *type = skip_space(content_type);
    size_t length = media_type_length(type);
    bool good = is_well_formed(type, length);

    if (good && find_format(type, length, out))
        return 0;
    if (config->fallback) {
        *out = protocols[config->fallback].format;
        return 0;
    }
    if (!*content_type)
        snprintf(reason, SCRAPE_PROTOCOL_REASON_SIZE,
                 "non-compliant scrape target sending blank Content-Type and no "
                 "fallback_scrape_protocol specified for target");
    else if (!good)
        snprintf(reason, SCRAPE_PROTOCOL_REASON_SIZE,
                 "cannot parse Content-Type \"%.100s\" and no fallback_scrape_protocol for target",
                 content_type);
    else
        snprintf(reason, SCRAPE_PROTOCOL_REASON_SIZE,
                 "received unsupported Content-Type \"%.100s\" and no fallback_scrape_protocol "
                 "specified for target",
                 content_type);
    return -EINVAL;
}
