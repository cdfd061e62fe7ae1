/* SPDX-License-Identifier: Apache-2.0 */
/* Readings for `edgemeter top` on a host where no agent runs: the programs are attached for as long
 * as it is looked at. Nothing is sent or served. */
#ifndef EDGEMETER_COMMAND_TOP_METER_H
#define EDGEMETER_COMMAND_TOP_METER_H

#include "base/loop.h"
#include "top/top.h"

struct top_meter;

/* Attaches. A negative errno with the reason in the log. */
int top_meter_new(struct loop *loop, struct top_meter **out);
/* Detaches. */
void top_meter_free(struct top_meter **meter);
void top_meter_read(struct top_meter *meter, struct top *top);

#endif
