/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the configuration as a list, for documentation and tests. */
#ifndef EDGEMETER_CONFIG_CONFIG_KEYS_H
#define EDGEMETER_CONFIG_CONFIG_KEYS_H

#include "base/buffer.h"

/* A line for each key: its place (scrape_configs.basic_auth.username), a tab, what it takes
 * ("text", "path", "boolean", "duration", "size", "number", "mapping", "other"), or "no effect",
 * "not built" or "not an agent's", a tab, and for these three why or what to do. */
void config_keys_print(struct buffer *out);

#endif
