/* SPDX-License-Identifier: Apache-2.0 */
/* Finds or makes the source of a query, and counts who uses it. Talks to no server itself. */
#include "discover/kubernetes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "discover/kubernetes_account.h"

struct shared_source {
    struct kubernetes_source *source;
    struct discoverer_config *config; /* of its first user, held: it has the credentials */
    uint64_t server_digest;           /* 0: in the cluster */
    enum kubernetes_resource resource;
    char *namespace, *label, *field;
    size_t users;
    TAILQ_ENTRY(shared_source) link;
};

struct kubernetes {
    struct kubernetes_environment environment;
    struct kubernetes_account account;
    TAILQ_HEAD(, shared_source) sources;
    struct kubernetes_source *own_pods;
    struct metric *failures;
    struct metric *events[KUBERNETES_RESOURCES][3]; /* add, update, delete */
};

static const struct metric_family events_family = {
    .name = "prometheus_sd_kubernetes_events_total",
    .help = "The number of Kubernetes events handled.",
    .type = METRIC_COUNTER,
};
static const struct metric_family failures_family = {
    .name = "prometheus_sd_kubernetes_failures_total",
    .help = "The number of failed WATCH/LIST requests.",
    .type = METRIC_COUNTER,
};

static const char *const resource_names[KUBERNETES_RESOURCES] = {
    [KUBERNETES_PODS] = "pods",
    [KUBERNETES_NODES] = "nodes",
    [KUBERNETES_NAMESPACES] = "namespaces",
};

/* --- queries --- */

static char *copy_or_null(const char *text)
{
    return text && *text ? strdup(text) : NULL;
}

/* With NODE_NAME, what other nodes have is not asked for unless the configuration says so. */
static char *field_selector(const struct kubernetes *kubernetes, enum kubernetes_resource resource,
                            const struct kubernetes_selector *selector)
{
    static const char *const node_fields[KUBERNETES_RESOURCES] = {
        [KUBERNETES_PODS] = "spec.nodeName",
        [KUBERNETES_NODES] = "metadata.name",
    };
    const char *node = kubernetes->environment.node_name;
    char *field;

    if (selector && selector->field)
        return copy_or_null(selector->field);
    if (!node || !*node || !node_fields[resource])
        return NULL;
    return asprintf(&field, "%s=%s", node_fields[resource], node) < 0 ? NULL : field;
}

static const struct kubernetes_selector *selector_of(const struct kubernetes_lookup *lookup)
{
    if (!lookup->config || lookup->resource == KUBERNETES_NAMESPACES)
        return NULL;
    return lookup->resource == KUBERNETES_PODS ? &lookup->config->kubernetes.pods
                                               : &lookup->config->kubernetes.nodes;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct shared_source *find_source(struct kubernetes *kubernetes,
                                         const struct shared_source *wanted)
{
    struct shared_source *shared;

    TAILQ_FOREACH(shared, &kubernetes->sources, link)
    {
        if (shared->server_digest == wanted->server_digest &&
            shared->resource == wanted->resource &&
            same_text(shared->namespace, wanted->namespace) &&
            same_text(shared->label, wanted->label) && same_text(shared->field, wanted->field))
            return shared;
    }
    return NULL;
}

/* --- sources --- */

static const struct kubernetes_object *find_pod(void *context, const struct kubernetes_object *pod)
{
    const struct kubernetes *kubernetes = context;
    const struct shared_source *shared;

    TAILQ_FOREACH(shared, &kubernetes->sources, link)
    {
        const struct kubernetes_object *found =
            kubernetes_source_find(shared->source, pod->namespace, pod->name);
        if (found && kubernetes_object_same_pod(found, pod))
            return found;
    }
    return NULL;
}

static void shared_free(struct shared_source *shared)
{
    kubernetes_source_free(&shared->source);
    discoverer_config_release(&shared->config);
    free(shared->namespace);
    free(shared->label);
    free(shared->field);
    free(shared);
}

static struct shared_source *shared_new(const struct kubernetes *kubernetes,
                                        const struct kubernetes_lookup *lookup)
{
    const struct kubernetes_selector *selector = selector_of(lookup);
    struct shared_source *shared = calloc(1, sizeof(*shared));

    if (!shared)
        return NULL;
    shared->resource = lookup->resource;
    shared->namespace = copy_or_null(lookup->namespace);
    shared->label = selector ? copy_or_null(selector->label) : NULL;
    shared->field = field_selector(kubernetes, lookup->resource, selector);
    if (lookup->config && lookup->config->kubernetes.api_server) {
        shared->config = discoverer_config_hold((struct discoverer_config *)lookup->config);
        shared->server_digest = lookup->config->kubernetes.server_digest;
    }
    return shared;
}

static int shared_start(struct kubernetes *kubernetes, struct shared_source *shared)
{
    const struct kubernetes_config *config = shared->config ? &shared->config->kubernetes : NULL;
    const struct kubernetes_query query = {
        .server = config ? config->api_server : kubernetes->account.server,
        .http = config ? &config->http : &kubernetes->account.http,
        .resource = resource_names[shared->resource],
        .namespace = shared->namespace,
        .label_selector = shared->label,
        .field_selector = shared->field,
    };
    const struct kubernetes_source_environment environment = {
        .watch = {kubernetes->environment.loop, kubernetes->environment.http, kubernetes->failures},
        .pods = kubernetes->environment.pods,
        .find_elsewhere = find_pod,
        .context = kubernetes,
        .added = kubernetes->events[shared->resource][0],
        .updated = kubernetes->events[shared->resource][1],
        .deleted = kubernetes->events[shared->resource][2],
    };

    if (!query.server) {
        log_error("discover", "there is no Kubernetes API server to ask: this is no pod",
                  LOG_STR("hint", "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not "
                                  "set; give api_server or kubeconfig_file"));
        return -ENOENT;
    }
    autofree char *shown = http_url_redacted(query.server);
    int error = shown
                    ? kubernetes_source_new(&environment, shared->resource, &query, &shared->source)
                    : -ENOMEM;
    if (!error)
        log_info("discover", "watching Kubernetes", LOG_STR("server", shown),
                 LOG_STR("resource", query.resource),
                 LOG_STR("namespace", shared->namespace ? shared->namespace : ""),
                 LOG_STR("field_selector", shared->field ? shared->field : ""),
                 LOG_STR("label_selector", shared->label ? shared->label : ""));
    return error;
}

int kubernetes_acquire(struct kubernetes *kubernetes, const struct kubernetes_lookup *lookup,
                       struct kubernetes_source **out)
{
    struct shared_source *wanted = shared_new(kubernetes, lookup);
    if (!wanted)
        return -ENOMEM;
    struct shared_source *shared = find_source(kubernetes, wanted);
    int error = 0;
    if (shared) {
        shared_free(wanted);
    } else {
        shared = wanted;
        error = shared_start(kubernetes, shared);
        if (error) {
            shared_free(shared);
            return error;
        }
        TAILQ_INSERT_TAIL(&kubernetes->sources, shared, link);
    }
    shared->users++;
    *out = shared->source;
    return 0;
}

void kubernetes_release(struct kubernetes *kubernetes, struct kubernetes_source **source)
{
    struct shared_source *shared;

    TAILQ_FOREACH(shared, &kubernetes->sources, link)
    {
        if (shared->source == *source)
            break;
    }
    *source = NULL;
    if (!shared || --shared->users)
        return;
    TAILQ_REMOVE(&kubernetes->sources, shared, link);
    shared_free(shared);
}

/* --- the whole --- */

static bool is_in_cluster(const struct kubernetes *kubernetes)
{
    const char *node = kubernetes->environment.node_name;

    return kubernetes->account.server && node && *node &&
           access(kubernetes->account.http.authorization.credentials_file, R_OK) == 0;
}

void kubernetes_watch_own_pods(struct kubernetes *kubernetes, bool wanted)
{
    const struct kubernetes_lookup lookup = {.resource = KUBERNETES_PODS};

    if (!wanted && kubernetes->own_pods)
        kubernetes_release(kubernetes, &kubernetes->own_pods);
    if (!wanted || kubernetes->own_pods || !is_in_cluster(kubernetes))
        return;
    int error = kubernetes_acquire(kubernetes, &lookup, &kubernetes->own_pods);
    if (error)
        log_error("discover", "pods are not watched: HTTP requests will have no pod names",
                  LOG_STR("error", strerror(-error)));
}

static int register_metrics(struct kubernetes *kubernetes)
{
    static const char *const roles[KUBERNETES_RESOURCES] = {
        [KUBERNETES_PODS] = "pod",
        [KUBERNETES_NODES] = "node",
        [KUBERNETES_NAMESPACES] = "namespace",
    };
    static const char *const events[] = {"add", "update", "delete"};
    struct metric_registry *registry = kubernetes->environment.metrics;
    int error = metric_new(registry, &failures_family, NULL, &kubernetes->failures);

    for (size_t role = 0; role < KUBERNETES_RESOURCES; role++)
        for (size_t event = 0; event < ARRAY_SIZE(events) && !error; event++)
            error = metric_new(registry, &events_family,
                               METRIC_LABELS("event", events[event], "role", roles[role]),
                               &kubernetes->events[role][event]);
    return error;
}

int kubernetes_new(const struct kubernetes_environment *environment, struct kubernetes **out)
{
    struct kubernetes *kubernetes = calloc(1, sizeof(*kubernetes));
    if (!kubernetes)
        return -ENOMEM;
    kubernetes->environment = *environment;
    TAILQ_INIT(&kubernetes->sources);
    int error = kubernetes_account_init(&kubernetes->account, KUBERNETES_ACCOUNT);
    if (!error && environment->metrics)
        error = register_metrics(kubernetes);
    if (error)
        kubernetes_free(&kubernetes);
    else
        *out = kubernetes;
    return error;
}

void kubernetes_free(struct kubernetes **out)
{
    struct kubernetes *kubernetes = *out;
    struct shared_source *shared;

    *out = NULL;
    if (!kubernetes)
        return;
    while ((shared = TAILQ_FIRST(&kubernetes->sources))) {
        TAILQ_REMOVE(&kubernetes->sources, shared, link);
        shared_free(shared);
    }
    metric_free(&kubernetes->failures);
    for (size_t role = 0; role < KUBERNETES_RESOURCES; role++)
        for (size_t event = 0; event < 3; event++)
            metric_free(&kubernetes->events[role][event]);
    kubernetes_account_free(&kubernetes->account);
    free(kubernetes);
}
