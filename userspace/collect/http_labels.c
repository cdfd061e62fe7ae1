/* SPDX-License-Identifier: Apache-2.0 */
/* Puts label sets together in the order of their precedence: a later label replaces one of the same
 * name. Reads no cgroup file. */
#include "collect/http_labels.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "collect/cgroup_identity.h"
#include "collect/http_rows.h"
#include "model/float_text.h"
#include "model/relabel.h"
#include "model/utf8.h"

#define NO_NAME "other" /* of no configured route or host, or of a kind that is not told apart */

/* Every byte past ASCII as \xNN. */
static int label_set_escaped(struct labels_builder *builder, struct text name, struct text value)
{
    autobuffer struct buffer escaped;

    buffer_init(&escaped, 4 * value.length);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.bytes[i];
        if (c < 0x80)
            buffer_append_char(&escaped, (char)c);
        else
            buffer_printf(&escaped, "\\x%02x", c);
    }
    return escaped.failed ? -ENOMEM : labels_builder_set(builder, name, buffer_text(&escaped));
}

/* Folders may have any bytes, and one label that is no UTF-8 would make a receiver refuse its whole
 * request. */
static int label_set_path(struct labels_builder *builder, struct text name, struct text path)
{
    return utf8_is_valid(path) ? labels_builder_set(builder, name, path)
                               : label_set_escaped(builder, name, path);
}

int http_cgroup_labels(struct labels_builder *builder, uint64_t id, const char *path,
                       struct labels **out)
{
    struct cgroup_identity identity;
    char number[32];
    int error;

    snprintf(number, sizeof(number), "id:%llu", (unsigned long long)id);
    if (!path)
        path = id ? number : NO_NAME;
    cgroup_identity_parse(path, &identity);
    labels_builder_clear(builder);
    error = label_set_path(builder, TEXT("__meta_cgroup_path"), text_of(path));
    error |= label_set_path(builder, TEXT("__meta_cgroup_service"), identity.service);
    if (identity.pod_uid[0]) {
        error |= labels_builder_set(builder, TEXT("pod_uid"), text_of(identity.pod_uid));
        error |= labels_builder_set(builder, TEXT("container_id"), identity.container);
    } else {
        error |= label_set_path(builder, TEXT("cgroup"), text_of(path));
        error |= label_set_path(builder, TEXT("service"), identity.service);
    }
    return error ? -ENOMEM : labels_builder_build(builder, out);
}

static const struct {
    const char *upper, *lower;
} methods[HTTP_METHODS] = {
    [HTTP_METHOD_OTHER] = {NO_NAME, NO_NAME},
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
                              text_of(known ? names->list[number - 1] : NO_NAME));
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
    char status[8] = NO_NAME;

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
