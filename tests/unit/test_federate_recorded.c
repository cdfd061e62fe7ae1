/* SPDX-License-Identifier: Apache-2.0 */
/* Our answers to match[] against those of real Prometheus servers on the same samples:
 * tests/recorded/federate.txt. record_federate.py says how the file is read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "serve/federate.h"

#define TABLE "tests/recorded/federate.txt"
#define LEAST_CASES 300
#define LEAST_BODIES 9
#define NOW_MS INT64_C(1795242183019)

/* The text of a sample, less its value, as labels. A small reader: the recorder wrote it. */
static const char *read_text(const char *at, struct buffer *out)
{
    buffer_clear(out);
    buffer_append_string(out, "");
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        buffer_append_char(out, *at == 'n' && at[-1] == '\\' ? '\n' : *at);
    }
    return at + 1;
}

static const char *read_pair(struct labels_builder *builder, const char *at)
{
    autobuffer struct buffer name, value;

    buffer_init(&name, 1 << 10);
    buffer_init(&value, 1 << 10);
    if (*at == '"') {
        at = read_text(at, &name);
    } else {
        size_t length = strcspn(at, "=");
        buffer_append(&name, at, length);
        at += length;
    }
    if (*at != '=') { /* {"my.metric",...} */
        labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), buffer_text(&name));
        return at;
    }
    at = read_text(at + 1, &value);
    labels_builder_set(builder, buffer_text(&name), buffer_text(&value));
    return at;
}

static struct labels *read_sample(const char *line, double *value)
{
    struct labels_builder *builder;
    struct labels *labels;
    const char *brace = strchr(line, '{');

    assert_int_equal(labels_builder_new(&builder), 0);
    labels_builder_set(builder, TEXT("cluster"), TEXT("own"));
    labels_builder_set(builder, TEXT("replica"), TEXT("r1"));
    if (brace > line)
        labels_builder_set(builder, TEXT(LABEL_METRIC_NAME),
                           (struct text){line, (size_t)(brace - line)});
    const char *at = brace + 1;
    while (*at != '}') {
        at = read_pair(builder, at);
        at += *at == ',';
    }
    *value = atof(at + 1);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

static int64_t now_ms(void)
{
    return NOW_MS;
}

struct fixture {
    struct series_table *series;
    struct last_samples *samples;
    struct labels *external;
};

static void add_sample(struct fixture *fixture, const char *line)
{
    struct sample sample = {.timestamp_ms = NOW_MS};
    autofree struct labels *labels = read_sample(line, &sample.value);

    assert_int_equal(series_table_intern(fixture->series, labels, &sample.series), 0);
    sample_sink_append(last_samples_sink(fixture->samples, NULL), &sample, 1);
    series_table_release(fixture->series, sample.series);
}

/* The body, or the error with its status. */
static void answer(const struct fixture *fixture, const json_t *matches, const char *accept,
                   struct buffer *error, char *content_type, struct buffer *body)
{
    const struct federate_environment environment = {
        .samples = fixture->samples,
        .series = fixture->series,
        .external_labels = fixture->external,
        .now_ms = now_ms,
    };
    char reason[SELECTOR_ERROR_SIZE];
    struct federate *federate;
    int failed = 0, more = 1;

    assert_int_equal(federate_new(&environment, accept, &federate), 0);
    for (size_t i = 0; i < json_array_size(matches) && !failed; i++) {
        const json_t *match = json_array_get(matches, i);
        struct text text = {json_string_value(match), json_string_length(match)};
        failed = federate_add(federate, text, reason);
    }
    if (failed) {
        assert_int_equal(failed, -EINVAL);
        buffer_append_string(error, reason);
    }
    while (!failed && more) {
        more = federate_run(federate, body);
        assert_true(more >= 0);
    }
    strcpy(content_type, federate_content_type(federate));
    federate_free(&federate);
}

/* "200 1001 1005": the values in their order. */
static void write_values(const struct buffer *body, struct buffer *out)
{
    buffer_append_string(out, "200");
    for (char *end = body->bytes; end && (end = strstr(end, " 1795242183019\n")); end++) {
        char *value = end;
        while (value[-1] != ' ')
            value--;
        buffer_printf(out, " %.*s", (int)(end - value), value);
    }
}

static bool check_match(const struct fixture *fixture, const char *json, const char *expected)
{
    autobuffer struct buffer body, error, got;
    json_t *matches = json_loads(json, 0, NULL);
    char content_type[FEDERATE_CONTENT_TYPE_SIZE];

    assert_non_null(matches);
    buffer_init(&body, 1 << 20);
    buffer_init(&error, 1 << 10);
    buffer_init(&got, 1 << 20);
    answer(fixture, matches, NULL, &error, content_type, &body);
    if (error.length) {
        json_t *text = json_string(error.bytes);
        char *quoted = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        buffer_printf(&got, "400 %s", quoted);
        free(quoted);
        json_decref(text);
    } else {
        write_values(&body, &got);
    }
    json_decref(matches);
    /* What is wrong with a pattern we say in other words, at the same place. */
    const char *words = strstr(expected, "error parsing regexp: ");
    bool same = words ? !strncmp(got.bytes, expected, (size_t)(words - expected) + 22)
                      : !strcasecmp(got.bytes, expected); /* of \u00E4 and \u00e4 */
    if (!same)
        print_error("match %s\n  wanted %s\n  got    %s\n", json, expected, got.bytes);
    return same;
}

/* Timestamps become T. */
static bool check_body(const struct fixture *fixture, const char *json, const char *expected)
{
    autobuffer struct buffer body, error, text;
    json_t *request = json_loads(json, 0, NULL), *wanted = json_loads(expected, 0, NULL);
    char content_type[FEDERATE_CONTENT_TYPE_SIZE];

    assert_non_null(request);
    assert_non_null(wanted);
    buffer_init(&body, 1 << 20);
    buffer_init(&error, 1 << 10);
    buffer_init(&text, 1 << 20);
    buffer_append_string(&text, "");
    answer(fixture, json_array_get(request, 0), json_string_value(json_array_get(request, 1)),
           &error, content_type, &body);
    const char *at = body.bytes ? body.bytes : "";
    for (const char *end; (end = strstr(at, " 1795242183019\n")); at = end + 14) {
        buffer_append(&text, at, (size_t)(end - at));
        buffer_append_string(&text, " T");
    }
    buffer_append_string(&text, at);
    bool same = !strcmp(text.bytes, json_string_value(json_array_get(wanted, 1))) &&
                !strcmp(content_type, json_string_value(json_array_get(wanted, 0)));
    if (!same)
        print_error("body %s\n  wanted %s\n  got    %s\n%s\n", json, expected, content_type,
                    text.bytes);
    json_decref(request);
    json_decref(wanted);
    return same;
}

static void test_recorded(void **state)
{
    struct fixture fixture;
    autofree char *line = NULL, *asked = NULL, *expected = NULL;
    size_t size = 0, cases = 0, bodies = 0, wrong = 0;
    ssize_t length;
    (void)state;

    FILE *file = fopen(TABLE, "r");
    assert_non_null(file);
    assert_int_equal(series_table_new(1000, &fixture.series), 0);
    assert_int_equal(last_samples_new(NULL, fixture.series, &fixture.samples), 0);
    double value;
    fixture.external = read_sample("{} 0", &value);
    do {
        length = getline(&line, &size, file);
        if (length > 0 && line[length - 1] == '\n')
            line[length - 1] = '\0';
        if (length > 0 && !strncmp(line, "sample ", 7)) {
            add_sample(&fixture, line + 7);
        } else if (length > 0 && (!strncmp(line, "match ", 6) || !strncmp(line, "body ", 5))) {
            free(asked);
            asked = strdup(line);
        } else if (length > 1 && *line != '#') {
            free(expected);
            expected = strdup(strchr(line, ' ') + 1); /* the newest version comes last */
        } else if (asked) {
            bool is_match = *asked == 'm';
            wrong += is_match ? !check_match(&fixture, asked + 6, expected)
                              : !check_body(&fixture, asked + 5, expected);
            cases += is_match;
            bodies += !is_match;
            free(TAKE_PTR(asked));
        }
    } while (length > 0);
    fclose(file);
    print_message("%zu cases, %zu bodies, %zu differ\n", cases, bodies, wrong);
    assert_true(cases >= LEAST_CASES && bodies >= LEAST_BODIES);
    assert_int_equal(wrong, 0);
    last_samples_free(&fixture.samples);
    assert_int_equal(series_table_count(fixture.series), 0);
    series_table_free(&fixture.series);
    free(fixture.external);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
