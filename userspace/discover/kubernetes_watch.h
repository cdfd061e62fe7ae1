/* SPDX-License-Identifier: Apache-2.0 */
/* Follows one resource of the Kubernetes API: lists it, then watches it, for as long as the agent
 * lives. Errors, silence, cut streams and forgotten versions are its business alone; whoever is
 * told of objects sees a list now and then, and changes. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_WATCH_H
#define EDGEMETER_DISCOVER_KUBERNETES_WATCH_H

#include <jansson.h>

#include "base/http/http_client.h"
#include "base/loop.h"
#include "discover/kubernetes_query.h"
#include "model/metric.h"

#define KUBERNETES_MAX_OBJECT (4u << 20) /* bytes of JSON; larger ones are left out, and logged */

struct kubernetes_watch;

/* Each is called from the loop only. */
struct kubernetes_watch_handler {
    /* All there is follows; what is not put before on_listed is gone. A list that breaks is begun
     * anew. */
    void (*on_list)(void *context);
    void (*on_put)(void *context, const json_t *object);
    void (*on_delete)(void *context, const json_t *object);
    void (*on_listed)(void *context);
    void *context;
};

struct kubernetes_watch_environment {
    struct loop *loop;
    struct http_client *http;
    struct metric *failures; /* of requests; may be NULL */
};

/* Begins with the loop's next turn. Copies the query. 0 or a negative errno. */
int kubernetes_watch_new(const struct kubernetes_watch_environment *environment,
                         const struct kubernetes_query *query,
                         const struct kubernetes_watch_handler *handler,
                         struct kubernetes_watch **out);
void kubernetes_watch_free(struct kubernetes_watch **watch);

#endif
