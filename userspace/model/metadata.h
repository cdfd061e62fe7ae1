/* SPDX-License-Identifier: Apache-2.0 */
/* What TYPE, HELP and UNIT lines say of a metric family. */
#ifndef EDGEMETER_MODEL_METADATA_H
#define EDGEMETER_MODEL_METADATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The numbers are those of remote write 2.0 (io.prometheus.write.v2.Metadata.MetricType); 1.0 has
 * the same up to STATESET. */
enum metadata_type {
    METADATA_UNKNOWN,
    METADATA_COUNTER,
    METADATA_GAUGE,
    METADATA_HISTOGRAM,
    METADATA_GAUGE_HISTOGRAM,
    METADATA_SUMMARY,
    METADATA_INFO,
    METADATA_STATESET,
};

/* "gaugehistogram", ... */
const char *metadata_type_name(enum metadata_type type);
bool metadata_type_find(struct text name, enum metadata_type *out);

struct metadata {
    struct text family; /* "http_requests" of http_requests_total in OpenMetrics */
    struct text help;   /* escapes resolved */
    struct text unit;
    enum metadata_type type;
};

/* Interned beside the series (series_table_describe); 0 is none. */
typedef uint32_t metadata_id;

#endif
