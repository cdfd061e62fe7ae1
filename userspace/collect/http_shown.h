/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a group of rows: its sums, and the labels that tell it from the others. */
#ifndef EDGEMETER_COLLECT_HTTP_SHOWN_H
#define EDGEMETER_COLLECT_HTTP_SHOWN_H

#include "http_abi.h"
#include "model/labels.h"

struct http_shown {
    bool answered; /* else only the count is worth something */
    enum http_role role;
    /* As they are sent, without job, instance and external labels. */
    const struct labels_builder *labels;
    struct http_row sum;
};

/* All of `shown` is valid during the call. */
typedef void (*http_show_fn)(void *context, const struct http_shown *shown);

#endif
