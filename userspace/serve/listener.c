/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a listen address, resolves it, binds and listens. Accepts nothing: that is the server's.
 */
#include "serve/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"

#define BACKLOG 1024 /* a burst of connections is no reason to lose one */

static bool port_is_valid(const char *port)
{
    size_t digits = strspn(port, "0123456789");
    return digits > 0 && digits <= 5 && port[digits] == '\0' && atoi(port) <= 65535;
}

int listen_address_parse(const char *text, struct listen_address *out, const char **problem)
{
    const char *colon = strrchr(text, ':');
    if (strchr(text, '/')) {
        *problem = "an address (host:port) is wanted, not a URL";
        return -EINVAL;
    }
    if (!colon) {
        *problem = "the port is missing (host:port, :port or [ipv6]:port)";
        return -EINVAL;
    }
    if (!port_is_valid(colon + 1)) {
        *problem = "the port is not a number from 0 to 65535";
        return -EINVAL;
    }
    struct text host = {text, (size_t)(colon - text)};
    bool bracketed = host.length >= 2 && host.bytes[0] == '[' && colon[-1] == ']';
    if (bracketed)
        host = (struct text){host.bytes + 1, host.length - 2};
    else if (memchr(host.bytes, ':', host.length)) {
        *problem = "an IPv6 address goes in brackets, as in [::1]:9595";
        return -EINVAL;
    }
    bool has_bracket = memchr(host.bytes, '[', host.length) || memchr(host.bytes, ']', host.length);
    if (has_bracket || (bracketed && host.length == 0)) {
        *problem = "the brackets hold no IPv6 address";
        return -EINVAL;
    }
    if (host.length >= sizeof(out->host)) {
        *problem = "the host is longer than 255 bytes";
        return -EINVAL;
    }
    snprintf(out->host, sizeof(out->host), "%.*s", TEXT_FORMAT(host));
    snprintf(out->port, sizeof(out->port), "%s", colon + 1);
    return 0;
}

static int socket_listen(const struct addrinfo *place, int *out)
{
    int on = 1, off = 0;
    autoclose int fd = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (place->ai_family == AF_INET6) /* [::] takes IPv4 too, whatever the host's default */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, place->ai_addr, place->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    *out = fd;
    fd = -1;
    return 0;
}

/* Without a host: [::], which takes both families; 0.0.0.0 on a host that has no IPv6. */
static int resolve(const struct listen_address *address, int family, struct addrinfo **out)
{
    bool everywhere = address->host[0] == '\0';
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    return getaddrinfo(everywhere ? NULL : address->host, address->port, &hints, out);
}

static int listen_on_family(const struct listen_address *address, int family, int *out)
{
    struct addrinfo *places;
    int status = resolve(address, family, &places);
    if (status == EAI_SYSTEM)
        return -errno;
    if (status)
        return -EADDRNOTAVAIL;
    int error = -EADDRNOTAVAIL;
    for (const struct addrinfo *place = places; place && error; place = place->ai_next)
        error = socket_listen(place, out);
    freeaddrinfo(places);
    return error;
}

static const char *advice(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "stop the process that listens there, or give another --web.listen-address";
    case -EADDRNOTAVAIL:
        return "give --web.listen-address an address or a name of this host";
    case -EACCES:
        return "ports below 1024 need CAP_NET_BIND_SERVICE; give another --web.listen-address";
    default:
        return "give another --web.listen-address";
    }
}

int listener_open(const char *address, int *out)
{
    struct listen_address parsed;
    const char *problem = NULL;
    int error = listen_address_parse(address, &parsed, &problem);
    if (error) {
        log_error("serve", "bad listen address", LOG_STR("address", address),
                  LOG_STR("err", problem));
        return error;
    }
    if (parsed.host[0] == '\0') {
        error = listen_on_family(&parsed, AF_INET6, out);
        if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)
            error = listen_on_family(&parsed, AF_INET, out);
    } else {
        error = listen_on_family(&parsed, AF_UNSPEC, out);
    }
    if (error)
        log_error("serve", "cannot listen", LOG_STR("address", address),
                  LOG_STR("err", strerror(-error)), LOG_STR("hint", advice(error)));
    return error;
}

int listener_address(int fd, char out[LISTENER_ADDRESS_MAX])
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof(bound);
    char host[256], port[6];

    if (getsockname(fd, (struct sockaddr *)&bound, &length) < 0)
        return -errno;
    if (getnameinfo((struct sockaddr *)&bound, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return -EINVAL;
    const char *form = bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s";
    snprintf(out, LISTENER_ADDRESS_MAX, form, host, port);
    return 0;
}
