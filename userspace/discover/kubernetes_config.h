/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of kubernetes_sd_configs. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_CONFIG_H
#define EDGEMETER_DISCOVER_KUBERNETES_CONFIG_H

#include <stdint.h>

#include "base/http/http_config.h"

enum kubernetes_role { KUBERNETES_POD, KUBERNETES_NODE };

struct kubernetes_selector {
    char *label; /* NULL: all */
    char *field; /* NULL: not given; "" is given */
};

struct kubernetes_config {
    enum kubernetes_role role;
    char *api_server;        /* NULL: in the cluster, as the pod's service account */
    struct http_config http; /* towards api_server */
    uint64_t server_digest;  /* of both: equal digests are one server, one user */
    char **namespaces;       /* none: all */
    size_t namespace_count;
    bool own_namespace; /* in the cluster: this pod's too */
    struct kubernetes_selector pods;
    struct kubernetes_selector nodes;
    struct {
        bool node;
        bool namespace;
    } attach;
};

void kubernetes_config_init(struct kubernetes_config *config);
void kubernetes_config_free(struct kubernetes_config *config);

#endif
