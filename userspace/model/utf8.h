/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as Prometheus checks it: no overlong form, no surrogate, nothing above U+10FFFF. */
#ifndef EDGEMETER_MODEL_UTF8_H
#define EDGEMETER_MODEL_UTF8_H

#include "base/text.h"

bool utf8_is_valid(struct text text);

#endif
