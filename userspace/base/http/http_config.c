/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults and release of the HTTP client settings. config/ fills them in, http_*.c use them. */
#include "base/http/http_config.h"

#include <stdlib.h>
#include <string.h>

void http_config_init(struct http_config *config)
{
    *config = (struct http_config){.follow_redirects = true, .enable_http2 = true};
}

static void secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void headers_free(struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(headers[i].name);
        secret_free(headers[i].value);
    }
    free(headers);
}

static void tls_free(struct http_tls_config *tls)
{
    free(tls->ca);
    free(tls->ca_file);
    free(tls->cert);
    free(tls->cert_file);
    secret_free(tls->key);
    free(tls->key_file);
    free(tls->server_name);
}

static void proxy_free(struct http_proxy_config *proxy)
{
    secret_free(proxy->url); /* it may hold a password */
    free(proxy->no_proxy);
    headers_free(proxy->connect_headers, proxy->connect_header_count);
}

static void oauth2_free(struct http_oauth2_config *oauth2)
{
    if (!oauth2)
        return;
    free(oauth2->client_id);
    secret_free(oauth2->client_secret);
    free(oauth2->client_secret_file);
    free(oauth2->token_url);
    for (size_t i = 0; i < oauth2->scope_count; i++)
        free(oauth2->scopes[i]);
    free(oauth2->scopes);
    headers_free(oauth2->endpoint_params, oauth2->endpoint_param_count);
    tls_free(&oauth2->tls);
    proxy_free(&oauth2->proxy);
    free(oauth2);
}

static void sigv4_free(struct http_sigv4_config *sigv4)
{
    if (!sigv4)
        return;
    free(sigv4->region);
    free(sigv4->access_key);
    secret_free(sigv4->secret_key);
    secret_free(sigv4->session_token);
    free(sigv4);
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
    oauth2_free(config->oauth2);
    sigv4_free(config->sigv4);
    tls_free(&config->tls);
    proxy_free(&config->proxy);
    headers_free(config->headers, config->header_count);
    for (size_t i = 0; i < config->extra_header_count; i++) {
        free(config->extra_headers[i].name);
        secret_free(config->extra_headers[i].value);
        free(config->extra_headers[i].file);
    }
    free(config->extra_headers);
    http_config_init(config);
}
