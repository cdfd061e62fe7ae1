/* SPDX-License-Identifier: Apache-2.0 */
/* The end of struct remote_write_config; config/ fills it from a file. */
#include "ship/remote_write_config.h"

#include <stdlib.h>

void remote_write_config_free(struct remote_write_config *config)
{
    free(config->url);
    free(config->name);
    http_config_free(&config->http);
    *config = (struct remote_write_config){0};
}
