/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's syntax errors in words that help. */
#ifndef EDGEMETER_BASE_YAML_ERROR_H
#define EDGEMETER_BASE_YAML_ERROR_H

#include <yaml.h>

#include "base/text.h"
#include "base/problems.h"

/* Adds what stopped `parser`, which was reading `bytes`. -EINVAL, or -ENOMEM. */
int yaml_error_report(const yaml_parser_t *parser, struct text bytes, struct problems *problems);

#endif
