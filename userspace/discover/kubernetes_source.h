/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one query, kept up to date by a watch, for everyone who asks the same. */
#ifndef EDGEMETER_DISCOVER_KUBERNETES_SOURCE_H
#define EDGEMETER_DISCOVER_KUBERNETES_SOURCE_H

#include <sys/queue.h>

#include "discover/kubernetes_object.h"
#include "discover/kubernetes_watch.h"
#include "model/pod_table.h"

#define KUBERNETES_MAX_OBJECTS (1u << 18) /* of one query */

struct kubernetes_source;

/* Begins the struct of whoever wants to know. Objects are valid during the call. */
struct kubernetes_subscriber {
    /* New, or not as it was. */
    void (*put)(struct kubernetes_subscriber *subscriber, const struct kubernetes_object *object);
    void (*remove)(struct kubernetes_subscriber *subscriber,
                   const struct kubernetes_object *object);
    /* All there is has been put; once. */
    void (*synced)(struct kubernetes_subscriber *subscriber);
    TAILQ_ENTRY(kubernetes_subscriber) link;
};

struct kubernetes_source_environment {
    struct kubernetes_watch_environment watch;
    struct pod_table *pods; /* gets every pod; may be NULL */
    /* The same pod, where another source has it; or NULL. */
    const struct kubernetes_object *(*find_elsewhere)(void *context,
                                                      const struct kubernetes_object *pod);
    void *context;
    struct metric *added, *updated, *deleted;
};

int kubernetes_source_new(const struct kubernetes_source_environment *environment,
                          enum kubernetes_resource resource, const struct kubernetes_query *query,
                          struct kubernetes_source **out);
/* Nobody subscribes to it any more. */
void kubernetes_source_free(struct kubernetes_source **source);

/* What is known already is put at once, and synced. */
void kubernetes_source_subscribe(struct kubernetes_source *source,
                                 struct kubernetes_subscriber *subscriber);
void kubernetes_source_unsubscribe(struct kubernetes_source *source,
                                   struct kubernetes_subscriber *subscriber);
bool kubernetes_source_is_synced(const struct kubernetes_source *source);

/* The object of that name (namespace empty where it has none), or NULL. */
const struct kubernetes_object *kubernetes_source_find(const struct kubernetes_source *source,
                                                       struct text namespace, struct text name);
/* Calls for each object. */
void kubernetes_source_each(const struct kubernetes_source *source,
                            void (*fn)(void *context, const struct kubernetes_object *object),
                            void *context);

#endif
