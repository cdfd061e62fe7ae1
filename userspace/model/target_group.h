/* SPDX-License-Identifier: Apache-2.0 */
/* Where discoverers and the scraper meet: a discoverer hands over what it found at one source, a
 * file's entry or a pod say, each time that changes. As Prometheus' targetgroup.Group. */
#ifndef EDGEMETER_MODEL_TARGET_GROUP_H
#define EDGEMETER_MODEL_TARGET_GROUP_H

#include "model/labels.h"

struct target_group {
    struct text source;                  /* unique among the groups of one sink */
    const struct labels *labels;         /* every target gets them; NULL: none */
    const struct labels *const *targets; /* __address__ and more; they win over the group's */
    size_t target_count;                 /* 0: the source has gone */
};

/* One per scrape job (and one for the pod table). The sink copies what it keeps. A group replaces
 * the one of the same source; the others stay. `synced`, which may be NULL, says that all there is
 * at present has been handed over since the discoverer's start: groups from before that are gone.
 */
struct target_sink {
    void (*update)(struct target_sink *sink, const struct target_group *group);
    void (*synced)(struct target_sink *sink);
};

static inline void target_sink_update(struct target_sink *sink, const struct target_group *group)
{
    sink->update(sink, group);
}

static inline void target_sink_synced(struct target_sink *sink)
{
    if (sink->synced)
        sink->synced(sink);
}

#endif
