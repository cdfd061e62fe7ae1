/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes: the watches that discoverers share, and the pods of this node for the pod table. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_H
#define EDGEMETER_DISCOVER_KUBERNETES_H

#include "base/http/http_client.h"
#include "base/loop.h"
#include "discover/discovery_config.h"
#include "discover/kubernetes_source.h"
#include "model/metric.h"
#include "model/pod_table.h"

/* Where a pod finds its service account. */
#define KUBERNETES_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct kubernetes;

/* All of it outlives the watches. */
struct kubernetes_environment {
    struct loop *loop;
    struct http_client *http;
    struct metric_registry *metrics;
    struct pod_table *pods; /* gets every pod that is watched */
    const char *node_name;  /* NODE_NAME; NULL or "": not known, so all nodes' pods are watched */
};

int kubernetes_new(const struct kubernetes_environment *environment, struct kubernetes **out);
void kubernetes_free(struct kubernetes **kubernetes);

/* Whether to watch the pods of this node for the pod table alone. Only in a cluster and with a node
 * name; nothing happens elsewhere. */
void kubernetes_watch_own_pods(struct kubernetes *kubernetes, bool wanted);

/* For kubernetes_discoverer.c: the source of a query, shared by all who ask the same. */
struct kubernetes_lookup {
    const struct discoverer_config *config; /* NULL: in the cluster */
    enum kubernetes_resource resource;
    const char *namespace; /* NULL: all */
};
int kubernetes_acquire(struct kubernetes *kubernetes, const struct kubernetes_lookup *lookup,
                       struct kubernetes_source **out);
void kubernetes_release(struct kubernetes *kubernetes, struct kubernetes_source **source);

#endif
