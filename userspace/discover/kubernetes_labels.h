/* SPDX-License-Identifier: Apache-2.0 */
/* Meta labels out of JSON, for kubernetes_object.c and kubernetes_pod.c. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_LABELS_H
#define EDGEMETER_DISCOVER_KUBERNETES_LABELS_H

#include "discover/kubernetes_object.h"

/* Label `__meta_kubernetes_<name><key>`; the key's characters that a label name cannot have become
 * underscores. */
int kubernetes_set(struct labels_builder *builder, const char *name, struct text key,
                   struct text value);
/* Also in lower case. */
int kubernetes_set_lower(struct labels_builder *builder, const char *name, struct text key,
                         struct text value);
/* Its labels and annotations: `what` is "pod", "node" or "namespace". */
int kubernetes_set_metadata(struct labels_builder *builder, const char *what,
                            const json_t *metadata);
/* __address__: host:port, an IPv6 address in brackets. */
int kubernetes_set_address(struct labels_builder *builder, struct text host, long long port);

/* The pod of the object, and its targets. */
int kubernetes_pod_fill(const json_t *json, struct labels_builder *builder,
                        struct kubernetes_object *object);

#endif
