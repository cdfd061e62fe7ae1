/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that a job asks its targets for, and what it makes of the answer. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_PROTOCOL_CONFIG_H
#define EDGEMETER_SCRAPE_SCRAPE_PROTOCOL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

enum scrape_protocol {
    SCRAPE_PROTOCOL_UNSET,
    PROMETHEUS_PROTO,
    OPENMETRICS_TEXT_1_0_0,
    OPENMETRICS_TEXT_0_0_1,
    PROMETHEUS_TEXT_1_0_0,
    PROMETHEUS_TEXT_0_0_4,
    SCRAPE_PROTOCOL_COUNT,
};

/* What a target makes of names that are not of [a-zA-Z0-9_:]; zero: by the validation. */
enum scrape_escaping {
    ESCAPING_UNSET,
    ESCAPING_ALLOW_UTF_8,
    ESCAPING_UNDERSCORES,
    ESCAPING_DOTS,
    ESCAPING_VALUES,
};

struct scrape_protocol_config {
    enum scrape_protocol accepted[SCRAPE_PROTOCOL_COUNT]; /* the preferred one first */
    size_t accepted_count; /* 0: the defaults, with protobuf if native histograms are wanted */
    enum scrape_protocol fallback; /* of an answer without a Content-Type that says which */
    bool native_histograms;
    bool classic_histograms; /* also of those that come as native ones */
    bool convert_histograms; /* classic ones become native ones with custom buckets */
    bool legacy_names;       /* metric_name_validation_scheme */
    enum scrape_escaping escaping;
};

#endif
