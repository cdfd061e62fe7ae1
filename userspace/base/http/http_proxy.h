/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy a request takes, by the rules of Go's httpproxy package, which are Prometheus'. */
#ifndef EDGEMETER_BASE_HTTP_PROXY_H
#define EDGEMETER_BASE_HTTP_PROXY_H

#include "base/http/http_config.h"

/* The proxy's URL in *out, to be freed, or NULL for none. 0, -ENOMEM, or -EINVAL: the URL cannot be
 * read, or HTTP_PROXY was set by a CGI server, where anybody can set it. */
int http_proxy_choose(const struct http_proxy_config *config, const char *url, char **out);

/* Whether a no_proxy list has the host: "*", addresses and networks (10.0.0.0/8), and names, which
 * stand for what is below them too (".example.org": only for that), all but networks with a port
 * or without. An IPv6 address comes without brackets. */
bool http_proxy_excludes(const char *no_proxy, const char *host, const char *port);

#endif
