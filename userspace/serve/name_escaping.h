/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are not [a-zA-Z_:][a-zA-Z0-9_:]* for readers that know no others: the schemes that an
 * Accept header's escaping= can ask for. */
#ifndef EDGEMETER_SERVE_NAME_ESCAPING_H
#define EDGEMETER_SERVE_NAME_ESCAPING_H

#include "base/buffer.h"

enum name_escaping {
    NAMES_UNDERSCORES, /* every other character becomes _ */
    NAMES_AS_THEY_ARE, /* allow-utf-8 */
    NAMES_DOTS,        /* _dot_ and __, _ for every other */
    NAMES_VALUES,      /* U__ and the code points */
    NAME_ESCAPINGS
};

extern const char *const name_escaping_names[NAME_ESCAPINGS]; /* as in escaping= */

/* Appends the name; a label's may not have a colon. Whether what was appended needs quotes. */
bool name_escape(enum name_escaping escaping, struct text name, bool is_label, struct buffer *out);

#endif
