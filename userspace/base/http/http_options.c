/* SPDX-License-Identifier: Apache-2.0 */
/* From settings and request to libcurl options: URL, method, headers, limits. Authentication, TLS
 * and proxies have files of their own. Transfers nothing. */
#include "base/http/http_call.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/http/http_direct.h"

#define IDLE_SECONDS 300L /* a connection that was idle for longer is not reused */

int http_call_fail(struct http_call *call, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->failure, sizeof(call->failure), format, arguments);
    va_end(arguments);
    return error;
}

/* libcurl copies the string; there is no other failure than a lack of memory. */
int http_call_set_string(struct http_call *call, CURLoption option, const char *value)
{
    return curl_easy_setopt(call->easy, option, value) == CURLE_OK ? 0 : -ENOMEM;
}

/* ---- headers ---- */

int http_call_add_line(struct http_call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (!longer)
        return -ENOMEM;
    call->headers = longer;
    return 0;
}

static int check_header(struct http_call *call, const char *name, const char *value)
{
    if (!strpbrk(name, "\r\n:; ") && !strpbrk(value, "\r\n"))
        return 0;
    return http_call_fail(call, -EINVAL,
                          "header %.100s: a name or value with a line break or separator", name);
}

int http_header_line(struct http_call *call, const char *name, const char *value,
                     struct buffer *out)
{
    int error = check_header(call, name, value);
    if (error)
        return error;
    /* libcurl's spelling of a header with an empty value; "name:" would mean "none such". */
    return *value ? buffer_printf(out, "%s: %s", name, value) : buffer_printf(out, "%s;", name);
}

static int add_text_header(struct http_call *call, const char *name, const char *value)
{
    int error = check_header(call, name, value);
    if (!error)
        error = buffer_append_string(&call->text, name);
    if (!error)
        error = buffer_append_string(&call->text, *value ? ": " : ":");
    if (!error)
        error = buffer_append_string(&call->text, value);
    return error ? error : buffer_append_string(&call->text, "\r\n");
}

int http_call_add_header(struct http_call *call, const char *name, const char *value)
{
    if (call->direct)
        return add_text_header(call, name, value);
    struct buffer line;
    buffer_init(&line, strlen(name) + strlen(value) + 2);
    int error = http_header_line(call, name, value, &line);
    if (!error)
        error = http_call_add_line(call, line.bytes);
    http_secret_free(&line);
    return error;
}

int http_call_apply_headers(struct http_call *call)
{
    CURLcode code = curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return code == CURLE_OK ? 0 : -ENOMEM;
}

/* What config and request say. */
static int add_headers(struct http_call *call, const struct http_request *request,
                       const char *user_agent)
{
    const struct http_config *config = request->config;
    int error = http_call_add_header(call, "User-Agent", user_agent);
    if (!error)
        error = http_call_set_authentication(call, config);
    if (!error)
        error = http_call_add_extra_headers(call, config);
    for (size_t i = 0; i < config->header_count && !error; i++)
        error = http_call_add_header(call, config->headers[i].name, config->headers[i].value);
    for (size_t i = 0; i < request->header_count && !error; i++)
        error = http_call_add_header(call, request->headers[i].name, request->headers[i].value);
    if (!error && request->accept_gzip) /* by hand: libcurl would take whole chains of encodings */
        error = http_call_add_header(call, "Accept-Encoding", "gzip");
    return error;
}

static bool has_header(const struct http_call *call, const char *name)
{
    size_t length = strlen(name);
    for (const struct curl_slist *line = call->headers; line; line = line->next)
        if (!strncasecmp(line->data, name, length) &&
            (line->data[length] == ':' || line->data[length] == ';'))
            return true;
    return false;
}

/* No waiting for 100 Continue, and no form type that nobody asked for. libcurl 7.88 would sign the
 * line that takes a header away. */
static int finish_curl_headers(struct http_call *call)
{
    int error = 0;
    if (call->config->sigv4)
        curl_easy_setopt(call->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
    else
        error = http_call_add_line(call, "Expect:");
    if (!error && !has_header(call, "Content-Type"))
        error = http_call_add_line(call, "Content-Type:");
    return error ? error : http_call_apply_headers(call);
}

/* ---- the URL, and the server's name in TLS ---- */

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
        error = http_call_add_line(call, text.bytes);
    if (!error && asprintf(&call->dialled, "%s:%s", parts->host, parts->port) < 0) {
        call->dialled = NULL;
        error = -ENOMEM;
    }
    if (!error)
        error = http_call_set_string(call, CURLOPT_URL, parts->renamed);
    if (!error)
        curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    buffer_free(&text);
    return error;
}

static int set_url(struct http_call *call, const struct http_request *request)
{
    const char *server_name = request->config->tls.server_name;
    if (!server_name || !*server_name || strncasecmp(request->url, "https:", 6) != 0)
        return http_call_set_string(call, CURLOPT_URL, request->url);
    struct url_parts parts = {0};
    CURLUcode code = url_parts_get(request->url, server_name, &parts);
    int error =
        code == CURLUE_OK ? set_url_renamed(call, server_name, &parts)
        : code == CURLUE_OUT_OF_MEMORY
            ? -ENOMEM
            : http_call_fail(call, -EINVAL, "URL or tls server_name: %s", curl_url_strerror(code));
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

void http_call_set_timeout(struct http_call *call, uint64_t timeout_ns)
{
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, timeout_ms(timeout_ns));
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms(timeout_ns));
}

static int set_transfer(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A cancelled or timed out call does not wait for its name look-up: the thread ends by itself.
     */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(
        easy, CURLOPT_HTTP_VERSION,
        (long)(request->config->enable_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    if (request->config->round_robin_dns) {
        curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
        curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* shuffled as they are looked up */
    }
    http_call_set_timeout(call, request->timeout_ns);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A watch may be silent for long: this is how the death of its peer is seen. */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, call->follow_redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAXIMUM);
    int error = http_call_set_string(call, CURLOPT_PROTOCOLS_STR, "http,https");
    if (!error)
        error = http_call_set_string(call, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    return error;
}

/* All but headers. */
static int set_curl_options(struct http_call *call, const struct http_request *request)
{
    int error = set_transfer(call, request);
    if (!error)
        error = set_url(call, request);
    if (!error)
        error = http_call_set_proxy(call, &request->config->proxy, request->url);
    if (!error)
        error = http_call_set_tls(call, &request->config->tls);
    set_method(call, request);
    return error;
}

int http_call_set_options(struct http_call *call, const struct http_request *request,
                          const char *user_agent)
{
    int error = set_curl_options(call, request);
    if (!error && request->config->sigv4)
        error = http_call_set_sigv4(call, request->config->sigv4);
    if (!error)
        error = add_headers(call, request, user_agent);
    return error ? error : finish_curl_headers(call);
}

/* ---- requests as text ---- */

int http_call_set_text(struct http_call *call, const struct http_request *request,
                       const char *user_agent)
{
    int error = http_direct_begin(call, request);
    if (!error)
        error = add_headers(call, request, user_agent);
    if (!error && !strcmp(request->method, "POST"))
        error = buffer_printf(&call->text, "Content-Length: %zu\r\n", request->body_length);
    return error ? error : buffer_append_string(&call->text, "\r\n");
}

/* One header line of the text, without its end, as libcurl wants it. */
static int add_line_of_text(struct http_call *call, struct text line)
{
    struct buffer copy;
    if (text_has_prefix(line, TEXT("Host:")) || text_has_prefix(line, TEXT("Content-Length:")))
        return 0; /* libcurl makes these itself */
    buffer_init(&copy, line.length + 1);
    int error = buffer_append_text(&copy, line);
    if (!error && strchr(copy.bytes, ':') == copy.bytes + copy.length - 1)
        copy.bytes[copy.length - 1] = ';'; /* no value: see http_header_line() */
    if (!error)
        error = http_call_add_line(call, copy.bytes);
    http_secret_free(&copy);
    return error;
}

/* "GET /path HTTP/1.1", "Host: ...", and the other header lines. */
int http_call_set_options_of_text(struct http_call *call)
{
    const char *text = call->text.bytes, *path = strchr(text, ' ') + 1;
    const char *host = strstr(text, "\r\nHost: ") + 8, *line = strstr(text, "\r\n") + 2;
    uint64_t passed = clock_monotonic_ns() - call->started_ns;
    struct buffer url;
    int error = 0;

    buffer_init(&url, call->text.length + 8);
    buffer_printf(&url, "http://%.*s%.*s", (int)strcspn(host, "\r"), host, (int)strcspn(path, " "),
                  path);
    for (const char *end; !error && *line != '\r'; line = end + 2) {
        end = strstr(line, "\r\n");
        error = add_line_of_text(call, (struct text){line, (size_t)(end - line)});
    }
    struct http_request request = {
        .method = text[0] == 'P' ? "POST" : "GET",
        .url = url.bytes,
        .config = call->config,
        .body = call->request_body,
        .body_length = call->request_body_length,
        .timeout_ns = passed < call->timeout_ns ? call->timeout_ns - passed : 1,
    };
    if (!error)
        error = url.failed ? -ENOMEM : set_curl_options(call, &request);
    buffer_free(&url);
    return error ? error : finish_curl_headers(call);
}
