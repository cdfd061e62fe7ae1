/* SPDX-License-Identifier: Apache-2.0 */
/* What check-config looks at beside the configuration itself: the files that it names, and the
 * targets that are in it or in them. */
#ifndef EDGEMETER_COMMAND_CONFIG_CHECK_H
#define EDGEMETER_COMMAND_CONFIG_CHECK_H

#include "config/config.h"

/* Files of targets that are there must be good, and so must the targets, relabelled; other files
 * must be there and readable. What may come later, a file of targets, is a warning. Without files
 * only the targets of the configuration itself are looked at. 0, -EINVAL with an error in
 * `problems`, or -ENOMEM. */
int config_check_parts(const struct config *config, bool with_files, struct problems *problems);

#endif
