/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, checked as Prometheus does: no overlong form, no surrogate, nothing above U+10FFFF. */
#ifndef EDGEMETER_MODEL_UTF8_H
#define EDGEMETER_MODEL_UTF8_H

#include <stdint.h>

#include "base/text.h"

bool utf8_is_valid(struct text text);

#define UTF8_MAX_CODE_POINT 0x10ffff
#define UTF8_MAX_LENGTH 4 /* bytes of one code point */

/* Takes a code point off the front of a valid text that is not empty. */
uint32_t utf8_take(struct text *text);
/* Writes a code point that is no surrogate; the bytes written. */
size_t utf8_put(uint32_t code_point, char out[UTF8_MAX_LENGTH]);

#endif
