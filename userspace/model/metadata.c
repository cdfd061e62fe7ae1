/* SPDX-License-Identifier: Apache-2.0 */
/* The types' names, as OpenMetrics and Prometheus' API write them. */
#include "model/metadata.h"

#include "base/cleanup.h"

static const char *const names[] = {
    [METADATA_UNKNOWN] = "unknown",
    [METADATA_COUNTER] = "counter",
    [METADATA_GAUGE] = "gauge",
    [METADATA_HISTOGRAM] = "histogram",
    [METADATA_GAUGE_HISTOGRAM] = "gaugehistogram",
    [METADATA_SUMMARY] = "summary",
    [METADATA_INFO] = "info",
    [METADATA_STATESET] = "stateset",
};

const char *metadata_type_name(enum metadata_type type)
{
    return names[type];
}

bool metadata_type_find(struct text name, enum metadata_type *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (text_equal(name, text_of(names[i]))) {
            *out = (enum metadata_type)i;
            return true;
        }
    }
    return false;
}
