/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong between us and an API server: said once, however long it lasts, and once more when
 * it is over. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_TROUBLE_H
#define EDGEMETER_DISCOVER_KUBERNETES_TROUBLE_H

#include <stdint.h>

#include "base/text.h"

enum kubernetes_trouble_kind {
    KUBERNETES_WELL,
    KUBERNETES_UNREACHABLE,
    KUBERNETES_UNAUTHORIZED,
    KUBERNETES_FORBIDDEN,
    KUBERNETES_NOT_FOUND,
    KUBERNETES_GONE,
    KUBERNETES_BUSY,
    KUBERNETES_SERVER_ERROR,
    KUBERNETES_REFUSED,
    KUBERNETES_GARBAGE,
    KUBERNETES_CUT,
    KUBERNETES_TROUBLES
};

struct kubernetes_trouble {
    enum kubernetes_trouble_kind kind;
    uint64_t since_ns;
};

/* What an HTTP status is. */
enum kubernetes_trouble_kind kubernetes_trouble_of(int status);

/* `what` is the request's path; `reason` are the server's or the client's own words. */
void kubernetes_trouble_begin(struct kubernetes_trouble *trouble, enum kubernetes_trouble_kind kind,
                              const char *what, int status, struct text reason);
void kubernetes_trouble_end(struct kubernetes_trouble *trouble, const char *what);

#endif
