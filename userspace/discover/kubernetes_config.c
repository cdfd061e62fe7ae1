/* SPDX-License-Identifier: Apache-2.0 */
/* The life of struct kubernetes_config; config/ fills it from a file. */
#include "discover/kubernetes_config.h"

#include <stdlib.h>

void kubernetes_config_init(struct kubernetes_config *config)
{
    *config = (struct kubernetes_config){.role = KUBERNETES_POD};
    http_config_init(&config->http);
}

void kubernetes_config_free(struct kubernetes_config *config)
{
    free(config->api_server);
    http_config_free(&config->http);
    for (size_t i = 0; i < config->namespace_count; i++)
        free(config->namespaces[i]);
    free(config->namespaces);
    free(config->pods.label);
    free(config->pods.field);
    free(config->nodes.label);
    free(config->nodes.field);
    *config = (struct kubernetes_config){0};
}
