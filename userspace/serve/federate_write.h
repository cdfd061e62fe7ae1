/* SPDX-License-Identifier: Apache-2.0 */
/* One sample in the format that was asked for; a family begins with the first of its samples. For
 * federate.c alone. */
#ifndef EDGEMETER_SERVE_FEDERATE_WRITE_H
#define EDGEMETER_SERVE_FEDERATE_WRITE_H

#include "model/sample.h"
#include "serve/federate_writer.h"

/* Appends the sample, with its family's head where it is the first. A histogram is left out of the
 * formats that have none. */
void federate_write_sample(struct federate_writer *writer, const struct labels *labels,
                           const struct sample *sample, struct buffer *out);
void federate_write_end(struct federate_writer *writer, struct buffer *out);

#endif
