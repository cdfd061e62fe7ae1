/* SPDX-License-Identifier: Apache-2.0 */
/* Reads no more of a URL than is sure: whatever looks unusual is libcurl's business. */
#include "base/http/http_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

static bool parse_port(const char *text, const char *end, in_port_t *out)
{
    unsigned long port = 0;

    if (text == end || end - text > 5)
        return false;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    *out = htons((in_port_t)port);
    return port > 0 && port <= UINT16_MAX;
}

static bool parse_host(const char *host, size_t length, struct http_address *out, in_port_t port)
{
    char text[INET6_ADDRSTRLEN];
    bool is_v6 = length > 1 && host[0] == '[' && host[length - 1] == ']';

    if (is_v6) {
        host++;
        length -= 2;
    }
    if (length >= sizeof(text))
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    *out = (struct http_address){0};
    if (is_v6) {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
}

bool http_address_of(const struct http_request *request, struct http_address *out)
{
    const struct http_config *config = request->config;
    in_port_t port = htons(80);

    if (strncasecmp(request->url, "http://", 7) || config->oauth2 || config->sigv4 ||
        config->proxy.from_environment || (config->proxy.url && *config->proxy.url))
        return false;
    const char *host = request->url + 7, *end = host + strcspn(host, "/?#");
    const char *behind_host = memrchr(host, ':', (size_t)(end - host));
    if (!behind_host || memchr(behind_host, ']', (size_t)(end - behind_host)))
        behind_host = end;
    else if (!parse_port(behind_host + 1, end, &port))
        return false;
    /* What libcurl would have to encode or cut off is left to it. */
    for (const char *c = end; *c; c++)
        if (*c <= ' ' || *c == 0x7f || *c == '#' || (unsigned char)*c >= 0x80)
            return false;
    return parse_host(host, (size_t)(behind_host - host), out, port);
}

void http_address_text(const struct http_address *address, char out[HTTP_ADDRESS_TEXT_SIZE])
{
    char text[INET6_ADDRSTRLEN];
    bool is_v4 = address->v4.sin_family == AF_INET;

    inet_ntop(address->v4.sin_family,
              is_v4 ? (const void *)&address->v4.sin_addr : (const void *)&address->v6.sin6_addr,
              text, sizeof(text));
    snprintf(out, HTTP_ADDRESS_TEXT_SIZE, is_v4 ? "%s:%u" : "[%s]:%u", text,
             ntohs(is_v4 ? address->v4.sin_port : address->v6.sin6_port));
}
