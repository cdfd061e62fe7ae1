/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of Prometheus that edgemeter does not have: command lines are moved as configurations are.
 */
#ifndef EDGEMETER_COMMAND_OPTIONS_FOREIGN_H
#define EDGEMETER_COMMAND_OPTIONS_FOREIGN_H

#include "base/text.h"

struct foreign_flag {
    const char *name; /* with a dot at its end: every flag that begins so */
    enum foreign_effect {
        FOREIGN_NEEDLESS, /* asks for what is so anyway */
        FOREIGN_IDLE,     /* the agent does well without; worth a warning */
        FOREIGN_ROOT,     /* refused unless it is "/" */
        FOREIGN_REFUSED,  /* whoever gives it counts on what is not there */
    } effect;
    const char *advice;
    bool is_switch; /* has no value */
};

/* NULL: no flag of Prometheus. `name` begins with --, and may be of the form --no-FLAG. */
const struct foreign_flag *foreign_flag_find(struct text name);

/* What --enable-feature=NAME stands for here; NULL: nothing needs to be said. */
const char *foreign_feature_advice(struct text name);

#endif
