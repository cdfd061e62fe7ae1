/* SPDX-License-Identifier: Apache-2.0 */
/* A native histogram of the protobuf exposition format as one of ours. Private to
 * proto_exposition.c. */
#ifndef EDGEMETER_MODEL_PROTO_HISTOGRAM_H
#define EDGEMETER_MODEL_PROTO_HISTOGRAM_H

#include "model/exposition.pb-c.h"
#include "model/sample.h"

/* Prometheus' rule; a histogram that has seen nothing yet needs a span without buckets for it. */
bool proto_histogram_is_native(const Exposition__Histogram *histogram);

/* Empty buckets are left out, as Prometheus does. 0; -ENOMEM; or -EINVAL with what is wrong. */
int proto_histogram_new(const Exposition__Histogram *proto, bool is_gauge, struct histogram **out,
                        const char **fault);

#endif
