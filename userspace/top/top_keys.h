/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys do. */
#ifndef EDGEMETER_TOP_TOP_KEYS_H
#define EDGEMETER_TOP_TOP_KEYS_H

#include "top/top_screen.h"

/* Changes the screen; `lines` of the terminal is how far a page is. False: the user wants to leave.
 */
bool top_key(struct top_screen *screen, int key, size_t lines);

#endif
