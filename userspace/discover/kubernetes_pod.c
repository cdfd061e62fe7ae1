/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's labels, its containers' and its targets'. Ephemeral containers are no targets, as in
 * Prometheus, but what they do is named after them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "discover/kubernetes_labels.h"
#include "model/workload.h"

struct container_kind {
    const char *list, *statuses;
    const char *init; /* what the label says */
    bool is_target;
};

/* In the order in which Prometheus goes through them. */
static const struct container_kind container_kinds[] = {
    {"containers", "containerStatuses", "false", true},
    {"initContainers", "initContainerStatuses", "true", true},
    {"ephemeralContainers", "ephemeralContainerStatuses", "false", false},
};

/* --- the pod --- */

static struct text pod_ready(const json_t *status)
{
    const json_t *condition;
    size_t i;

    json_array_foreach(json_object_get(status, "conditions"), i, condition)
    {
        if (text_equal(kubernetes_text(condition, "type"), TEXT("Ready")))
            return kubernetes_text(condition, "status");
    }
    return TEXT("unknown");
}

static const json_t *pod_controller(const json_t *metadata)
{
    const json_t *owner;
    size_t i;

    json_array_foreach(json_object_get(metadata, "ownerReferences"), i, owner)
    {
        if (json_is_true(json_object_get(owner, "controller")))
            return owner;
    }
    return NULL;
}

static int build_pod_labels(const json_t *json, struct labels_builder *builder, struct labels **out)
{
    const json_t *metadata = json_object_get(json, "metadata");
    const json_t *spec = json_object_get(json, "spec"), *status = json_object_get(json, "status");
    const json_t *controller = pod_controller(metadata);
    const struct {
        const char *name;
        struct text value;
    } singles[] = {
        {"namespace", kubernetes_text(metadata, "namespace")},
        {"pod_name", kubernetes_text(metadata, "name")},
        {"pod_uid", kubernetes_text(metadata, "uid")},
        {"pod_ip", kubernetes_text(status, "podIP")},
        {"pod_host_ip", kubernetes_text(status, "hostIP")},
        {"pod_phase", kubernetes_text(status, "phase")},
        {"pod_node_name", kubernetes_text(spec, "nodeName")},
        {"pod_controller_kind", kubernetes_text(controller, "kind")},
        {"pod_controller_name", kubernetes_text(controller, "name")},
    };

    labels_builder_clear(builder);
    int error = kubernetes_set_lower(builder, "pod_ready", TEXT(""), pod_ready(status));
    for (size_t i = 0; i < ARRAY_SIZE(singles) && !error; i++)
        error = kubernetes_set(builder, singles[i].name, TEXT(""), singles[i].value);
    if (!error)
        error = kubernetes_set_metadata(builder, "pod", metadata);
    return error ? error : labels_builder_build(builder, out);
}

static int build_workload(const json_t *json, struct labels_builder *builder, struct labels **out)
{
    const json_t *metadata = json_object_get(json, "metadata");
    const json_t *controller = pod_controller(metadata);
    struct text hash = kubernetes_text(json_object_get(metadata, "labels"), "pod-template-hash");
    struct workload workload =
        workload_of(kubernetes_text(controller, "kind"), kubernetes_text(controller, "name"), hash);

    labels_builder_clear(builder);
    int error = kubernetes_set(builder, "pod_workload_kind", TEXT(""), workload.kind);
    if (!error)
        error = kubernetes_set(builder, "pod_workload_name", TEXT(""), workload.name);
    return error ? error : labels_builder_build(builder, out);
}

/* --- containers --- */

static const json_t *find_status(const json_t *statuses, struct text name)
{
    const json_t *status;
    size_t i;

    json_array_foreach(statuses, i, status)
    {
        if (text_equal(kubernetes_text(status, "name"), name))
            return status;
    }
    return NULL;
}

static int build_container_labels(const struct container_kind *kind, const json_t *container,
                                  const json_t *status, struct labels_builder *builder)
{
    const struct {
        const char *name;
        struct text value;
    } singles[] = {
        {"pod_container_name", kubernetes_text(container, "name")},
        {"pod_container_image", kubernetes_text(container, "image")},
        {"pod_container_init", text_of(kind->init)},
        {"pod_container_id", kubernetes_text(status, "containerID")},
    };
    int error = 0;

    labels_builder_clear(builder);
    for (size_t i = 0; i < ARRAY_SIZE(singles) && !error; i++)
        error = kubernetes_set(builder, singles[i].name, TEXT(""), singles[i].value);
    return error;
}

static int copy_last_id(const json_t *status, char **out)
{
    const json_t *last = json_object_get(status, "lastState");
    struct text id =
        pod_bare_id(kubernetes_text(json_object_get(last, "terminated"), "containerID"));

    if (!id.length)
        return 0;
    *out = strndup(id.bytes, id.length);
    return *out ? 0 : -ENOMEM;
}

/* --- targets --- */

static int target_add(struct kubernetes_object *object, struct labels *target)
{
    struct labels **grown = reallocarray(object->targets, object->target_count + 1, sizeof(*grown));
    if (!grown) {
        free(target);
        return -ENOMEM;
    }
    object->targets = grown;
    object->targets[object->target_count++] = target;
    return 0;
}

static int add_target_of_port(struct kubernetes_object *object, struct labels_builder *builder,
                              const struct labels *container, struct text ip, const json_t *port)
{
    const json_t *number = json_object_get(port, "containerPort");
    struct labels *target;
    char digits[32];

    if (!json_is_integer(number))
        return -EBADMSG;
    snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(number));
    labels_builder_clear(builder);
    int error = labels_builder_add_all(builder, container);
    if (!error)
        error = kubernetes_set_address(builder, ip, json_integer_value(number));
    if (!error)
        error = kubernetes_set(builder, "pod_container_port_number", TEXT(""), text_of(digits));
    if (!error)
        error = kubernetes_set(builder, "pod_container_port_name", TEXT(""),
                               kubernetes_text(port, "name"));
    if (!error)
        error = kubernetes_set(builder, "pod_container_port_protocol", TEXT(""),
                               kubernetes_text(port, "protocol"));
    if (!error)
        error = labels_builder_build(builder, &target);
    return error ? error : target_add(object, target);
}

static int add_targets(struct kubernetes_object *object, struct labels_builder *builder,
                       const struct labels *container, struct text ip, const json_t *ports)
{
    struct labels *target;
    const json_t *port;
    size_t i;
    int error = 0;

    if (json_array_size(ports) == 0) {
        labels_builder_clear(builder);
        error = labels_builder_add_all(builder, container);
        if (!error)
            error = labels_builder_build(builder, &target);
        return error ? error : target_add(object, target);
    }
    json_array_foreach(ports, i, port)
    {
        error = add_target_of_port(object, builder, container, ip, port);
        if (error)
            break;
    }
    return error;
}

static int fill_container(const struct container_kind *kind, const json_t *container,
                          const json_t *pod_status, struct labels_builder *builder,
                          struct kubernetes_object *object, struct pod_container *out)
{
    struct text name = kubernetes_text(container, "name");
    struct text ip = kubernetes_text(pod_status, "podIP");
    const json_t *status = find_status(json_object_get(pod_status, kind->statuses), name);

    if (!name.length)
        return -EBADMSG;
    int error = build_container_labels(kind, container, status, builder);
    if (!error)
        error = labels_builder_set(builder, TEXT("__address__"), ip);
    if (!error)
        error = labels_builder_build(builder, &out->labels);
    if (!error)
        error = copy_last_id(status, &out->last_id);
    if (!error && kind->is_target && ip.length)
        error = add_targets(object, builder, out->labels, ip, json_object_get(container, "ports"));
    return error;
}

static int fill_containers(const json_t *json, struct labels_builder *builder,
                           struct kubernetes_object *object)
{
    const json_t *spec = json_object_get(json, "spec"), *status = json_object_get(json, "status");
    struct pod_container *next = object->pod->containers;

    for (size_t kind = 0; kind < ARRAY_SIZE(container_kinds); kind++) {
        const json_t *container;
        size_t i;
        json_array_foreach(json_object_get(spec, container_kinds[kind].list), i, container)
        {
            int error =
                fill_container(&container_kinds[kind], container, status, builder, object, next++);
            if (error)
                return error;
        }
    }
    return 0;
}

int kubernetes_pod_fill(const json_t *json, struct labels_builder *builder,
                        struct kubernetes_object *object)
{
    const json_t *spec = json_object_get(json, "spec");
    size_t count = 0;

    for (size_t kind = 0; kind < ARRAY_SIZE(container_kinds); kind++)
        count += json_array_size(json_object_get(spec, container_kinds[kind].list));
    object->pod = pod_new(count);
    if (!object->pod)
        return -ENOMEM;
    int error = build_pod_labels(json, builder, &object->pod->labels);
    if (!error)
        error = build_workload(json, builder, &object->pod->workload);
    if (error)
        return error;
    object->labels = object->pod->labels;
    object->node = labels_get(object->labels, TEXT("__meta_kubernetes_pod_node_name"));
    return fill_containers(json, builder, object);
}
