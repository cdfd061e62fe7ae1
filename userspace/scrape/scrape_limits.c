/* SPDX-License-Identifier: Apache-2.0 */
/* label_limit, label_name_length_limit, label_value_length_limit; lengths are bytes. */
#include "scrape/scrape_limits.h"

#include <errno.h>
#include <stdio.h>

#define SHOWN 50 /* bytes of a name or value in a message, as in Prometheus */

static struct text shown(struct text text)
{
    return (struct text){text.bytes, text.length < SHOWN ? text.length : SHOWN};
}

static int check_label(const struct scrape_limits *limits, struct text metric,
                       const struct label *label, char *reason)
{
    struct text name = shown(label->name), value = shown(label->value);

    if (limits->label_name_length_limit && label->name.length > limits->label_name_length_limit) {
        snprintf(reason, SCRAPE_LIMITS_REASON_SIZE,
                 "label_name_length_limit exceeded (metric: %.*s, label name: %.*s, length: %zu, "
                 "limit: %u)",
                 TEXT_FORMAT(metric), TEXT_FORMAT(name), label->name.length,
                 limits->label_name_length_limit);
        return -EINVAL;
    }
    if (limits->label_value_length_limit &&
        label->value.length > limits->label_value_length_limit) {
        snprintf(reason, SCRAPE_LIMITS_REASON_SIZE,
                 "label_value_length_limit exceeded (metric: %.*s, label name: %.*s, value: "
                 "\"%.*s\", length: %zu, limit: %u)",
                 TEXT_FORMAT(metric), TEXT_FORMAT(name), TEXT_FORMAT(value), label->value.length,
                 limits->label_value_length_limit);
        return -EINVAL;
    }
    return 0;
}

int scrape_limits_check(const struct scrape_limits *limits, const struct labels *labels,
                        char reason[SCRAPE_LIMITS_REASON_SIZE])
{
    struct text metric = shown(labels_get(labels, TEXT(LABEL_METRIC_NAME)));

    if (limits->label_limit && labels_count(labels) > limits->label_limit) {
        snprintf(reason, SCRAPE_LIMITS_REASON_SIZE,
                 "label_limit exceeded (metric: %.*s, number of labels: %zu, limit: %u)",
                 TEXT_FORMAT(metric), labels_count(labels), limits->label_limit);
        return -EINVAL;
    }
    if (!limits->label_name_length_limit && !limits->label_value_length_limit)
        return 0;
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        int error = check_label(limits, metric, &c.label, reason);
        if (error)
            return error;
    }
    return 0;
}
