/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says, for the routes. */
#include "serve/server_request.h"

#include <stdlib.h>
#include <string.h>

const char *server_argument(const struct server_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct argument_visit {
    const char *name;
    void (*fn)(void *context, struct text value);
    void *context;
};

static enum MHD_Result visit_argument(void *context, enum MHD_ValueKind kind, const char *name,
                                      size_t name_size, const char *value, size_t value_size)
{
    const struct argument_visit *visit = context;
    (void)kind;

    if (text_equal((struct text){name, name_size}, text_of(visit->name)))
        visit->fn(visit->context, (struct text){value ? value : "", value_size});
    return MHD_YES;
}

void server_each_argument(const struct server_request *request, const char *name,
                          void (*fn)(void *context, struct text value), void *context)
{
    struct argument_visit visit = {name, fn, context};

    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, visit_argument, &visit);
}

const char *server_header(const struct server_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool server_takes_gzip(const struct server_request *request)
{
    const char *accept = server_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);

    for (; accept && *accept; accept += strcspn(accept, ",")) {
        accept += strspn(accept, ", \t");
        if (strncasecmp(accept, "gzip", 4) || !strchr(",; \t", accept[4]))
            continue;
        const char *weight = strcasestr(accept, "q=");
        bool its_own = weight && weight < accept + strcspn(accept, ",");
        return !its_own || strtod(weight + 2, NULL) > 0;
    }
    return false;
}
