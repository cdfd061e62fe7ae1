/* SPDX-License-Identifier: Apache-2.0 */
/* Readings for `edgemeter top` over HTTP, from an agent that runs. */
#ifndef EDGEMETER_COMMAND_TOP_AGENT_H
#define EDGEMETER_COMMAND_TOP_AGENT_H

#include "base/http/http_config.h"
#include "base/loop.h"
#include "top/top.h"

#define TOP_AGENT_DEFAULT "http://127.0.0.1:9595"

struct top_agent;

/* `url` is where the agent listens, "host:port" or with a scheme and a path. `config` is borrowed.
 * 0 or a negative errno. */
int top_agent_new(struct loop *loop, const char *url, const struct http_config *config,
                  struct top_agent **out);
void top_agent_free(struct top_agent **agent);
struct top_source top_agent_source(struct top_agent *agent);

/* Called instead of an error where nothing listens there at the first reading; may be NULL. */
void top_agent_on_absent(struct top_agent *agent, void (*fn)(void *context, struct top *top),
                         void *context);

#endif
