/* SPDX-License-Identifier: Apache-2.0 */
/* Accept headers, as in Prometheus' own tests, and what a Content-Type says, as a real Prometheus
 * decided it (tests/recorded/content_types.txt). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scrape/scrape_protocol.h"

#define PROTO \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

static void test_accept(void **state)
{
    static const struct {
        struct scrape_protocol_config config;
        const char *header;
    } rows[] = {
        {{.native_histograms = false},
         "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
         "application/openmetrics-text;version=0.0.1;q=0.5,"
         "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
         "*/*;q=0.2"},
        {{.native_histograms = true, .escaping = ESCAPING_DOTS},
         PROTO ";q=0.6,application/openmetrics-text;version=1.0.0;escaping=dots;q=0.5,"
               "application/openmetrics-text;version=0.0.1;q=0.4,"
               "text/plain;version=1.0.0;escaping=dots;q=0.3,text/plain;version=0.0.4;q=0.2,"
               "*/*;q=0.1"},
        {{.accepted = {OPENMETRICS_TEXT_0_0_1}, .accepted_count = 1},
         "application/openmetrics-text;version=0.0.1;q=0.6,*/*;q=0.5"},
        {{.accepted = {PROMETHEUS_TEXT_1_0_0, PROMETHEUS_PROTO},
          .accepted_count = 2,
          .legacy_names = true},
         "text/plain;version=1.0.0;escaping=underscores;q=0.6," PROTO ";q=0.5,*/*;q=0.4"},
        {{.accepted = {PROMETHEUS_TEXT_0_0_4},
          .accepted_count = 1,
          .native_histograms = true,
          .escaping = ESCAPING_VALUES},
         "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char header[SCRAPE_ACCEPT_SIZE];
        scrape_protocol_accept(&rows[i].config, header);
        assert_string_equal(header, rows[i].header);
    }
}

/* Go quotes the type in its message. */
static void drop_backslashes(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (*text != '\\' || text[1] != '"')
            *to++ = *text;
    *to = '\0';
}

/* "text", "openmetrics" or "protobuf": read as such; or the error. */
static void check_recorded(const char *type, const char *outcome)
{
    const struct scrape_protocol_config config = {.native_histograms = false};
    char reason[SCRAPE_PROTOCOL_REASON_SIZE] = "";
    enum scrape_format format = SCRAPE_TEXT;
    int error = scrape_protocol_format(&config, type, &format, reason);
    static const char *const names[] = {[SCRAPE_TEXT] = "text",
                                        [SCRAPE_OPENMETRICS] = "openmetrics",
                                        [SCRAPE_PROTOBUF] = "protobuf"};
    const char *ours = error ? reason : names[format];

    /* Prometheus adds Go's own words behind a newline. */
    if (strncmp(ours, outcome, strlen(ours)) || (!error && strcmp(ours, outcome)))
        fail_msg("\"%s\": \"%s\" is not \"%s\"", type, ours, outcome);
}

static void test_recorded_types(void **state)
{
    FILE *file = fopen("tests/recorded/content_types.txt", "r");
    autofree char *line = NULL;
    size_t size = 0, rows = 0;

    (void)state;
    if (!file)
        fail_msg("tests/recorded is not there: run the test in the root of the source");
    while (getline(&line, &size, file) > 0) {
        char *tab = strchr(line, '\t');
        if (*line == '#' || !tab)
            continue;
        *tab = '\0';
        tab[strcspn(tab + 1, "\n") + 1] = '\0';
        drop_backslashes(tab + 1);
        check_recorded(line, tab + 1);
        rows++;
    }
    fclose(file);
    assert_in_range(rows, 30, 1000);
}

static void test_fallback(void **state)
{
    static const struct {
        const char *type;
        enum scrape_protocol fallback;
        enum scrape_format format;
    } rows[] = {
        {"", PROMETHEUS_TEXT_0_0_4, SCRAPE_TEXT},
        {"", OPENMETRICS_TEXT_1_0_0, SCRAPE_OPENMETRICS},
        {"text/html", PROMETHEUS_PROTO, SCRAPE_PROTOBUF},
        {"text/plain; charset=", OPENMETRICS_TEXT_0_0_1, SCRAPE_OPENMETRICS},
        {"text/plain; charset=utf-8", OPENMETRICS_TEXT_0_0_1, SCRAPE_TEXT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct scrape_protocol_config config = {.fallback = rows[i].fallback};
        char reason[SCRAPE_PROTOCOL_REASON_SIZE];
        enum scrape_format format;
        assert_int_equal(scrape_protocol_format(&config, rows[i].type, &format, reason), 0);
        assert_int_equal(format, rows[i].format);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_recorded_types),
        cmocka_unit_test(test_fallback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
