/* SPDX-License-Identifier: Apache-2.0 */
/* The selectors of the Kubernetes API, as the API server would judge them. Pure. */
#ifndef EDGEMETER_CONFIG_CONFIG_SELECTOR_H
#define EDGEMETER_CONFIG_CONFIG_SELECTOR_H

#include "base/text.h"

/* NULL, or what is wrong; *where is the part of `selector` that it is about, from there to the end.
 */
const char *config_label_selector_fault(struct text selector, struct text *where);
const char *config_field_selector_fault(struct text selector, struct text *where);

#endif
