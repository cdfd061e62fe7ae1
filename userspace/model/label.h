/* SPDX-License-Identifier: Apache-2.0 */
/* A name and its value, borrowed. */
#ifndef EDGEMETER_MODEL_LABEL_H
#define EDGEMETER_MODEL_LABEL_H

#include "base/text.h"

struct label {
    struct text name;
    struct text value;
};

#endif
