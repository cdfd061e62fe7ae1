/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are to the server: basic_auth, authorization, sigv4, and http_headers, mostly tokens.
 * Secrets in files are looked at anew for each call. */
#include "base/http/http_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#define SECRET_MAXIMUM (64 << 10) /* bytes of a password or credentials file */

static struct text text_trimmed(struct text text)
{
    while (text.length && isspace((unsigned char)text.bytes[0]))
        text = (struct text){text.bytes + 1, text.length - 1};
    while (text.length && isspace((unsigned char)text.bytes[text.length - 1]))
        text.length--;
    return text;
}

void http_secret_free(struct buffer *secret)
{
    if (secret->bytes)
        explicit_bzero(secret->bytes, secret->capacity);
    buffer_free(secret);
}

int http_call_read_secret(struct http_call *call, const char *what, const char *literal,
                          const char *path, struct buffer *out)
{
    if (literal || !path)
        return buffer_append_string(out, literal ? literal : "");
    struct text secret = {0};
    int error = file_cache_read(http_client_files(call->client), path, &secret);
    secret = text_trimmed(secret);
    if (error == -E2BIG || (!error && secret.length > SECRET_MAXIMUM))
        return http_call_fail(call, -E2BIG, "%s %s: larger than %d bytes", what, path,
                              SECRET_MAXIMUM);
    if (error)
        return http_call_fail(call, error, "%s %s: %s", what, path, strerror(-error));
    if (memchr(secret.bytes, '\0', secret.length))
        return http_call_fail(call, -EINVAL, "%s %s: holds a NUL byte", what, path);
    return buffer_append_text(out, secret);
}

static void append_base64(struct buffer *out, struct text text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < text.length; i += 3) {
        const uint8_t *bytes = (const uint8_t *)text.bytes + i;
        size_t left = text.length - i;
        uint32_t three = (uint32_t)bytes[0] << 16 | (left > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                         (left > 2 ? bytes[2] : 0);
        buffer_append_char(out, digits[three >> 18]);
        buffer_append_char(out, digits[three >> 12 & 63]);
        buffer_append_char(out, left > 1 ? digits[three >> 6 & 63] : '=');
        buffer_append_char(out, left > 2 ? digits[three & 63] : '=');
    }
}

static int set_basic_auth(struct http_call *call, const struct http_config *config)
{
    struct buffer pair, value;
    buffer_init(&pair, 2 * SECRET_MAXIMUM + 1);
    buffer_init(&value, 4 * SECRET_MAXIMUM);
    int error = http_call_read_secret(call, "basic_auth username_file", config->basic_auth.username,
                                      config->basic_auth.username_file, &pair);
    if (!error)
        error = buffer_append_char(&pair, ':');
    if (!error)
        error = http_call_read_secret(call, "basic_auth password_file", config->basic_auth.password,
                                      config->basic_auth.password_file, &pair);
    if (!error)
        error = buffer_append_string(&value, "Basic ");
    if (!error) {
        append_base64(&value, buffer_text(&pair));
        error = value.failed ? -ENOMEM : http_call_add_header(call, "Authorization", value.bytes);
    }
    http_secret_free(&pair);
    http_secret_free(&value);
    return error;
}

static int set_authorization(struct http_call *call, const struct http_config *config)
{
    const char *type = config->authorization.type ? config->authorization.type : "Bearer";
    struct buffer credentials, value;
    buffer_init(&credentials, SECRET_MAXIMUM);
    buffer_init(&value, SECRET_MAXIMUM + 256);
    int error = http_call_read_secret(call, "authorization credentials_file",
                                      config->authorization.credentials,
                                      config->authorization.credentials_file, &credentials);
    if (!error)
        error = buffer_printf(&value, "%s %s", type, credentials.bytes);
    if (!error)
        error = http_call_add_header(call, "Authorization", value.bytes);
    http_secret_free(&credentials);
    http_secret_free(&value);
    return error;
}

int http_call_set_authentication(struct http_call *call, const struct http_config *config)
{
    int error = 0;
    if (config->basic_auth.username || config->basic_auth.username_file ||
        config->basic_auth.password || config->basic_auth.password_file)
        error = set_basic_auth(call, config);
    if (!error && (config->authorization.credentials || config->authorization.credentials_file))
        error = set_authorization(call, config);
    return error;
}

int http_call_set_sigv4(struct http_call *call, const struct http_sigv4_config *sigv4)
{
    struct buffer provider;
    buffer_init(&provider, 256);
    int error = buffer_printf(&provider, "aws:amz:%s:aps", sigv4->region);
    if (!error)
        error = http_call_set_string(call, CURLOPT_AWS_SIGV4, provider.bytes);
    if (!error)
        error = http_call_set_string(call, CURLOPT_USERNAME, sigv4->access_key);
    if (!error)
        error = http_call_set_string(call, CURLOPT_PASSWORD, sigv4->secret_key);
    if (!error && sigv4->session_token)
        error = http_call_add_header(call, "X-Amz-Security-Token", sigv4->session_token);
    buffer_free(&provider);
    return error;
}

/* ---- http_headers ---- */

static int add_extra_header(struct http_call *call, const struct http_extra_header *header)
{
    struct buffer value;
    buffer_init(&value, SECRET_MAXIMUM);
    int error =
        http_call_read_secret(call, "http_headers file", header->value, header->file, &value);
    if (!error)
        error = http_call_add_header(call, header->name, value.bytes);
    http_secret_free(&value);
    return error;
}

int http_call_add_extra_headers(struct http_call *call, const struct http_config *config)
{
    int error = 0;
    for (size_t i = 0; i < config->extra_header_count && !error; i++)
        error = add_extra_header(call, &config->extra_headers[i]);
    return error;
}
