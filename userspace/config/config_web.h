/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --web.config.file. */
#ifndef EDGEMETER_CONFIG_CONFIG_WEB_H
#define EDGEMETER_CONFIG_CONFIG_WEB_H

#include "base/problems.h"
#include "serve/web_config.h"

/* 0, -ENOMEM, or -EINVAL with at least one error in `problems`. */
int config_web_load(const char *path, struct web_config **out, struct problems *problems);

#endif
