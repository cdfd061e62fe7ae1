/* SPDX-License-Identifier: Apache-2.0 */
/* The page as userspace/serve/page/embed has put it together, compressed where the browser takes
 * that.
 */
#include "serve/status_page.h"

#include "page.h"

static const struct server_field fields[] = {
    {"Content-Encoding", "gzip"}, /* first, so that the rest stands alone */
    {"ETag", PAGE_ETAG},
    {"Cache-Control", "no-cache"},
    {"Vary", "Accept-Encoding"},
    {"Content-Security-Policy", PAGE_POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {NULL},
};

/* "gzip" as an item of Accept-Encoding, unless it is refused with q=0. */
static bool takes_gzip(const struct server_request *request)
{
    const char *found = server_header(request, "Accept-Encoding");
    found = found ? strcasestr(found, "gzip") : NULL;
    if (!found)
        return false;
    const char *rest = found + 4 + strspn(found + 4, " \t");
    if (*rest != ';')
        return true;
    rest = strcasestr(rest, "q=");
    return !rest || rest[2 + strspn(rest + 2, "0.")] >= '1';
}

void status_page_answer(void *context, struct server_response *response)
{
    const char *known = server_header(response->request, "If-None-Match");
    bool gzip = takes_gzip(response->request);

    (void)context;
    response->content_type = "text/html; charset=utf-8";
    response->fields = fields + 1;
    if (known && strstr(known, PAGE_ETAG)) {
        response->status = 304;
    } else if (gzip) {
        response->fields = fields;
        buffer_append(&response->body, page_gzip, sizeof(page_gzip));
    } else {
        buffer_append(&response->body, page_plain, sizeof(page_plain));
    }
}
