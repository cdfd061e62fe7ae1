/* SPDX-License-Identifier: Apache-2.0 */
/* Families as length-delimited protobuf messages, which are whole when the next one begins. For
 * federate_write.c alone. */
#ifndef EDGEMETER_SERVE_FEDERATE_PROTOBUF_H
#define EDGEMETER_SERVE_FEDERATE_PROTOBUF_H

#include "model/sample.h"
#include "serve/federate_writer.h"

void federate_protobuf_sample(struct federate_writer *writer, const struct labels *labels,
                              const struct sample *sample, struct buffer *out);
void federate_protobuf_flush(struct federate_writer *writer, struct buffer *out);

#endif
