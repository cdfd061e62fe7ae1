/* SPDX-License-Identifier: Apache-2.0 */
/* From settings and request to libcurl options: method, headers, authentication, TLS, limits.
 * Secrets in files are read here, anew for each call. Transfers nothing. */
#include "base/http_call.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define IDLE_SECONDS 300L    /* a connection that was idle for longer is not reused */
#define CA_CACHE_SECONDS 60L /* how soon a rotated ca_file is taken */

static int fail(struct http_call *call, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct http_call *call, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->failure, sizeof(call->failure), format, arguments);
    va_end(arguments);
    return error;
}

/* libcurl copies the string; there is no other failure than a lack of memory. */
static int set_string(struct http_call *call, CURLoption option, const char *value)
{
    return curl_easy_setopt(call->easy, option, value) == CURLE_OK ? 0 : -ENOMEM;
}

/* ---- headers ---- */

static int add_header_line(struct http_call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (!longer)
        return -ENOMEM;
    call->headers = longer;
    return 0;
}

static int add_header(struct http_call *call, const char *name, const char *value)
{
    if (strpbrk(name, "\r\n:; ") || strpbrk(value, "\r\n"))
        return fail(call, -EINVAL, "header %.100s: a name or value with a line break or separator",
                    name);
    struct buffer line;
    buffer_init(&line, strlen(name) + strlen(value) + 2);
    /* libcurl's spelling of a header with an empty value; "name:" would mean "none such". */
    int error =
        *value ? buffer_printf(&line, "%s: %s", name, value) : buffer_printf(&line, "%s;", name);
    if (!error)
        error = add_header_line(call, line.bytes);
    if (line.bytes)
        explicit_bzero(line.bytes, line.length);
    buffer_free(&line);
    return error;
}

static bool request_has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

static int set_headers(struct http_call *call, const struct http_request *request)
{
    const struct http_config *config = request->config;
    int error = 0;
    for (size_t i = 0; i < config->header_count && !error; i++)
        error = add_header(call, config->headers[i].name, config->headers[i].value);
    for (size_t i = 0; i < request->header_count && !error; i++)
        error = add_header(call, request->headers[i].name, request->headers[i].value);
    if (!error && request->accept_gzip) /* by hand: libcurl would take whole chains of encodings */
        error = add_header_line(call, "Accept-Encoding: gzip");
    /* No waiting for 100 Continue, and no form type that nobody asked for. */
    if (!error)
        error = add_header_line(call, "Expect:");
    if (!error && !request_has_header(request, "Content-Type"))
        error = add_header_line(call, "Content-Type:");
    if (!error && curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) != CURLE_OK)
        error = -ENOMEM;
    return error;
}

/* ---- authentication ---- */

static struct text text_trimmed(struct text text)
{
    while (text.length && isspace((unsigned char)text.bytes[0]))
        text = (struct text){text.bytes + 1, text.length - 1};
    while (text.length && isspace((unsigned char)text.bytes[text.length - 1]))
        text.length--;
    return text;
}

static int read_file(const char *path, struct buffer *out)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    for (;;) {
        char chunk[1024];
        ssize_t length = read(fd, chunk, sizeof(chunk));
        int error = length < 0 ? -errno : buffer_append(out, chunk, (size_t)length);
        explicit_bzero(chunk, sizeof(chunk));
        if (error == -EINTR)
            continue;
        if (error || length == 0)
            return error;
    }
}

static void secret_free(struct buffer *secret)
{
    if (secret->bytes)
        explicit_bzero(secret->bytes, secret->capacity);
    buffer_free(secret);
}

/* The literal where there is one, else the trimmed contents of the file, else "". */
static int read_secret(struct http_call *call, const char *what, const char *literal,
                       const char *path, struct buffer *out)
{
    if (literal)
        return buffer_append_string(out, literal);
    if (!path)
        return buffer_append_string(out, "");
    struct buffer raw;
    buffer_init(&raw, HTTP_SECRET_MAXIMUM);
    int error = read_file(path, &raw);
    struct text secret = text_trimmed(buffer_text(&raw));
    if (error == -E2BIG)
        fail(call, error, "%s %s: larger than %d bytes", what, path, HTTP_SECRET_MAXIMUM);
    else if (error)
        fail(call, error, "%s %s: %s", what, path, strerror(-error));
    else if (memchr(secret.bytes, '\0', secret.length))
        error = fail(call, -EINVAL, "%s %s: holds a NUL byte", what, path);
    else
        error = buffer_append_text(out, secret);
    secret_free(&raw);
    return error;
}

static int set_basic_auth(struct http_call *call, const struct http_config *config)
{
    struct buffer username, password;
    buffer_init(&username, HTTP_SECRET_MAXIMUM);
    buffer_init(&password, HTTP_SECRET_MAXIMUM);
    int error = read_secret(call, "basic_auth username_file", config->basic_auth.username,
                            config->basic_auth.username_file, &username);
    if (!error)
        error = read_secret(call, "basic_auth password_file", config->basic_auth.password,
                            config->basic_auth.password_file, &password);
    if (!error)
        error = set_string(call, CURLOPT_USERNAME, username.bytes);
    if (!error)
        error = set_string(call, CURLOPT_PASSWORD, password.bytes);
    curl_easy_setopt(call->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    secret_free(&username);
    secret_free(&password);
    return error;
}

static int set_authorization(struct http_call *call, const struct http_config *config)
{
    const char *type = config->authorization.type ? config->authorization.type : "Bearer";
    struct buffer credentials, value;
    buffer_init(&credentials, HTTP_SECRET_MAXIMUM);
    buffer_init(&value, HTTP_SECRET_MAXIMUM + 256);
    int error =
        read_secret(call, "authorization credentials_file", config->authorization.credentials,
                    config->authorization.credentials_file, &credentials);
    if (!error)
        error = buffer_printf(&value, "%s %s", type, credentials.bytes);
    if (!error)
        error = add_header(call, "Authorization", value.bytes);
    secret_free(&credentials);
    secret_free(&value);
    return error;
}

static int set_authentication(struct http_call *call, const struct http_config *config)
{
    int error = 0;
    if (config->basic_auth.username || config->basic_auth.username_file ||
        config->basic_auth.password || config->basic_auth.password_file)
        error = set_basic_auth(call, config);
    if (!error && (config->authorization.credentials || config->authorization.credentials_file))
        error = set_authorization(call, config);
    return error;
}

/* ---- TLS ---- */

static int set_tls(struct http_call *call, const struct http_config *config)
{
    int error = 0;
    curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(call->easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER,
                     config->tls.insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST,
                     config->tls.insecure_skip_verify ? 0L : 2L);
    if (config->tls.ca_file) {
        error = set_string(call, CURLOPT_CAINFO, config->tls.ca_file);
        /* The file stands instead of the system's authorities, not beside them. */
        if (!error)
            error = set_string(call, CURLOPT_CAPATH, NULL);
    }
    if (!error && config->tls.cert_file)
        error = set_string(call, CURLOPT_SSLCERT, config->tls.cert_file);
    if (!error && config->tls.key_file)
        error = set_string(call, CURLOPT_SSLKEY, config->tls.key_file);
    return error;
}

struct url_parts {
    char *scheme;
    char *host;       /* an IPv6 address in its brackets */
    char *port;       /* the scheme's where the URL has none */
    char *given_port; /* NULL where the URL has none */
    char *renamed;    /* the URL with the server name as its host */
};

static void url_parts_free(struct url_parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->given_port);
    curl_free(parts->renamed);
}

static CURLUcode url_parts_get(const char *url, const char *server_name, struct url_parts *out)
{
    CURLU *parsed = curl_url();
    if (!parsed)
        return CURLUE_OUT_OF_MEMORY;
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &out->scheme, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_HOST, &out->host, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_PORT, &out->port, CURLU_DEFAULT_PORT);
    if (!code && curl_url_get(parsed, CURLUPART_PORT, &out->given_port, 0) != CURLUE_OK)
        out->given_port = NULL;
    if (!code)
        code = curl_url_set(parsed, CURLUPART_HOST, server_name, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_URL, &out->renamed, 0);
    curl_url_cleanup(parsed);
    return code;
}

/* libcurl takes the name for SNI and verification from the URL. So the URL gets the server name,
 * the connection is turned back to the real host, and so is the Host header. A redirect to another
 * host is verified under that host's own name. */
static int set_url_renamed(struct http_call *call, const char *server_name,
                           const struct url_parts *parts)
{
    struct buffer text;
    buffer_init(&text, 4096);
    int error =
        buffer_printf(&text, "%s:%s:%s:%s", server_name, parts->port, parts->host, parts->port);
    if (!error && !(call->connect_to = curl_slist_append(NULL, text.bytes)))
        error = -ENOMEM;
    buffer_clear(&text);
    if (!error)
        error = buffer_printf(&text, "Host: %s%s%s", parts->host, parts->given_port ? ":" : "",
                              parts->given_port ? parts->given_port : "");
    if (!error)
        error = add_header_line(call, text.bytes);
    if (!error && asprintf(&call->dialled, "%s:%s", parts->host, parts->port) < 0) {
        call->dialled = NULL;
        error = -ENOMEM;
    }
    if (!error)
        error = set_string(call, CURLOPT_URL, parts->renamed);
    if (!error)
        curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    buffer_free(&text);
    return error;
}

static int set_url(struct http_call *call, const struct http_request *request)
{
    const char *server_name = request->config->tls.server_name;
    if (!server_name || !*server_name || strncasecmp(request->url, "https:", 6) != 0)
        return set_string(call, CURLOPT_URL, request->url);
    struct url_parts parts = {0};
    CURLUcode code = url_parts_get(request->url, server_name, &parts);
    int error = code == CURLUE_OK ? set_url_renamed(call, server_name, &parts)
                : code == CURLUE_OUT_OF_MEMORY
                    ? -ENOMEM
                    : fail(call, -EINVAL, "URL or tls server_name: %s", curl_url_strerror(code));
    url_parts_free(&parts);
    return error;
}

/* ---- the rest ---- */

static void set_method(struct http_call *call, const struct http_request *request)
{
    if (strcmp(request->method, "POST") != 0)
        return;
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
}

static long timeout_ms(uint64_t timeout_ns)
{
    uint64_t ms = (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms < INT32_MAX ? (long)ms : INT32_MAX;
}

static int set_transfer(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A cancelled or timed out call does not wait for its name look-up: the thread ends by itself.
     */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms(request->timeout_ns));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms(request->timeout_ns));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A watch may be silent for long: this is how the death of its peer is seen. */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, call->follow_redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAXIMUM);
    int error = set_string(call, CURLOPT_PROTOCOLS_STR, "http,https");
    if (!error)
        error = set_string(call, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    if (!error)
        error = set_string(call, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    return error;
}

int http_call_set_options(struct http_call *call, const struct http_request *request)
{
    int error = set_transfer(call, request);
    if (!error)
        error = set_url(call, request);
    if (!error)
        error = set_tls(call, request->config);
    if (!error)
        error = set_authentication(call, request->config);
    if (!error)
        error = set_headers(call, request);
    set_method(call, request);
    return error;
}
