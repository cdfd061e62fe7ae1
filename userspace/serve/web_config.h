/* SPDX-License-Identifier: Apache-2.0 */
/* --web.config.file, in the exporter-toolkit's format: TLS, users, and fields of every answer. */
#ifndef EDGEMETER_SERVE_WEB_CONFIG_H
#define EDGEMETER_SERVE_WEB_CONFIG_H

#include <stdbool.h>

#include "base/http/http_config.h"

#define WEB_CONFIG_MAX_ITEMS 1024 /* of each list */

/* Of client certificates, in Go's words. */
enum web_client_auth {
    WEB_NO_CLIENT_CERT,
    WEB_REQUEST_CLIENT_CERT,
    WEB_REQUIRE_ANY_CLIENT_CERT,
    WEB_VERIFY_CLIENT_CERT_IF_GIVEN,
    WEB_REQUIRE_AND_VERIFY_CLIENT_CERT,
    WEB_CLIENT_AUTHS
};

struct web_list {
    char **items;
    size_t count;
};

struct web_tls_config {
    bool given;
    char *cert, *cert_file, *key, *key_file, *client_ca, *client_ca_file;
    enum web_client_auth client_auth;
    enum http_tls_version min_version, max_version; /* TLS12, TLS13 */
    struct web_list cipher_suites, curves, client_sans;
    bool prefer_server_ciphers; /* true */
};

struct web_header {
    char *name, *value;
};

struct web_user {
    char *name, *hash; /* bcrypt's */
};

struct web_config {
    struct web_tls_config tls;
    bool http2; /* taken, and without effect: there is HTTP/1.1 alone */
    struct web_header *headers;
    size_t header_count;
    struct web_user *users;
    size_t user_count;
};

/* The defaults. */
void web_config_init(struct web_config *config);
void web_config_free(struct web_config **config);

#endif
