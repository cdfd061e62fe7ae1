/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of rows one by one, for whoever shows them to people. */
#ifndef EDGEMETER_COLLECT_HTTP_SHOW_H
#define EDGEMETER_COLLECT_HTTP_SHOW_H

#include "collect/http_groups.h"
#include "collect/http_shown.h"

/* 0 or a negative errno. */
int http_show_groups(struct http_groups *groups, http_show_fn fn, void *context);

#endif
