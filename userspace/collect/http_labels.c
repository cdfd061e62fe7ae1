/* SPDX-License-Identifier: Apache-2.0 */
/* Puts label sets together in the order of their precedence: a later label replaces one of the same
 * name. Reads no cgroup file. */
#include "collect/http_labels.h"

#include <errno.h>
#include <stdio.h>

#include "collect/http_rows.h"
#include "model/float_text.h"
#include "model/relabel.h"

static const struct {
    const char *upper, *lower;
} methods[HTTP_METHODS] = {
    [HTTP_METHOD_OTHER] = {HTTP_NO_NAME, HTTP_NO_NAME},
    [HTTP_METHOD_GET] = {"GET", "get"},
    [HTTP_METHOD_HEAD] = {"HEAD", "head"},
    [HTTP_METHOD_POST] = {"POST", "post"},
    [HTTP_METHOD_PUT] = {"PUT", "put"},
    [HTTP_METHOD_DELETE] = {"DELETE", "delete"},
    [HTTP_METHOD_CONNECT] = {"CONNECT", "connect"},
    [HTTP_METHOD_OPTIONS] = {"OPTIONS", "options"},
    [HTTP_METHOD_TRACE] = {"TRACE", "trace"},
    [HTTP_METHOD_PATCH] = {"PATCH", "patch"},
};

/* Nothing where no names are configured. */
static int label_name_of(struct labels_builder *builder, const char *label,
                         const struct http_metrics_names *names, uint16_t number)
{
    if (!names->count)
        return 0;
    bool known = number && number <= names->count;
    return labels_builder_set(builder, text_of(label),
                              text_of(known ? names->list[number - 1] : HTTP_NO_NAME));
}

static int label_detail(struct labels_builder *builder, const struct http_metrics_config *config,
                        const struct http_row_key *key, const char *method, const char *status)
{
    int error = labels_builder_set(builder, TEXT("http_request_method"), text_of(method));

    error |= labels_builder_set(builder, TEXT("http_response_status_code"), text_of(status));
    error |= labels_builder_set(builder, TEXT("url_scheme"), TEXT("http"));
    error |= label_name_of(builder, "http_route", &config->routes, key->route);
    error |= label_name_of(builder, "server_address", &config->hosts, key->host);
    return error;
}

static int label_row(struct labels_builder *builder,
                     const struct http_rows_environment *environment, const struct labels *cgroup,
                     const struct http_row_key *key, enum http_group_kind kind)
{
    uint8_t method = key->method < HTTP_METHODS ? key->method : HTTP_METHOD_OTHER;
    char status[8] = HTTP_NO_NAME;

    if (key->status)
        snprintf(status, sizeof(status), "%u", key->status);
    labels_builder_clear(builder);
    int error = labels_builder_set(builder, TEXT("job"), text_of(environment->config->job_name));
    error |= labels_builder_set(builder, TEXT("instance"), text_of(environment->instance));
    error |= labels_builder_add_all(builder, cgroup);
    switch (kind) {
    case HTTP_GROUP_TOTAL:
        error |= labels_builder_set(builder, TEXT("method"), text_of(methods[method].lower));
        error |= labels_builder_set(builder, TEXT("code"), text_of(status));
        break;
    case HTTP_GROUP_UNANSWERED:
        error |= labels_builder_set(
            builder, TEXT("role"), key->role == HTTP_ROLE_CLIENT ? TEXT("client") : TEXT("server"));
        break;
    default:
        error |= label_detail(builder, environment->config, key, methods[method].upper, status);
    }
    return error ? -ENOMEM : 0;
}

/* The labels that only rules were to see. */
static int drop_internal(struct labels_builder *builder)
{
    int error = 0;

    for (size_t i = labels_builder_count(builder); i-- > 0 && !error;) {
        struct text name = labels_builder_at(builder, i).name;
        if (text_has_prefix(name, TEXT("__")))
            error = labels_builder_set(builder, name, (struct text){"", 0});
    }
    return error;
}

static int add_external(struct labels_builder *builder, const struct labels *external)
{
    int error = 0;

    for (struct label_cursor c = labels_first(external); !error && labels_next(&c);)
        if (!labels_builder_get(builder, c.label.name).length)
            error = labels_builder_set(builder, c.label.name, c.label.value);
    return error;
}

int http_labels_begin(struct labels_builder *builder, struct relabeler *relabeler,
                      const struct http_rows_environment *environment, const struct labels *cgroup,
                      const struct http_row_key *key, enum http_group_kind kind)
{
    int error = label_row(builder, environment, cgroup, key, kind);
    if (error)
        return error;
    int verdict = relabel_apply(relabeler, &environment->config->relabels, builder);
    if (verdict != RELABEL_KEPT)
        return verdict;
    error = drop_internal(builder);
    if (!error)
        error = add_external(builder, environment->external_labels);
    return error ? error : RELABEL_KEPT;
}

/* Whether the one who scrapes would say the same of everything here. */
static bool is_everywhere(const struct http_rows_environment *environment, struct label label)
{
    if (text_equal(label.name, TEXT("job")))
        return text_equal(label.value, text_of(environment->config->job_name));
    if (text_equal(label.name, TEXT("instance")))
        return text_equal(label.value, text_of(environment->instance));
    return text_equal(labels_get(environment->external_labels, label.name), label.value);
}

int http_labels_begin_text(struct labels_builder *builder,
                           const struct http_rows_environment *environment,
                           const struct labels *sent)
{
    int error = 0;

    labels_builder_clear(builder);
    for (struct label_cursor c = labels_first(sent); !error && labels_next(&c);)
        if (!is_everywhere(environment, c.label))
            error = labels_builder_set(builder, c.label.name, c.label.value);
    return error;
}

int http_labels_build(struct labels_builder *builder, const struct http_series *series,
                      struct labels **out)
{
    char le[FLOAT_TEXT_SIZE] = "";

    if (series->le >= 0)
        float_text(series->le, le);
    int error = labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(series->name));
    if (!error)
        error = labels_builder_set(builder, TEXT("le"), text_of(le));
    return error ? error : labels_builder_build(builder, out);
}
