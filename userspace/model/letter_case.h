/* SPDX-License-Identifier: Apache-2.0 */
/* Upper and lower case of any script, character by character as Go's strings.ToUpper does it. */
#ifndef EDGEMETER_MODEL_LETTER_CASE_H
#define EDGEMETER_MODEL_LETTER_CASE_H

#include "base/buffer.h"

enum letter_case { LETTER_UPPER, LETTER_LOWER };

/* Appends the text in that case; bytes that are no UTF-8 as they are. 0, -ENOMEM or -E2BIG. */
int letter_case_append(enum letter_case wanted, struct text text, struct buffer *out);

#endif
