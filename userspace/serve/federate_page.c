/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments in their order: the first that is wrong is the one that is named. */
#include "serve/federate_page.h"

#include <errno.h>

struct reading {
    struct federate *federate;
    int error;
    char reason[SELECTOR_ERROR_SIZE];
};

static void read_selector(void *context, struct text value)
{
    struct reading *reading = context;
    if (!reading->error)
        reading->error = federate_add(reading->federate, value, reading->reason);
}

static int run(void *context, struct buffer *out)
{
    return federate_run(context, out);
}

static void release(void *context)
{
    struct federate *federate = context;
    federate_free(&federate);
}

void federate_page_answer(const struct federate_environment *environment,
                          struct server_response *response)
{
    struct reading reading = {.error = 0};
    const char *accept = server_header(response->request, "Accept");

    if (federate_new(environment, accept, &reading.federate)) {
        response->body.failed = true;
        return;
    }
    server_each_argument(response->request, "match[]", read_selector, &reading);
    if (reading.error) {
        federate_free(&reading.federate);
        response->status = reading.error == -EINVAL ? 400 : 500;
        buffer_printf(&response->body, "%s\n",
                      reading.error == -EINVAL ? reading.reason : "out of memory");
        return;
    }
    response->content_type = federate_content_type(reading.federate);
    response->stream = (struct server_stream){run, release, reading.federate};
}
