/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod's owner tells of the workload that it belongs to. Pure. */
#ifndef EDGEMETER_MODEL_WORKLOAD_H
#define EDGEMETER_MODEL_WORKLOAD_H

#include "base/text.h"

struct workload {
    struct text kind; /* empty: the pod has no owner */
    struct text name; /* a view into the owner's name */
};

/* The owner itself, but for a ReplicaSet of a Deployment the Deployment: its ReplicaSets are called
 * NAME-HASH. `hash` is the pod's label pod-template-hash; without one the name must look so. */
struct workload workload_of(struct text owner_kind, struct text owner_name, struct text hash);

#endif
