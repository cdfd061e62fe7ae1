/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes that needs no name looked up. */
#ifndef EDGEMETER_BASE_HTTP_ADDRESS_H
#define EDGEMETER_BASE_HTTP_ADDRESS_H

#include <netinet/in.h>

#include "base/http/http_client.h"

struct http_address { /* zero where nothing is: compared with memcmp */
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* Whether the request can go straight to its server: http to an address, no proxy, no token to be
 * fetched first. */
bool http_address_of(const struct http_request *request, struct http_address *out);

/* "127.0.0.1:80", "[::1]:80" */
#define HTTP_ADDRESS_TEXT_SIZE 64
void http_address_text(const struct http_address *address, char out[HTTP_ADDRESS_TEXT_SIZE]);

#endif
