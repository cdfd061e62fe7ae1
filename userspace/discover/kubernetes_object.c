/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and namespaces, and what all objects have. Pods are kubernetes_pod.c's. */
#include "discover/kubernetes_object.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/kubernetes_labels.h"

/* --- nodes --- */

/* The first of these that a node has is where it is scraped. */
static const char *const address_types[] = {"InternalIP",  "InternalDNS",  "ExternalIP",
                                            "ExternalDNS", "LegacyHostIP", "Hostname"};

static struct text node_address(const json_t *addresses, struct text type)
{
    const json_t *address;
    size_t i;

    json_array_foreach(addresses, i, address)
    {
        if (text_equal(kubernetes_text(address, "type"), type))
            return kubernetes_text(address, "address");
    }
    return TEXT("");
}

static int build_node_labels(const json_t *json, struct labels_builder *builder,
                             struct kubernetes_object *object)
{
    const json_t *metadata = json_object_get(json, "metadata"), *condition;
    size_t i;

    labels_builder_clear(builder);
    int error = kubernetes_set(builder, "node_name", TEXT(""), kubernetes_text(metadata, "name"));
    if (!error)
        error = kubernetes_set_metadata(builder, "node", metadata);
    if (!error)
        error = labels_builder_build(builder, &object->attached);
    if (!error)
        error = kubernetes_set(builder, "node_provider_id", TEXT(""),
                               kubernetes_text(json_object_get(json, "spec"), "providerID"));
    json_array_foreach(json_object_get(json_object_get(json, "status"), "conditions"), i, condition)
    {
        if (!error)
            error =
                kubernetes_set_lower(builder, "node_condition_", kubernetes_text(condition, "type"),
                                     kubernetes_text(condition, "status"));
    }
    return error ? error : labels_builder_build(builder, &object->labels);
}

static int build_node_target(const json_t *json, struct labels_builder *builder,
                             struct kubernetes_object *object)
{
    const json_t *status = json_object_get(json, "status"), *address;
    const json_t *addresses = json_object_get(status, "addresses");
    const json_t *kubelet =
        json_object_get(json_object_get(status, "daemonEndpoints"), "kubeletEndpoint");
    struct text host = TEXT("");
    size_t i;
    int error = 0;

    for (i = 0; i < ARRAY_SIZE(address_types) && !host.length; i++)
        host = node_address(addresses, text_of(address_types[i]));
    if (!host.length)
        return 0;
    labels_builder_clear(builder);
    json_array_foreach(addresses, i, address)
    {
        struct text type = kubernetes_text(address, "type");
        if (!error) /* the first of each type */
            error = kubernetes_set(builder, "node_address_", type, node_address(addresses, type));
    }
    if (!error)
        error = kubernetes_set_address(builder, host,
                                       json_integer_value(json_object_get(kubelet, "Port")));
    if (!error)
        error = labels_builder_set(builder, TEXT("instance"), object->name);
    object->targets = error ? NULL : calloc(1, sizeof(*object->targets));
    if (!error)
        error = object->targets ? labels_builder_build(builder, &object->targets[0]) : -ENOMEM;
    object->target_count = error ? 0 : 1;
    return error;
}

static int fill_node(const json_t *json, struct labels_builder *builder,
                     struct kubernetes_object *object)
{
    int error = build_node_labels(json, builder, object);

    if (error)
        return error;
    object->name = labels_get(object->labels, TEXT("__meta_kubernetes_node_name"));
    return build_node_target(json, builder, object);
}

/* --- namespaces --- */

static int fill_namespace(const json_t *json, struct labels_builder *builder,
                          struct kubernetes_object *object)
{
    const json_t *metadata = json_object_get(json, "metadata");

    labels_builder_clear(builder);
    int error = kubernetes_set_metadata(builder, "namespace", metadata);
    if (!error)
        error = labels_builder_build(builder, &object->attached);
    if (!error)
        error = kubernetes_set(builder, "namespace", TEXT(""), kubernetes_text(metadata, "name"));
    if (!error)
        error = labels_builder_build(builder, &object->labels);
    if (!error)
        object->name = labels_get(object->labels, TEXT("__meta_kubernetes_namespace"));
    return error;
}

/* --- all --- */

static int fill_pod(const json_t *json, struct labels_builder *builder,
                    struct kubernetes_object *object)
{
    int error = kubernetes_pod_fill(json, builder, object);

    if (!object->labels)
        return error;
    object->namespace = labels_get(object->labels, TEXT("__meta_kubernetes_namespace"));
    object->name = labels_get(object->labels, TEXT("__meta_kubernetes_pod_name"));
    return error;
}

static int (*const fill[KUBERNETES_RESOURCES])(const json_t *, struct labels_builder *,
                                               struct kubernetes_object *) = {
    [KUBERNETES_PODS] = fill_pod,
    [KUBERNETES_NODES] = fill_node,
    [KUBERNETES_NAMESPACES] = fill_namespace,
};

int kubernetes_object_new(enum kubernetes_resource resource, const json_t *json,
                          struct labels_builder *builder, struct kubernetes_object **out)
{
    struct kubernetes_object *object = calloc(1, sizeof(*object));
    if (!object)
        return -ENOMEM;
    int error = fill[resource](json, builder, object);
    if (!error && !object->name.length)
        error = -EBADMSG;
    if (error)
        kubernetes_object_free(&object);
    else
        *out = object;
    return error;
}

void kubernetes_object_free(struct kubernetes_object **out)
{
    struct kubernetes_object *object = *out;

    *out = NULL;
    if (!object)
        return;
    for (size_t i = 0; i < object->target_count; i++)
        free(object->targets[i]);
    free(object->targets);
    free(object->attached);
    if (!object->pod)
        free(object->labels);
    pod_release(&object->pod);
    free(object);
}

static bool equal_sets(const struct labels *a, const struct labels *b)
{
    return a && b ? labels_equal(a, b) : a == b;
}

static bool equal_pods(const struct pod *a, const struct pod *b)
{
    if (!a || !b)
        return a == b;
    if (!equal_sets(a->workload, b->workload) || a->container_count != b->container_count)
        return false;
    for (size_t i = 0; i < a->container_count; i++) {
        const struct pod_container *x = &a->containers[i], *y = &b->containers[i];
        if (!equal_sets(x->labels, y->labels) ||
            !text_equal(text_of(x->last_id), text_of(y->last_id)))
            return false;
    }
    return true;
}

bool kubernetes_object_equal(const struct kubernetes_object *a, const struct kubernetes_object *b)
{
    if (!equal_sets(a->labels, b->labels) || !equal_sets(a->attached, b->attached) ||
        a->target_count != b->target_count)
        return false;
    for (size_t i = 0; i < a->target_count; i++)
        if (!equal_sets(a->targets[i], b->targets[i]))
            return false;
    return equal_pods(a->pod, b->pod);
}

bool kubernetes_object_same_pod(const struct kubernetes_object *a,
                                const struct kubernetes_object *b)
{
    return a->pod && b->pod && text_equal(pod_cgroup_uid(a->pod), pod_cgroup_uid(b->pod));
}
