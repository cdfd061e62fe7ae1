/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a pod's label sets, and what is read back out of them. */
#include "model/pod.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct pod *pod_new(size_t container_count)
{
    struct pod *pod = calloc(1, sizeof(*pod));
    if (!pod)
        return NULL;
    pod->references = 1;
    pod->containers = calloc(container_count + 1, sizeof(*pod->containers));
    if (!pod->containers) {
        free(pod);
        return NULL;
    }
    pod->container_count = container_count;
    return pod;
}

struct pod *pod_hold(struct pod *pod)
{
    pod->references++;
    return pod;
}

void pod_release(struct pod **out)
{
    struct pod *pod = *out;

    *out = NULL;
    if (!pod || --pod->references)
        return;
    for (size_t i = 0; i < pod->container_count; i++) {
        free(pod->containers[i].labels);
        free(pod->containers[i].last_id);
    }
    free(pod->containers);
    free(pod->labels);
    free(pod->workload);
    free(pod);
}

bool pod_is_mirror(const struct pod *pod)
{
    return labels_get(pod->labels,
                      TEXT("__meta_kubernetes_pod_annotation_kubernetes_io_config_mirror"))
               .length > 0;
}

struct text pod_cgroup_uid(const struct pod *pod)
{
    struct text hash =
        labels_get(pod->labels, TEXT("__meta_kubernetes_pod_annotation_kubernetes_io_config_hash"));

    return hash.length && pod_is_mirror(pod)
               ? hash
               : labels_get(pod->labels, TEXT("__meta_kubernetes_pod_uid"));
}

bool pod_same_name(const struct pod *a, const struct pod *b)
{
    static const char *const names[] = {"__meta_kubernetes_namespace",
                                        "__meta_kubernetes_pod_name"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!text_equal(labels_get(a->labels, text_of(names[i])),
                        labels_get(b->labels, text_of(names[i]))))
            return false;
    return true;
}

struct text pod_container_name(const struct pod_container *container)
{
    return labels_get(container->labels, TEXT("__meta_kubernetes_pod_container_name"));
}

struct text pod_bare_id(struct text id)
{
    const char *mark = id.length ? memmem(id.bytes, id.length, "://", 3) : NULL;

    if (!mark)
        return id;
    size_t skipped = (size_t)(mark - id.bytes) + 3;
    return (struct text){id.bytes + skipped, id.length - skipped};
}

struct text pod_container_id(const struct pod_container *container)
{
    return pod_bare_id(labels_get(container->labels, TEXT("__meta_kubernetes_pod_container_id")));
}
