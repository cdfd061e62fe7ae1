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

void status_page_answer(void *context, struct server_response *response)
{
    const char *known = server_header(response->request, "If-None-Match");
    bool gzip = server_takes_gzip(response->request);

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
