/* SPDX-License-Identifier: Apache-2.0 */
/* The clauses of an Accept header, the heaviest first. */
#include "serve/federate_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"

#define CLAUSES_MAX 32

struct clause {
    struct text type; /* "text/plain" */
    struct text version, proto, encoding, escaping;
    double weight;
};

static struct text trim(struct text text)
{
    while (text.length && (*text.bytes == ' ' || *text.bytes == '\t'))
        text = text_behind(text, 1);
    while (text.length && strchr(" \t", text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* What stands before the separator, which is taken off with it. */
static struct text take_part(struct text *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->bytes, separator, rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
    struct text part = {rest->bytes, length};
    *rest = text_behind(*rest, end ? length + 1 : length);
    return trim(part);
}

static bool is(struct text text, const char *word)
{
    return text.length == strlen(word) && !strncasecmp(text.bytes, word, text.length);
}

static void read_parameter(struct clause *clause, struct text parameter)
{
    struct text value = parameter, name = take_part(&value, '=');
    char number[16];

    value = trim(value);
    if (value.length >= 2 && *value.bytes == '"')
        value = (struct text){value.bytes + 1, value.length - 2};
    if (is(name, "q")) {
        snprintf(number, sizeof(number), "%.*s", TEXT_FORMAT(value));
        clause->weight = strtod(number, NULL);
    } else if (is(name, "version")) {
        clause->version = value;
    } else if (is(name, "proto")) {
        clause->proto = value;
    } else if (is(name, "encoding")) {
        clause->encoding = value;
    } else if (is(name, "escaping")) {
        clause->escaping = value;
    }
}

/* Those of equal weight in their order. */
static size_t read_clauses(const char *accept, struct clause clauses[CLAUSES_MAX])
{
    struct text rest = text_of(accept);
    size_t count = 0;

    while (rest.length && count < CLAUSES_MAX) {
        struct clause clause = {.weight = 1};
        struct text parameters = take_part(&rest, ',');
        clause.type = take_part(&parameters, ';');
        while (parameters.length)
            read_parameter(&clause, take_part(&parameters, ';'));
        size_t at = count++;
        for (; at > 0 && clauses[at - 1].weight < clause.weight; at--)
            clauses[at] = clauses[at - 1];
        clauses[at] = clause;
    }
    return count;
}

static bool takes_text(const struct clause *clause)
{
    return is(clause->type, "text/plain") &&
           (!clause->version.length || is(clause->version, "0.0.4"));
}

static bool takes_protobuf(const struct clause *clause)
{
    return is(clause->type, "application/vnd.google.protobuf") &&
           is(clause->proto, "io.prometheus.client.MetricFamily") &&
           is(clause->encoding, "delimited");
}

static void read_escaping(const struct clause *clause, enum name_escaping *out)
{
    for (size_t i = 0; i < NAME_ESCAPINGS; i++)
        if (is(clause->escaping, name_escaping_names[i]))
            *out = (enum name_escaping)i;
}

struct federate_format federate_negotiate(const char *accept)
{
    static const char *const types[] = {
        [FEDERATE_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
        [FEDERATE_PROTOBUF] = ("application/vnd.google.protobuf; "
                               "proto=io.prometheus.client.MetricFamily; encoding=delimited"),
        [FEDERATE_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    struct federate_format format = {.type = FEDERATE_TEXT, .escaping = NAMES_UNDERSCORES};
    struct clause clauses[CLAUSES_MAX];
    size_t count = accept ? read_clauses(accept, clauses) : 0;
    bool openmetrics = false, anything = !count;

    for (size_t i = 0; i < count; i++) {
        read_escaping(&clauses[i], &format.escaping);
        format.type = takes_protobuf(&clauses[i]) ? FEDERATE_PROTOBUF : FEDERATE_TEXT;
        anything = format.type == FEDERATE_PROTOBUF || takes_text(&clauses[i]);
        if (anything)
            break;
        openmetrics |= is(clauses[i].type, "application/openmetrics-text");
    }
    for (size_t i = 0; i < count && openmetrics && !anything; i++)
        anything = is(clauses[i].type, "*/*") || is(clauses[i].type, "text/*");
    if (openmetrics && !anything)
        format.type = FEDERATE_OPENMETRICS;
    snprintf(format.content_type, sizeof(format.content_type), "%s; escaping=%s",
             types[format.type], name_escaping_names[format.escaping]);
    return format;
}
