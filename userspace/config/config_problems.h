/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting problems while a file is read; what callers of config.h see is declared there. */
#ifndef EDGEMETER_CONFIG_CONFIG_PROBLEMS_H
#define EDGEMETER_CONFIG_CONFIG_PROBLEMS_H

#include <stdarg.h>

#include "config/config.h"

#define CONFIG_MAX_PROBLEMS 200 /* the last one then says that there are more */

enum config_severity { CONFIG_ERROR, CONFIG_WARNING };

/* 0 or -ENOMEM. */
int config_problems_add(struct config_problems *problems, enum config_severity severity,
                        unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
int config_problems_vadd(struct config_problems *problems, enum config_severity severity,
                         unsigned line, unsigned column, const char *format, va_list arguments)
    __attribute__((format(printf, 5, 0)));
bool config_problems_have_error(const struct config_problems *problems);
/* By place; problems of one place stay in their order. */
void config_problems_sort(struct config_problems *problems);

#endif
