/* SPDX-License-Identifier: Apache-2.0 */
/* One row as read from the kernel. */
#ifndef EDGEMETER_COLLECT_HTTP_ROW_ENTRY_H
#define EDGEMETER_COLLECT_HTTP_ROW_ENTRY_H

#include "http_abi.h"

/* A surplus row has cgroup 0, status 0 and method HTTP_METHOD_OTHER. A row with a cgroup and status
 * 0 counts requests that were never answered. */
struct http_row_entry {
    struct http_row_key key;
    struct http_row row;
    const struct http_native_row *native; /* NULL: off, or the kernel had no room for it */
};

#endif
