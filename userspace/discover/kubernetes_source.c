/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by name in a hash. A new list marks what it has; the rest is removed at its end. */
#include "discover/kubernetes_source.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/hash_table.h"
#include "base/log.h"

struct source_entry {
    XXH128_hash_t key; /* of namespace and name */
    struct kubernetes_object *object;
    uint64_t list; /* the last list that it was in, or was added after */
    TAILQ_ENTRY(source_entry) link;
};

struct kubernetes_source {
    struct kubernetes_source_environment environment;
    enum kubernetes_resource resource;
    struct kubernetes_watch *watch;
    struct labels_builder *builder;
    struct hash_table by_name;
    TAILQ_HEAD(, source_entry) entries;
    TAILQ_HEAD(, kubernetes_subscriber) subscribers;
    uint64_t list;
    bool synced;
    bool said_left_out, said_unnamed; /* since the last list began */
};

static XXH128_hash_t key_of(struct text namespace, struct text name)
{
    uint64_t seed = XXH3_64bits(namespace.bytes, namespace.length);

    return XXH3_128bits_withSeed(name.bytes, name.length, seed);
}

/* --- what changes --- */

static void feed_pods(struct kubernetes_source *source, const struct kubernetes_object *object)
{
    if (!source->environment.pods || !object->pod)
        return;
    int error = pod_table_put(source->environment.pods, object->pod);
    if (!error || source->said_unnamed)
        return;
    source->said_unnamed = true;
    log_warn("discover", "HTTP requests of a pod will not have its name",
             LOG_VIEW("namespace", object->namespace), LOG_VIEW("pod", object->name),
             LOG_STR("error", error == -E2BIG ? "too many pods; set NODE_NAME, so that only this "
                                                "node's are known"
                                              : strerror(-error)));
}

static void tell_put(struct kubernetes_source *source, const struct kubernetes_object *object)
{
    struct kubernetes_subscriber *subscriber;

    feed_pods(source, object);
    TAILQ_FOREACH(subscriber, &source->subscribers, link)
    subscriber->put(subscriber, object);
}

/* What is gone here may have left our selector alone. */
static void unfeed_pods(struct kubernetes_source *source, const struct kubernetes_object *object)
{
    const struct kubernetes_source_environment *environment = &source->environment;

    if (!environment->pods || !object->pod)
        return;
    const struct kubernetes_object *other =
        environment->find_elsewhere(environment->context, object);
    if (other)
        feed_pods(source, other);
    else
        pod_table_remove(environment->pods, object->pod);
}

static void tell_remove(struct kubernetes_source *source, const struct kubernetes_object *object)
{
    struct kubernetes_subscriber *subscriber;

    unfeed_pods(source, object);
    TAILQ_FOREACH(subscriber, &source->subscribers, link)
    subscriber->remove(subscriber, object);
}

static void entry_remove(struct kubernetes_source *source, struct source_entry *entry)
{
    hash_table_remove(&source->by_name, &entry->key);
    TAILQ_REMOVE(&source->entries, entry, link);
    metric_add(source->environment.deleted, 1);
    tell_remove(source, entry->object);
    kubernetes_object_free(&entry->object);
    free(entry);
}

static int entry_add(struct kubernetes_source *source, const XXH128_hash_t *key,
                     struct kubernetes_object *object)
{
    struct source_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->key = *key;
    int error = source->by_name.count < KUBERNETES_MAX_OBJECTS
                    ? hash_table_add(&source->by_name, entry)
                    : -E2BIG;
    if (error) {
        free(entry);
        return error;
    }
    entry->object = object;
    entry->list = source->list;
    TAILQ_INSERT_TAIL(&source->entries, entry, link);
    metric_add(source->environment.added, 1);
    tell_put(source, object);
    return 0;
}

/* Takes the object. A pod of the same name may be another one: a StatefulSet's next. */
static void entry_update(struct kubernetes_source *source, struct source_entry *entry,
                         struct kubernetes_object *object)
{
    struct kubernetes_object *before = entry->object;

    entry->list = source->list;
    if (kubernetes_object_equal(before, object)) {
        kubernetes_object_free(&object);
        return;
    }
    entry->object = object;
    metric_add(source->environment.updated, 1);
    if (!kubernetes_object_same_pod(before, object))
        unfeed_pods(source, before);
    tell_put(source, object);
    kubernetes_object_free(&before);
}

/* --- what the watch tells --- */

static void on_list(void *context)
{
    struct kubernetes_source *source = context;

    source->list++;
    source->said_left_out = source->said_unnamed = false;
}

static void on_put(void *context, const json_t *json)
{
    struct kubernetes_source *source = context;
    struct kubernetes_object *object;

    int error = kubernetes_object_new(source->resource, json, source->builder, &object);
    if (!error) {
        XXH128_hash_t key = key_of(object->namespace, object->name);
        struct source_entry *entry = hash_table_find(&source->by_name, &key);
        if (entry)
            entry_update(source, entry, object);
        else
            error = entry_add(source, &key, object);
        if (error)
            kubernetes_object_free(&object);
    }
    if (!error || source->said_left_out)
        return;
    source->said_left_out = true;
    log_warn("discover", "an object of the Kubernetes API is left out, and perhaps others",
             LOG_VIEW("name", kubernetes_text(json_object_get(json, "metadata"), "name")),
             LOG_STR("error", strerror(-error)));
}

static void on_delete(void *context, const json_t *json)
{
    struct kubernetes_source *source = context;
    const json_t *metadata = json_object_get(json, "metadata");
    XXH128_hash_t key =
        key_of(kubernetes_text(metadata, "namespace"), kubernetes_text(metadata, "name"));
    struct source_entry *entry = hash_table_find(&source->by_name, &key);

    if (entry)
        entry_remove(source, entry);
}

static void on_listed(void *context)
{
    struct kubernetes_source *source = context;
    struct kubernetes_subscriber *subscriber;
    struct source_entry *entry, *next;

    for (entry = TAILQ_FIRST(&source->entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);
        if (entry->list != source->list)
            entry_remove(source, entry);
    }
    if (source->synced)
        return;
    source->synced = true;
    TAILQ_FOREACH(subscriber, &source->subscribers, link)
    subscriber->synced(subscriber);
}

/* --- subscribers --- */

void kubernetes_source_subscribe(struct kubernetes_source *source,
                                 struct kubernetes_subscriber *subscriber)
{
    const struct source_entry *entry;

    TAILQ_INSERT_TAIL(&source->subscribers, subscriber, link);
    TAILQ_FOREACH(entry, &source->entries, link)
    subscriber->put(subscriber, entry->object);
    if (source->synced)
        subscriber->synced(subscriber);
}

void kubernetes_source_unsubscribe(struct kubernetes_source *source,
                                   struct kubernetes_subscriber *subscriber)
{
    TAILQ_REMOVE(&source->subscribers, subscriber, link);
}

bool kubernetes_source_is_synced(const struct kubernetes_source *source)
{
    return source->synced;
}

const struct kubernetes_object *kubernetes_source_find(const struct kubernetes_source *source,
                                                       struct text namespace, struct text name)
{
    XXH128_hash_t key = key_of(namespace, name);
    const struct source_entry *entry = hash_table_find(&source->by_name, &key);

    return entry ? entry->object : NULL;
}

void kubernetes_source_each(const struct kubernetes_source *source,
                            void (*fn)(void *context, const struct kubernetes_object *object),
                            void *context)
{
    const struct source_entry *entry;

    TAILQ_FOREACH(entry, &source->entries, link)
    fn(context, entry->object);
}

/* --- the whole --- */

int kubernetes_source_new(const struct kubernetes_source_environment *environment,
                          enum kubernetes_resource resource, const struct kubernetes_query *query,
                          struct kubernetes_source **out)
{
    struct kubernetes_source *source = calloc(1, sizeof(*source));
    if (!source)
        return -ENOMEM;
    const struct kubernetes_watch_handler handler = {on_list, on_put, on_delete, on_listed, source};
    source->environment = *environment;
    source->resource = resource;
    hash_table_init(&source->by_name, sizeof(XXH128_hash_t), KUBERNETES_MAX_OBJECTS);
    TAILQ_INIT(&source->entries);
    TAILQ_INIT(&source->subscribers);
    if (resource != KUBERNETES_PODS)
        source->environment.pods = NULL;
    if (source->environment.pods)
        pod_table_set_fed(source->environment.pods, true);
    int error = labels_builder_new(&source->builder);
    if (!error)
        error = kubernetes_watch_new(&environment->watch, query, &handler, &source->watch);
    if (error)
        kubernetes_source_free(&source);
    else
        *out = source;
    return error;
}

void kubernetes_source_free(struct kubernetes_source **out)
{
    struct kubernetes_source *source = *out;
    struct source_entry *entry;

    *out = NULL;
    if (!source)
        return;
    kubernetes_watch_free(&source->watch);
    while ((entry = TAILQ_FIRST(&source->entries)))
        entry_remove(source, entry);
    if (source->environment.pods)
        pod_table_set_fed(source->environment.pods, false);
    hash_table_free(&source->by_name);
    labels_builder_free(&source->builder);
    free(source);
}
