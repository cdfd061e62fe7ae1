/* SPDX-License-Identifier: Apache-2.0 */
/* The words for each kind of trouble. Decides nothing of what is tried next. */
#include "discover/kubernetes_trouble.h"

#include "base/clock.h"
#include "base/log.h"

static const struct {
    const char *message, *hint;
} words[KUBERNETES_TROUBLES] = {
    [KUBERNETES_UNREACHABLE] = {"the Kubernetes API server cannot be reached; the targets known so "
                                "far go on being scraped",
                                "tried again until it answers"},
    [KUBERNETES_UNAUTHORIZED] =
        {"the Kubernetes API server does not accept our token",
         "has it expired, or is it another cluster's? Its file is read again at each attempt"},
    [KUBERNETES_FORBIDDEN] =
        {"the Kubernetes API server forbids us to list and watch",
         "bind the service account to a (Cluster)Role with the verbs list and watch for this "
         "resource"},
    [KUBERNETES_NOT_FOUND] = {"the Kubernetes API server does not know what we ask for",
                              "is api_server the address of one, without a path?"},
    [KUBERNETES_GONE] =
        {"the Kubernetes API server has forgotten the version that we were at; all is listed again",
         "nothing to do: this happens after a long silence, or when it starts anew"},
    [KUBERNETES_BUSY] = {"the Kubernetes API server is overloaded and sends us away",
                         "tried again after the time that it asks for"},
    [KUBERNETES_SERVER_ERROR] =
        {"the Kubernetes API server cannot answer; the targets known so far go on being scraped",
         "tried again until it can; its own log says why"},
    [KUBERNETES_REFUSED] = {"the Kubernetes API server refuses our request",
                            "are the selectors in kubernetes_sd_configs right?"},
    [KUBERNETES_GARBAGE] = {"what answers in place of the Kubernetes API server is not its API",
                            "is there a proxy in between?"},
    [KUBERNETES_CUT] = {"watches of the Kubernetes API server end as soon as they begin",
                        "is there a proxy in between that ends long requests?"},
};

enum kubernetes_trouble_kind kubernetes_trouble_of(int status)
{
    switch (status) {
    case 0:
        return KUBERNETES_UNREACHABLE;
    case 401:
        return KUBERNETES_UNAUTHORIZED;
    case 403:
        return KUBERNETES_FORBIDDEN;
    case 404:
        return KUBERNETES_NOT_FOUND;
    case 410:
        return KUBERNETES_GONE;
    case 429:
        return KUBERNETES_BUSY;
    }
    return status >= 500 ? KUBERNETES_SERVER_ERROR : KUBERNETES_REFUSED;
}

void kubernetes_trouble_begin(struct kubernetes_trouble *trouble, enum kubernetes_trouble_kind kind,
                              const char *what, int status, struct text reason)
{
    if (trouble->kind == kind)
        return;
    if (trouble->kind == KUBERNETES_WELL)
        trouble->since_ns = clock_monotonic_ns();
    trouble->kind = kind;
    enum log_level level = kind == KUBERNETES_GONE ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
    if (status)
        log_at(level, "discover", words[kind].message, LOG_STR("request", what),
               LOG_INT("status", status), LOG_VIEW("reason", reason),
               LOG_STR("hint", words[kind].hint));
    else
        log_at(level, "discover", words[kind].message, LOG_STR("request", what),
               LOG_VIEW("reason", reason), LOG_STR("hint", words[kind].hint));
}

void kubernetes_trouble_end(struct kubernetes_trouble *trouble, const char *what)
{
    if (trouble->kind == KUBERNETES_WELL)
        return;
    uint64_t lasted_ns = clock_monotonic_ns() - trouble->since_ns;
    log_info("discover",
             trouble->kind == KUBERNETES_GONE ? "all is listed again"
                                              : "the Kubernetes API server answers again",
             LOG_STR("request", what), LOG_UINT("after_seconds", lasted_ns / NS_PER_SECOND));
    trouble->kind = KUBERNETES_WELL;
}
