/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as YAML again, for people to look at: anchors resolved, of a key given twice the
 * one that counts, secrets hidden. */
#ifndef EDGEMETER_CONFIG_CONFIG_PRINT_H
#define EDGEMETER_CONFIG_CONFIG_PRINT_H

#include "base/buffer.h"
#include "base/yaml_tree.h"

/* Appends the tree, each secret as <secret>, of a URL's password xxxxx (as Prometheus does). 0,
 * -ENOMEM or -E2BIG. */
int config_print(const struct yaml_tree_node *root, struct buffer *out);

#endif
