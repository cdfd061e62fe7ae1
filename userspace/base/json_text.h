/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's scalars, for whatever writes JSON straight into a buffer. */
#ifndef EDGEMETER_BASE_JSON_TEXT_H
#define EDGEMETER_BASE_JSON_TEXT_H

#include "base/buffer.h"

/* With its quotes. What is no UTF-8 becomes U+FFFD. 0, -ENOMEM or -E2BIG. */
int json_append_string(struct buffer *out, struct text text);
/* null where the value is no number that JSON has. */
int json_append_number(struct buffer *out, double value);

#endif
