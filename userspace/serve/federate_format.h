/* SPDX-License-Identifier: Apache-2.0 */
/* What an Accept header gets from /federate. */
#ifndef EDGEMETER_SERVE_FEDERATE_FORMAT_H
#define EDGEMETER_SERVE_FEDERATE_FORMAT_H

#include "serve/name_escaping.h"

enum federate_type { FEDERATE_TEXT, FEDERATE_PROTOBUF, FEDERATE_OPENMETRICS };

#define FEDERATE_CONTENT_TYPE_SIZE 160

struct federate_format {
    enum federate_type type;
    enum name_escaping escaping;
    char content_type[FEDERATE_CONTENT_TYPE_SIZE];
};

/* As Prometheus 3 chooses, which gives text to whoever takes it at all; whoever takes nothing but
 * OpenMetrics gets that. `accept` may be NULL. */
struct federate_format federate_negotiate(const char *accept);

#endif
