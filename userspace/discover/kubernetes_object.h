/* SPDX-License-Identifier: Apache-2.0 */
/* From an object of the API to what is kept of it: label sets, as Prometheus makes them. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_OBJECT_H
#define EDGEMETER_DISCOVER_KUBERNETES_OBJECT_H

#include <jansson.h>

#include "model/pod.h"

enum kubernetes_resource {
    KUBERNETES_PODS,
    KUBERNETES_NODES,
    KUBERNETES_NAMESPACES,
    KUBERNETES_RESOURCES
};

/* Texts of `labels`' own; immutable. */
struct kubernetes_object {
    struct text namespace; /* empty for nodes and namespaces */
    struct text name;
    struct text node;        /* a pod's; empty while it has none */
    struct labels *labels;   /* of its target group; owned by `pod` where there is one */
    struct labels **targets; /* none of a pod without an address, and none of a namespace */
    size_t target_count;
    struct labels *attached; /* what a node or a namespace adds to its pods */
    struct pod *pod;
};

/* The object whose JSON this is. 0, -ENOMEM, -E2BIG (more labels than a set holds), or -EBADMSG (no
 * name, or a part is not what it has to be). */
int kubernetes_object_new(enum kubernetes_resource resource, const json_t *json,
                          struct labels_builder *builder, struct kubernetes_object **out);
void kubernetes_object_free(struct kubernetes_object **object);
/* Whether what is kept of both is the same. */
bool kubernetes_object_equal(const struct kubernetes_object *a, const struct kubernetes_object *b);

/* Whether both are one pod: the next one of its name has a UID of its own. */
bool kubernetes_object_same_pod(const struct kubernetes_object *a,
                                const struct kubernetes_object *b);

/* NULL: no JSON. A text in it may have NULs, as annotations may. */
json_t *kubernetes_parse(struct text text);
/* The value of a key, "" where it is not there or no text. Valid as long as `json`. */
struct text kubernetes_text(const json_t *json, const char *key);

#endif
