/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_url and no_proxy, or HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment. A redirect to
 * another host keeps the proxy of the request. */
#include "base/http/http_proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/http/http_call.h"

#define ENTRY_MAXIMUM 300 /* bytes of an entry of no_proxy: a DNS name has at most 253 */

/* ---- no_proxy ---- */

struct address {
    uint8_t bytes[16]; /* IPv4 as IPv4-mapped */
    bool is_v4;
};

static bool parse_address(const char *text, struct address *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(out->bytes, mapped, sizeof(mapped));
    out->is_v4 = inet_pton(AF_INET, text, out->bytes + 12) == 1;
    if (out->is_v4)
        return true;
    if (inet_pton(AF_INET6, text, out->bytes) != 1)
        return false;
    out->is_v4 = !memcmp(out->bytes, mapped, sizeof(mapped));
    return true;
}

static bool is_loopback(const struct address *address)
{
    static const uint8_t v6[16] = {[15] = 1};
    return address->is_v4 ? address->bytes[12] == 127 : !memcmp(address->bytes, v6, sizeof(v6));
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

/* "10.0.0.0/8" in `entry`, which is changed. 1: the host is in it, 0: not, -1: no network. */
static int match_network(char *entry, const struct address *host)
{
    char *slash = strchr(entry, '/'), *end;
    struct address network;

    if (!slash)
        return -1;
    *slash = '\0';
    unsigned long bits = strtoul(slash + 1, &end, 10);
    bool good = isdigit((unsigned char)slash[1]) && !*end && parse_address(entry, &network) &&
                bits <= (network.is_v4 ? 32 : 128);
    *slash = '/';
    if (!good)
        return -1;
    if (!host || host->is_v4 != network.is_v4)
        return 0;
    unsigned skipped = network.is_v4 ? 12 : 0;
    return same_bits(host->bytes + skipped, network.bytes + skipped, (unsigned)bits);
}

/* Cuts "name:port" and "[address]:port"; an IPv6 address without brackets has no port. */
static char *cut_port(char *entry, char **host)
{
    char *colon = strrchr(entry, ':');

    *host = entry;
    if (*entry == '[') {
        char *end = strchr(entry, ']');
        if (!end || end[1] != ':')
            return NULL;
        *end = '\0';
        *host = entry + 1;
        return end + 2;
    }
    if (!colon || strchr(entry, ':') != colon)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

static bool match_name(const char *entry, const char *host)
{
    if (entry[0] == '*' && entry[1] == '.')
        entry++;
    bool below_only = *entry == '.';
    const char *name = entry + below_only;
    size_t length = strlen(name), host_length = strlen(host);

    if (host_length == length)
        return !below_only && !strcasecmp(host, name);
    return host_length > length && host[host_length - length - 1] == '.' &&
           !strcasecmp(host + host_length - length, name);
}

static bool match_entry(char *entry, const char *host, const struct address *address,
                        const char *port)
{
    struct address single;
    char *name;

    if (!strcmp(entry, "*"))
        return true;
    int in_network = match_network(entry, address);
    if (in_network >= 0)
        return in_network;
    char *entry_port = cut_port(entry, &name);
    if (!*name || (entry_port && strcmp(entry_port, port)))
        return false;
    if (parse_address(name, &single))
        return address && !memcmp(single.bytes, address->bytes, sizeof(single.bytes));
    return match_name(name, host);
}

bool http_proxy_excludes(const char *no_proxy, const char *host, const char *port)
{
    struct address address;
    bool is_address = parse_address(host, &address);

    while (*no_proxy) {
        size_t length = strcspn(no_proxy, ",");
        const char *start = no_proxy, *end = no_proxy + length;
        char entry[ENTRY_MAXIMUM];
        while (start < end && isspace((unsigned char)*start))
            start++;
        while (start < end && isspace((unsigned char)end[-1]))
            end--;
        bool fits =
            snprintf(entry, sizeof(entry), "%.*s", (int)(end - start), start) < (int)sizeof(entry);
        if (fits && *entry && match_entry(entry, host, is_address ? &address : NULL, port))
            return true;
        no_proxy += length + (no_proxy[length] == ',');
    }
    return false;
}

/* ---- the choice ---- */

static const char *environment_get(const char *upper, const char *lower)
{
    const char *value = getenv(upper);
    if (!value || !*value)
        value = getenv(lower);
    return value ? value : "";
}

/* "host:port" is taken as http. */
static int copy_proxy(const char *proxy, char **out)
{
    if (strstr(proxy, "://"))
        *out = strdup(proxy);
    else if (asprintf(out, "http://%s", proxy) < 0)
        *out = NULL;
    return *out ? 0 : -ENOMEM;
}

struct destination {
    char *scheme, *host;
    char port[8];
};

static void destination_free(struct destination *destination)
{
    curl_free(destination->scheme);
    curl_free(destination->host);
}

static int destination_read(const char *url, struct destination *out)
{
    CURLU *parsed = curl_url();
    char *port = NULL;
    if (!parsed)
        return -ENOMEM;
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &out->scheme, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_HOST, &out->host, 0);
    if (!code)
        code = curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    curl_url_cleanup(parsed);
    snprintf(out->port, sizeof(out->port), "%s", port ? port : "1080"); /* that of socks5 */
    curl_free(port);
    if (code && code != CURLUE_NO_PORT)
        return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
    size_t length = strlen(out->host);
    if (out->host[0] == '[') {
        memmove(out->host, out->host + 1, length - 2);
        out->host[length - 2] = '\0';
    }
    return 0;
}

/* Whatever no_proxy says, this host is reached directly. */
static bool is_local(const char *host)
{
    struct address address;
    return !strcmp(host, "localhost") || (parse_address(host, &address) && is_loopback(&address));
}

static int choose_by_list(const char *proxy, const char *no_proxy,
                          const struct destination *destination, char **out)
{
    if (!*proxy || is_local(destination->host) ||
        http_proxy_excludes(no_proxy, destination->host, destination->port))
        return 0;
    return copy_proxy(proxy, out);
}

static int choose_by_environment(const struct destination *destination, char **out)
{
    bool https = !strcmp(destination->scheme, "https");
    const char *proxy = https ? environment_get("HTTPS_PROXY", "https_proxy")
                              : environment_get("HTTP_PROXY", "http_proxy");
    if (!https && *proxy && *environment_get("REQUEST_METHOD", "REQUEST_METHOD"))
        return -EINVAL;
    return choose_by_list(proxy, environment_get("NO_PROXY", "no_proxy"), destination, out);
}

int http_proxy_choose(const struct http_proxy_config *config, const char *url, char **out)
{
    bool has_url = config->url && *config->url;
    bool has_list = config->no_proxy && *config->no_proxy;
    __attribute__((cleanup(destination_free))) struct destination destination = {0};

    *out = NULL;
    if (!has_url && !config->from_environment)
        return 0;
    if (has_url && !has_list)
        return copy_proxy(config->url, out);
    int error = destination_read(url, &destination);
    if (error)
        return error;
    if (config->from_environment)
        return choose_by_environment(&destination, out);
    return choose_by_list(config->url, config->no_proxy, &destination, out);
}

/* ---- options ---- */

static int set_connect_headers(struct http_call *call, const struct http_proxy_config *config)
{
    struct buffer line;
    int error = 0;

    buffer_init(&line, HTTP_LINE_MAXIMUM);
    for (size_t i = 0; i < config->connect_header_count && !error; i++) {
        const struct http_header *header = &config->connect_headers[i];
        buffer_clear(&line);
        error = http_header_line(call, header->name, header->value, &line);
        struct curl_slist *longer =
            error ? NULL : curl_slist_append(call->proxy_headers, line.bytes);
        if (longer)
            call->proxy_headers = longer;
        else if (!error)
            error = -ENOMEM;
    }
    http_secret_free(&line);
    curl_easy_setopt(call->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(call->easy, CURLOPT_PROXYHEADER, call->proxy_headers);
    return error;
}

/* Messages name whom the connection goes to. */
static int note_dialled(struct http_call *call, const char *proxy)
{
    __attribute__((cleanup(destination_free))) struct destination destination = {0};

    int error = destination_read(proxy, &destination);
    free(TAKE_PTR(call->dialled));
    if (error)
        return error;
    if (asprintf(&call->dialled, "proxy %s:%s", destination.host, destination.port) < 0) {
        call->dialled = NULL;
        return -ENOMEM;
    }
    return 0;
}

int http_call_set_proxy(struct http_call *call, const struct http_proxy_config *config,
                        const char *url)
{
    autofree char *proxy = NULL;

    int error = http_proxy_choose(config, url, &proxy);
    if (!error && proxy)
        error = note_dialled(call, proxy);
    if (error == -EINVAL)
        return http_call_fail(call, error, "no proxy can be chosen for the URL");
    /* An empty text is none, whatever the environment says. */
    if (!error)
        error = http_call_set_string(call, CURLOPT_PROXY, proxy ? proxy : "");
    if (!error)
        error = http_call_set_string(call, CURLOPT_NOPROXY, "");
    /* Go sends them with CONNECT alone. */
    if (!error && proxy && !strncasecmp(url, "https:", 6))
        error = set_connect_headers(call, config);
    return error;
}
