/* SPDX-License-Identifier: Apache-2.0 */
/* A number for what a part of the file says, so that a reload sees what has changed. */
#ifndef EDGEMETER_CONFIG_CONFIG_DIGEST_H
#define EDGEMETER_CONFIG_CONFIG_DIGEST_H

#include <stdint.h>

#include "base/yaml_tree.h"

/* Chained: `seed` is the digest of what stands before, 0 for nothing. Places do not count. NULL is
 * nothing. */
uint64_t config_digest(const struct yaml_tree_node *node, uint64_t seed);

uint64_t config_digest_text(struct text text, uint64_t seed);

/* Of those pairs of a mapping alone whose keys count. */
uint64_t config_digest_pairs(const struct yaml_tree_node *mapping, uint64_t seed,
                             bool (*counts)(struct text key));

#endif
