/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of rows as text 0.0.4. */
#ifndef EDGEMETER_COLLECT_HTTP_TEXT_H
#define EDGEMETER_COLLECT_HTTP_TEXT_H

#include "collect/http_groups.h"

/* As of the pass that learned the rows. 0, -ENOMEM, or -E2BIG where the buffer is too small. */
int http_text_write(struct http_groups *groups, struct buffer *out);

#endif
