/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of the exposition text format, for whatever writes it. exposition.h has the way back. */
#ifndef EDGEMETER_MODEL_ESCAPE_H
#define EDGEMETER_MODEL_ESCAPE_H

#include "base/buffer.h"

/* \ " and newline as \\, \" and \n: label values and quoted names. 0, -ENOMEM or -E2BIG. */
int escape_label_value(struct text value, struct buffer *out);
/* \ and newline: what follows # HELP. */
int escape_help(struct text help, struct buffer *out);

#endif
