/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig, as kubectl has it: the server and the user of its current context. */
#ifndef EDGEMETER_CONFIG_CONFIG_KUBECONFIG_H
#define EDGEMETER_CONFIG_CONFIG_KUBECONFIG_H

#include "config/config_reader.h"
#include "discover/kubernetes_config.h"

/* Fills in `api_server` and `http`, and mixes what the file says into the server's digest. What is
 * wrong with it is reported at `node`, the value that names the file. */
void config_read_kubeconfig(struct config_reader *reader, const struct yaml_tree_node *node,
                            const struct config_place *place, const char *path,
                            struct kubernetes_config *config);

#endif
