/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/web_config.h"

#include <stdlib.h>

#include "base/cleanup.h"

void web_config_init(struct web_config *config)
{
    *config = (struct web_config){
        .tls = {.min_version = HTTP_TLS_1_2,
                .max_version = HTTP_TLS_1_3,
                .prefer_server_ciphers = true},
        .http2 = true,
    };
}

static void list_free(struct web_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

void web_config_free(struct web_config **out)
{
    struct web_config *config = TAKE_PTR(*out);
    if (!config)
        return;
    char *const texts[] = {config->tls.cert,     config->tls.cert_file, config->tls.key,
                           config->tls.key_file, config->tls.client_ca, config->tls.client_ca_file};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    list_free(&config->tls.cipher_suites);
    list_free(&config->tls.curves);
    list_free(&config->tls.client_sans);
    for (size_t i = 0; i < config->header_count; i++) {
        free(config->headers[i].name);
        free(config->headers[i].value);
    }
    for (size_t i = 0; i < config->user_count; i++) {
        free(config->users[i].name);
        free(config->users[i].hash);
    }
    free(config->headers);
    free(config->users);
    free(config);
}
