/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own with the keys by which an HTTP server is reached, as promtool's
 * --http.config.file takes one. */
#ifndef EDGEMETER_CONFIG_CONFIG_CLIENT_H
#define EDGEMETER_CONFIG_CONFIG_CLIENT_H

#include "base/http/http_config.h"
#include "base/problems.h"

/* Into *out, which is initialized. 0 (warnings possible), -EINVAL with an error in `problems`, or
 * -ENOMEM. */
int config_load_client(const char *path, struct http_config *out, struct problems *problems);

#endif
