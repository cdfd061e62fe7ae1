/* SPDX-License-Identifier: Apache-2.0 */
/* How to reach an HTTP server: Prometheus' <http_config>, as far as built. All strings owned by the
 * struct, NULL where the file does not say. */
#ifndef EDGEMETER_BASE_HTTP_CONFIG_H
#define EDGEMETER_BASE_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct http_header {
    char *name;
    char *value;
};

struct http_config {
    struct {
        char *username;
        char *username_file;
        char *password;
        char *password_file; /* read at each request, so that a rotated secret is taken */
    } basic_auth;
    struct {
        char *type; /* "Bearer" where the block is given without one */
        char *credentials;
        char *credentials_file;
    } authorization;
    struct {
        char *ca_file;
        char *cert_file;
        char *key_file;
        char *server_name;
        bool insecure_skip_verify;
    } tls;
    struct http_header *headers; /* remote_write.headers */
    size_t header_count;
    bool follow_redirects; /* default true */
};

void http_config_init(struct http_config *config);
void http_config_free(struct http_config *config);

#endif
