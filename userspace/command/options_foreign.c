/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' flags and features as tables. What edgemeter has under the same name is not here.
 */
#include "command/options_foreign.h"

#include <string.h>

#include "base/cleanup.h"

#define NO_DATABASE "no samples are kept here to be queried; --storage.path keeps what waits"
#define QUEUE_BOUNDS \
    "what waits is bounded by queue.max_bytes and queue.max_age of the configuration"
#define NO_RULES "rules are evaluated where the samples are sent to"
#define NO_GO "there is no Go runtime to tune"
#define NO_RECEIVER "edgemeter takes in no samples that others push: leave it out"
#define PAGE "the status page is built in"
#define BOUNDS "the server's own bounds hold"

/* The first that fits counts: switches before the group that they are in. */
static const struct foreign_flag flags[] = {
    {"--agent", FOREIGN_NEEDLESS, "", true},
    {"--alertmanager.drain-notification-queue-on-shutdown", FOREIGN_IDLE, NO_RULES, true},
    {"--alertmanager.", FOREIGN_IDLE, NO_RULES},
    {"--auto-gomaxprocs", FOREIGN_IDLE, NO_GO, true},
    {"--auto-gomemlimit", FOREIGN_IDLE, NO_GO, true},
    {"--auto-gomemlimit.ratio", FOREIGN_IDLE, NO_GO},
    {"--query.", FOREIGN_IDLE, NO_DATABASE},
    {"--rules.", FOREIGN_IDLE, NO_RULES},
    {"--scrape.adjust-timestamps", FOREIGN_IDLE, "", true},
    {"--scrape.", FOREIGN_IDLE, ""},
    {"--storage.agent.no-lockfile", FOREIGN_IDLE, "", true},
    {"--storage.agent.use-lockfile", FOREIGN_IDLE, "", true},
    {"--storage.agent.wal-compression", FOREIGN_IDLE, "", true},
    {"--storage.agent.", FOREIGN_IDLE, QUEUE_BOUNDS},
    {"--storage.remote.flush-deadline", FOREIGN_IDLE, "at the end what is left is sent for 30s"},
    {"--storage.remote.", FOREIGN_IDLE, NO_DATABASE},
    {"--storage.tsdb.allow-overlapping-blocks", FOREIGN_IDLE, NO_DATABASE, true},
    {"--storage.tsdb.no-lockfile", FOREIGN_IDLE, NO_DATABASE, true},
    {"--storage.tsdb.use-lockfile", FOREIGN_IDLE, NO_DATABASE, true},
    {"--storage.tsdb.wal-compression", FOREIGN_IDLE, NO_DATABASE, true},
    {"--storage.tsdb.", FOREIGN_IDLE, NO_DATABASE},
    {"--web.console.", FOREIGN_IDLE, PAGE},
    {"--web.cors.origin", FOREIGN_IDLE, ""},
    {"--web.enable-admin-api", FOREIGN_IDLE, NO_DATABASE, true},
    {"--web.enable-otlp-receiver", FOREIGN_REFUSED, NO_RECEIVER, true},
    {"--web.enable-remote-write-receiver", FOREIGN_REFUSED, NO_RECEIVER, true},
    {"--web.external-url", FOREIGN_IDLE, "the status page's links are relative"},
    {"--web.local-assets", FOREIGN_IDLE, PAGE},
    {"--web.max-connections", FOREIGN_IDLE, BOUNDS},
    {"--web.max-notifications-subscribers", FOREIGN_IDLE, BOUNDS},
    {"--web.page-title", FOREIGN_IDLE, PAGE},
    {"--web.read-timeout", FOREIGN_IDLE, BOUNDS},
    {"--web.remote-write-receiver.", FOREIGN_REFUSED, NO_RECEIVER},
    {"--web.route-prefix", FOREIGN_ROOT, "a proxy in front can take the prefix away"},
    {"--web.user-assets", FOREIGN_IDLE, PAGE},
};

static bool is_meant(const struct foreign_flag *flag, struct text name)
{
    struct text known = text_of(flag->name);
    return known.bytes[known.length - 1] == '.' ? text_has_prefix(name, known)
                                                : text_equal(name, known);
}

const struct foreign_flag *foreign_flag_find(struct text name)
{
    bool is_negated = text_has_prefix(name, TEXT("--no-"));
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        struct text known = text_of(flags[i].name);
        bool is_same = is_negated && flags[i].is_switch &&
                       text_equal(text_behind(name, strlen("--no-")), text_behind(known, 2));
        if (is_same || is_meant(&flags[i], name))
            return &flags[i];
    }
    return NULL;
}

const char *foreign_feature_advice(struct text name)
{
    static const struct {
        const char *name, *advice;
    } features[] = {
        {"agent", NULL},
        {"", NULL},
        {"created-timestamp-zero-ingestion",
         "no 0 is sent at a created time; remote write 2.0 carries the time itself"},
        {"exemplar-storage", "send_exemplars: true on a remote is enough"},
        {"expand-external-labels", "external_labels are expanded without it"},
        {"extra-scrape-metrics", "extra_scrape_metrics: true in global or in a job turns them on"},
        {"metadata-wal-records", "remote write 2.0 has the metadata without it"},
        {"native-histograms", "scrape_native_histograms: true in global or in a job does it"},
        {"otlp-write-receiver", NO_RECEIVER},
        {"remote-write-receiver", NO_RECEIVER},
        {"type-and-unit-labels", "series get no labels __type__ and __unit__"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        if (text_equal(name, text_of(features[i].name)))
            return features[i].advice;
    }
    return "edgemeter has auto-reload-config alone";
}
