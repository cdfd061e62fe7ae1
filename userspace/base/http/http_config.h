/* SPDX-License-Identifier: Apache-2.0 */
/* How to reach an HTTP server: Prometheus' <http_config>. All strings owned by the struct, NULL
 * where the file does not say. A ..._file is read at each request, so that what is rotated is
 * taken. */
#ifndef EDGEMETER_BASE_HTTP_CONFIG_H
#define EDGEMETER_BASE_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct http_header {
    char *name;
    char *value;
};

enum http_tls_version {
    HTTP_TLS_DEFAULT, /* at least 1.2, at most what is there */
    HTTP_TLS_1_0,
    HTTP_TLS_1_1,
    HTTP_TLS_1_2,
    HTTP_TLS_1_3,
};

struct http_tls_config {
    char *ca; /* PEM, as are cert and key */
    char *ca_file;
    char *cert;
    char *cert_file;
    char *key;
    char *key_file;
    char *server_name;
    bool insecure_skip_verify;
    enum http_tls_version min_version;
    enum http_tls_version max_version;
};

struct http_proxy_config {
    char *url; /* http, https or socks5 */
    char *no_proxy;
    bool from_environment;
    struct http_header *connect_headers;
    size_t connect_header_count;
};

/* Client credentials: the token comes from token_url and is kept until it expires. */
struct http_oauth2_config {
    char *client_id;
    char *client_secret;
    char *client_secret_file;
    char *token_url;
    char **scopes;
    size_t scope_count;
    struct http_header *endpoint_params; /* names and values */
    size_t endpoint_param_count;
    struct http_tls_config tls;
    struct http_proxy_config proxy;
};

/* AWS' signature, version 4, of requests to Amazon Managed Service for Prometheus. */
struct http_sigv4_config {
    char *region;
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
};

struct http_extra_header {
    char *name;
    char *value; /* or ... */
    char *file;  /* ... what is in it */
};

struct http_config {
    struct {
        char *username;
        char *username_file;
        char *password;
        char *password_file;
    } basic_auth;
    struct {
        char *type; /* "Bearer" where the block is given without one */
        char *credentials;
        char *credentials_file;
    } authorization;
    struct http_oauth2_config *oauth2; /* NULL: none */
    struct http_sigv4_config *sigv4;   /* NULL: none; of remote_write */
    struct http_tls_config tls;
    struct http_proxy_config proxy;
    struct http_header *headers; /* remote_write.headers */
    size_t header_count;
    struct http_extra_header *extra_headers; /* http_headers */
    size_t extra_header_count;
    bool follow_redirects; /* default true */
    bool enable_http2;     /* default true: where the server offers it, over TLS */
    bool round_robin_dns;  /* each connection goes to any of the name's addresses */
};

void http_config_init(struct http_config *config);
void http_config_free(struct http_config *config);

#endif
