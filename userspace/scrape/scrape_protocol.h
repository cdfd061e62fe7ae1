/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a target is asked for, and which one its answer is in. As Prometheus 3. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_PROTOCOL_H
#define EDGEMETER_SCRAPE_SCRAPE_PROTOCOL_H

#include "scrape/scrape_protocol_config.h"

#define SCRAPE_ACCEPT_SIZE 512
#define SCRAPE_PROTOCOL_REASON_SIZE 256

enum scrape_format { SCRAPE_TEXT, SCRAPE_OPENMETRICS, SCRAPE_PROTOBUF };

/* The value of the Accept header. */
void scrape_protocol_accept(const struct scrape_protocol_config *config,
                            char out[SCRAPE_ACCEPT_SIZE]);

/* By the media type alone, not its parameters, which must be well-formed all the same; else the
 * fallback. 0, or -EINVAL with the reason. */
int scrape_protocol_format(const struct scrape_protocol_config *config, const char *content_type,
                           enum scrape_format *out, char reason[SCRAPE_PROTOCOL_REASON_SIZE]);

#endif
