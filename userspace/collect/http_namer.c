/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a cgroup's labels together. Reads no cgroup file, and remembers nothing. */
#include "collect/http_namer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collect/cgroup_identity.h"
#include "collect/http_labels.h"
#include "model/utf8.h"

struct http_namer {
    const struct pod_table *pods;
    struct labels_builder *builder;
};

int http_namer_new(const struct pod_table *pods, struct http_namer **out)
{
    struct http_namer *namer = calloc(1, sizeof(*namer));
    if (!namer)
        return -ENOMEM;
    namer->pods = pods;
    int error = labels_builder_new(&namer->builder);
    if (error)
        http_namer_free(&namer);
    else
        *out = namer;
    return error;
}

void http_namer_free(struct http_namer **namer)
{
    if (!*namer)
        return;
    labels_builder_free(&(*namer)->builder);
    free(*namer);
    *namer = NULL;
}

/* --- labels --- */

/* Every byte past ASCII as \xNN. */
static int set_escaped(struct labels_builder *builder, struct text name, struct text value)
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
static int set_path(struct labels_builder *builder, struct text name, struct text path)
{
    return utf8_is_valid(path) ? labels_builder_set(builder, name, path)
                               : set_escaped(builder, name, path);
}

static int set_cgroup(struct labels_builder *builder, const char *path, struct text service)
{
    int error = set_path(builder, TEXT("cgroup"), text_of(path));

    return error ? error : set_path(builder, TEXT("service"), service);
}

/* What the kernel's side alone tells of a pod. */
static int set_unknown_pod(struct labels_builder *builder, const struct cgroup_identity *identity)
{
    int error = labels_builder_set(builder, TEXT("pod_uid"), text_of(identity->pod_uid));

    return error ? error : labels_builder_set(builder, TEXT("container_id"), identity->container);
}

static int set_pod(struct labels_builder *builder, const struct pod_place *place)
{
    int error = labels_builder_add_all(builder, place->pod->labels);

    if (!error && place->pod->workload)
        error = labels_builder_add_all(builder, place->pod->workload);
    if (!error && place->container)
        error = labels_builder_add_all(builder, place->container->labels);
    return error;
}

static int set_identity(struct http_namer *namer, const struct cgroup_identity *identity,
                        enum http_certainty *certainty)
{
    struct pod_place place = {NULL, NULL};

    if (namer->pods)
        place = pod_table_find(namer->pods, text_of(identity->pod_uid), identity->container);
    if (!place.pod) {
        *certainty = HTTP_NAME_NO_POD;
        return set_unknown_pod(namer->builder, identity);
    }
    if (!place.container && identity->container.length)
        *certainty = HTTP_NAME_NO_CONTAINER;
    return set_pod(namer->builder, &place);
}

static int set_labels(struct http_namer *namer, const char *path, struct http_name *name)
{
    struct labels_builder *builder = namer->builder;
    struct cgroup_identity identity;

    labels_builder_clear(builder);
    cgroup_identity_parse(path, &identity);
    name->is_pod = identity.pod_uid[0] != '\0';
    int error = set_path(builder, TEXT("__meta_cgroup_path"), text_of(path));
    if (!error)
        error = set_path(builder, TEXT("__meta_cgroup_service"), identity.service);
    if (error)
        return error;
    return name->is_pod ? set_identity(namer, &identity, &name->certainty)
                        : set_cgroup(builder, path, identity.service);
}

int http_namer_name(struct http_namer *namer, uint64_t id, const char *path, struct http_name *out)
{
    char number[32];

    *out = (struct http_name){.certainty = HTTP_NAME_COMPLETE};
    if (!path && id)
        out->certainty = HTTP_NAME_NO_PATH;
    snprintf(number, sizeof(number), "id:%llu", (unsigned long long)id);
    if (!path)
        path = id ? number : HTTP_NO_NAME;
    int error = set_labels(namer, path, out);
    return error ? error : labels_builder_build(namer->builder, &out->labels);
}
