/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults and release of the HTTP client settings. config/ fills them in, http_options.c uses
 * them. */
#include "base/http_config.h"

#include <stdlib.h>
#include <string.h>

void http_config_init(struct http_config *config)
{
    *config = (struct http_config){.follow_redirects = true};
}

static void secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void http_config_free(struct http_config *config)
{
    free(config->basic_auth.username);
    free(config->basic_auth.username_file);
    secret_free(config->basic_auth.password);
    free(config->basic_auth.password_file);
    free(config->authorization.type);
    secret_free(config->authorization.credentials);
    free(config->authorization.credentials_file);
    free(config->tls.ca_file);
    free(config->tls.cert_file);
    free(config->tls.key_file);
    free(config->tls.server_name);
    for (size_t i = 0; i < config->header_count; i++) {
        free(config->headers[i].name);
        secret_free(config->headers[i].value);
    }
    free(config->headers);
    http_config_init(config);
}
