/* SPDX-License-Identifier: Apache-2.0 */
/* A pod as discovery knows it, for whoever names things by it. Immutable once made; whoever keeps
 * one holds it. */
#ifndef EDGEMETER_MODEL_POD_H
#define EDGEMETER_MODEL_POD_H

#include "model/labels.h"

struct pod_container {
    struct labels *labels; /* __meta_kubernetes_pod_container_{name,image,init,id}, __address__ */
    char *last_id;         /* of its run before this one; NULL: none */
};

struct pod {
    uint32_t references;
    struct labels *labels;   /* __meta_kubernetes_namespace and __meta_kubernetes_pod_... */
    struct labels *workload; /* __meta_kubernetes_pod_workload_{kind,name}; may be empty */
    struct pod_container *containers;
    size_t container_count;
};

/* With one reference and room for so many containers; NULL without memory. */
struct pod *pod_new(size_t container_count);
struct pod *pod_hold(struct pod *pod);
void pod_release(struct pod **pod);

/* Whether it stands in the API server for a static pod, which the kubelet runs by itself. */
bool pod_is_mirror(const struct pod *pod);
/* What its cgroups are called after: its UID, but a static pod's is the hash of its manifest. */
struct text pod_cgroup_uid(const struct pod *pod);
bool pod_same_name(const struct pod *a, const struct pod *b);
struct text pod_container_name(const struct pod_container *container);
/* Without the runtime before it; empty where it has not run yet. */
struct text pod_container_id(const struct pod_container *container);
/* "containerd://ID" -> "ID" */
struct text pod_bare_id(struct text id);

#define autopod __attribute__((cleanup(pod_release)))

#endif
