/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of kubernetes_sd_configs in one job: objects to target groups, with what nodes and
 * namespaces attach to them. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "discover/kubernetes.h"
#include "discover/kubernetes_account.h"

#define MAX_SOURCE (4 * 1024)

/* A source that the discoverer listens to. */
struct ear {
    struct kubernetes_subscriber subscriber;
    struct kubernetes_discoverer *discoverer;
    enum kubernetes_resource resource;
    struct kubernetes_source *source; /* NULL: not used */
    bool synced;
};

struct kubernetes_discoverer {
    struct discoverer discoverer; /* first */
    struct kubernetes *kubernetes;
    const struct discoverer_config *config;
    struct target_sink *sink;
    struct labels_builder *builder;
    bool started, synced;
    struct ear nodes, namespaces; /* what is attached */
    struct ear *ears;             /* one for each namespace */
    size_t ear_count;
};

/* --- groups --- */

static void hand_over(struct kubernetes_discoverer *discoverer,
                      const struct kubernetes_object *object, const struct labels *labels,
                      size_t target_count)
{
    autobuffer struct buffer source;

    buffer_init(&source, MAX_SOURCE);
    if (discoverer->config->kubernetes.role == KUBERNETES_POD)
        buffer_printf(&source, "pod/%.*s/%.*s", TEXT_FORMAT(object->namespace),
                      TEXT_FORMAT(object->name));
    else
        buffer_printf(&source, "node/%.*s", TEXT_FORMAT(object->name));
    if (source.failed)
        return;
    target_sink_update(discoverer->sink,
                       &(struct target_group){
                           .source = buffer_text(&source),
                           .labels = labels,
                           .targets = (const struct labels *const *)object->targets,
                           .target_count = target_count,
                       });
}

static const struct kubernetes_object *attached_node(const struct kubernetes_discoverer *discoverer,
                                                     const struct kubernetes_object *object)
{
    return kubernetes_source_find(discoverer->nodes.source, TEXT(""), object->node);
}

/* Its labels with those of its node and its namespace. */
static int build_attached(struct kubernetes_discoverer *discoverer,
                          const struct kubernetes_object *object,
                          const struct kubernetes_object *node, struct labels **out)
{
    struct labels_builder *builder = discoverer->builder;
    const struct kubernetes_object *namespace = NULL;

    if (discoverer->namespaces.source)
    namespace = kubernetes_source_find(discoverer->namespaces.source, TEXT(""), object->namespace);
    labels_builder_clear(builder);
    int error = labels_builder_add_all(builder, object->labels);
    if (!error && node)
        error = labels_builder_add_all(builder, node->attached);
    if (!error && namespace)
        error = labels_builder_add_all(builder, namespace->attached);
    return error ? error : labels_builder_build(builder, out);
}

static bool is_known(const struct ear *ear)
{
    return !ear->source || ear->synced;
}

/* Nothing is said of a pod before all that could be attached has been listed: what was there
 * before a reload stays. Then one whose node is not known has no targets. */
static void tell_sink(struct kubernetes_discoverer *discoverer,
                      const struct kubernetes_object *object)
{
    const struct kubernetes_object *node = NULL;
    autofree struct labels *labels = NULL;
    size_t count = object->target_count;

    if (!discoverer->nodes.source && !discoverer->namespaces.source) {
        hand_over(discoverer, object, object->labels, count);
        return;
    }
    if (!is_known(&discoverer->nodes) || !is_known(&discoverer->namespaces))
        return;
    if (discoverer->nodes.source && object->node.length) {
        node = attached_node(discoverer, object);
        count = node ? count : 0;
    }
    if (build_attached(discoverer, object, node, &labels)) {
        log_error("discover", "there is no memory for a pod's labels: its targets stay as they are",
                  LOG_VIEW("pod", object->name));
        return;
    }
    hand_over(discoverer, object, labels, count);
}

static void on_object(struct kubernetes_subscriber *subscriber,
                      const struct kubernetes_object *object)
{
    tell_sink(((struct ear *)subscriber)->discoverer, object);
}

static void on_object_removed(struct kubernetes_subscriber *subscriber,
                              const struct kubernetes_object *object)
{
    hand_over(((struct ear *)subscriber)->discoverer, object, NULL, 0);
}

/* --- attached objects --- */

struct attached_change {
    const struct ear *ear;
    struct text name;
};

static void retell(void *context, const struct kubernetes_object *object)
{
    tell_sink(context, object);
}

static void retell_attached(void *context, const struct kubernetes_object *object)
{
    const struct attached_change *change = context;
    bool is_node = change->ear->resource == KUBERNETES_NODES;

    if (text_equal(is_node ? object->node : object->namespace, change->name))
        tell_sink(change->ear->discoverer, object);
}

static void each_pod(const struct kubernetes_discoverer *discoverer,
                     void (*fn)(void *context, const struct kubernetes_object *object),
                     void *context)
{
    for (size_t i = 0; i < discoverer->ear_count; i++)
        if (discoverer->ears[i].source)
            kubernetes_source_each(discoverer->ears[i].source, fn, context);
}

static void on_attached(struct kubernetes_subscriber *subscriber,
                        const struct kubernetes_object *object)
{
    const struct ear *ear = (struct ear *)subscriber;
    struct attached_change change = {ear, object->name};

    each_pod(ear->discoverer, retell_attached, &change);
}

/* --- the first look --- */

static void try_synced(struct kubernetes_discoverer *discoverer)
{
    bool all = discoverer->started && !discoverer->synced;

    all &= is_known(&discoverer->nodes) && is_known(&discoverer->namespaces);
    for (size_t i = 0; i < discoverer->ear_count; i++)
        all &= discoverer->ears[i].synced;
    if (!all)
        return;
    discoverer->synced = true;
    target_sink_synced(discoverer->sink);
}

static void on_synced(struct kubernetes_subscriber *subscriber)
{
    struct ear *ear = (struct ear *)subscriber;

    ear->synced = true;
    try_synced(ear->discoverer);
}

static void on_attached_synced(struct kubernetes_subscriber *subscriber)
{
    struct ear *ear = (struct ear *)subscriber;

    ear->synced = true;
    each_pod(ear->discoverer, retell, ear->discoverer);
    try_synced(ear->discoverer);
}

/* --- the whole --- */

static int listen_to(struct kubernetes_discoverer *discoverer, struct ear *ear,
                     enum kubernetes_resource resource, const char *namespace, bool attached)
{
    const struct kubernetes_lookup lookup = {discoverer->config, resource, namespace};
    struct kubernetes_source *source;

    ear->discoverer = discoverer;
    ear->resource = resource;
    ear->subscriber.put = attached ? on_attached : on_object;
    ear->subscriber.remove = attached ? on_attached : on_object_removed;
    ear->subscriber.synced = attached ? on_attached_synced : on_synced;
    int error = kubernetes_acquire(discoverer->kubernetes, &lookup, &source);
    if (error)
        return error;
    ear->source = source;
    kubernetes_source_subscribe(source, &ear->subscriber);
    return 0;
}

static void stop_listening(struct kubernetes_discoverer *discoverer, struct ear *ear)
{
    if (!ear->source)
        return;
    kubernetes_source_unsubscribe(ear->source, &ear->subscriber);
    kubernetes_release(discoverer->kubernetes, &ear->source);
}

static void discoverer_free(struct discoverer *base)
{
    struct kubernetes_discoverer *discoverer = (struct kubernetes_discoverer *)base;

    for (size_t i = 0; i < discoverer->ear_count; i++)
        stop_listening(discoverer, &discoverer->ears[i]);
    stop_listening(discoverer, &discoverer->nodes);
    stop_listening(discoverer, &discoverer->namespaces);
    labels_builder_free(&discoverer->builder);
    free(discoverer->ears);
    free(discoverer);
}

/* All namespaces, or each that is named and perhaps our own. */
static int listen_to_namespaces(struct kubernetes_discoverer *discoverer)
{
    const struct kubernetes_config *config = &discoverer->config->kubernetes;
    enum kubernetes_resource resource =
        config->role == KUBERNETES_POD ? KUBERNETES_PODS : KUBERNETES_NODES;
    autofree char *own =
        config->own_namespace ? kubernetes_account_namespace(KUBERNETES_ACCOUNT) : NULL;
    int error = 0;

    if (config->own_namespace && !own) {
        log_error("discover", "the namespace of this pod is not known",
                  LOG_STR("file", KUBERNETES_ACCOUNT "/namespace"),
                  LOG_STR("hint", "own_namespace needs a service account in a cluster"));
        return -ENOENT;
    }
    discoverer->ears = calloc(config->namespace_count + 1, sizeof(*discoverer->ears));
    if (!discoverer->ears)
        return -ENOMEM;
    bool all = resource == KUBERNETES_NODES || (!config->namespace_count && !own);
    if (own || all)
        error =
            listen_to(discoverer, &discoverer->ears[discoverer->ear_count++], resource, own, false);
    for (size_t i = 0; i < config->namespace_count && !error && !all; i++)
        if (!own || strcmp(own, config->namespaces[i]) != 0)
            error = listen_to(discoverer, &discoverer->ears[discoverer->ear_count++], resource,
                              config->namespaces[i], false);
    return error;
}

static int start(struct kubernetes_discoverer *discoverer)
{
    const struct kubernetes_config *config = &discoverer->config->kubernetes;
    bool pods = config->role == KUBERNETES_POD;

    int error = labels_builder_new(&discoverer->builder);
    if (!error && pods && config->attach.node)
        error = listen_to(discoverer, &discoverer->nodes, KUBERNETES_NODES, NULL, true);
    if (!error && pods && config->attach.namespace)
        error = listen_to(discoverer, &discoverer->namespaces, KUBERNETES_NAMESPACES, NULL, true);
    if (!error)
        error = listen_to_namespaces(discoverer);
    if (error)
        return error;
    discoverer->started = true;
    try_synced(discoverer);
    return 0;
}

int kubernetes_discoverer_new(const struct discovery_environment *environment,
                              const struct discoverer_config *config, struct target_sink *sink,
                              struct discoverer **out)
{
    struct kubernetes_discoverer *discoverer = calloc(1, sizeof(*discoverer));
    if (!discoverer)
        return -ENOMEM;
    discoverer->discoverer.free = discoverer_free;
    discoverer->kubernetes = environment->kubernetes;
    discoverer->config = config;
    discoverer->sink = sink;
    int error = start(discoverer);
    if (error)
        discoverer_free(&discoverer->discoverer);
    else
        *out = &discoverer->discoverer;
    return error;
}
