/* SPDX-License-Identifier: Apache-2.0 */
/* From a text to its config and what was said of it. */
#ifndef EDGEMETER_TESTS_CONFIG_FIXTURE_H
#define EDGEMETER_TESTS_CONFIG_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"

/* Parses, and gives everything that was said; the caller frees. */
static inline char *problems_of(const char *name, const char *yaml, int *status,
                                struct config **config)
{
    struct problems problems;
    char *said = NULL;
    size_t length;
    *config = NULL;
    *status = config_parse(name, yaml, strlen(yaml), config, &problems);
    FILE *stream = open_memstream(&said, &length);
    assert_non_null(stream);
    problems_print(&problems, stream);
    fclose(stream);
    problems_free(&problems);
    return said;
}

static inline struct config *parse_good(const char *name, const char *yaml)
{
    struct config *config;
    int status;
    autofree char *said = problems_of(name, yaml, &status, &config);
    if (status)
        print_error("%s", said);
    assert_int_equal(status, 0);
    assert_non_null(config);
    return config;
}

#endif
