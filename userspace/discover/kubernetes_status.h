/* SPDX-License-Identifier: Apache-2.0 */
/* What an API server says in place of what it was asked for: an object of kind Status. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_STATUS_H
#define EDGEMETER_DISCOVER_KUBERNETES_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define KUBERNETES_REASON_SIZE 256

struct kubernetes_status {
    int code;                            /* 0: nothing was said */
    char reason[KUBERNETES_REASON_SIZE]; /* its message */
    uint64_t retry_after_ns;
    bool version_too_large; /* the version that was asked for is not reached yet */
};

void kubernetes_status_read(struct kubernetes_status *status, const json_t *json);
/* The same from the body of an error, which may be anything. */
void kubernetes_status_read_body(struct kubernetes_status *status, struct text body);

#endif
