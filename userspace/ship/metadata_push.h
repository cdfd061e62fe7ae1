/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata over remote write 1.0: all that is known of the families, every metadata_config
 * send_interval, in requests of their own. */
#ifndef EDGEMETER_SHIP_METADATA_PUSH_H
#define EDGEMETER_SHIP_METADATA_PUSH_H

#include "ship/remote_parts.h"

struct metadata_push;

/* 0 or -ENOMEM. */
int metadata_push_new(struct remote_parts *parts, struct metadata_push **out);
void metadata_push_free(struct metadata_push **push);

#endif
