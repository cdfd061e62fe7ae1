/* SPDX-License-Identifier: Apache-2.0 */
/* What a metric family of the protobuf exposition format says of itself, wherever that stands in
 * its message. Private to proto_exposition.c. */
#ifndef EDGEMETER_MODEL_PROTO_FAMILY_H
#define EDGEMETER_MODEL_PROTO_FAMILY_H

#include <stdbool.h>

#include "model/exposition.pb-c.h"
#include "model/metadata.h"
#include "model/proto_wire.h"

struct proto_family {
    struct metadata metadata; /* its texts are the message's */
    Exposition__MetricType type;
    struct text metrics; /* what of the message has not been read */
};

/* Without metrics a family is nothing, whatever it says. 0, or -EINVAL with what is wrong. */
int proto_family_read(struct proto_family *family, struct text message, const char **fault);
/* The next metric's message; false behind the last. */
bool proto_family_next(struct proto_family *family, struct text *metric);

#endif
