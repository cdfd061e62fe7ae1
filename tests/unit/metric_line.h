/* SPDX-License-Identifier: Apache-2.0 */
/* A value as /metrics shows it. */
#ifndef EDGEMETER_TESTS_METRIC_LINE_H
#define EDGEMETER_TESTS_METRIC_LINE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "model/metric.h"

/* Of a series, "name" or "name{label=\"value\"}"; -1: there is none. */
static inline double metric_line(struct metric_registry *registry, const char *series)
{
    autobuffer struct buffer page;
    autofree char *line = NULL;

    buffer_init(&page, 1 << 20);
    assert_int_equal(metric_registry_write(registry, &page), 0);
    assert_true(asprintf(&line, "\n%s ", series) > 0);
    const char *found = strstr(page.bytes, line);
    return found ? strtod(found + strlen(line), NULL) : -1;
}

#endif
