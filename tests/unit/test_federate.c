/* SPDX-License-Identifier: Apache-2.0 */
/* What federate_recorded has not: protobuf with native histograms, OpenMetrics, and samples that
 * come while an answer is given. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/exposition.pb-c.h"
#include "model/proto_wire.h"
#include "serve/federate.h"

#define PROTOBUF                                                                       \
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding" \
    "=delimited"
#define START_MS INT64_C(1795242183019)

static int64_t clock_ms;

static int64_t now_ms(void)
{
    return clock_ms;
}

struct fixture {
    struct series_table *series;
    struct last_samples *samples;
    struct federate *federate;
    struct buffer body;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    clock_ms = START_MS;
    buffer_init(&fixture->body, 16 << 20);
    assert_int_equal(series_table_new(1 << 20, &fixture->series), 0);
    assert_int_equal(last_samples_new(NULL, fixture->series, &fixture->samples), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    federate_free(&fixture->federate);
    buffer_free(&fixture->body);
    last_samples_free(&fixture->samples);
    assert_int_equal(series_table_count(fixture->series), 0);
    series_table_free(&fixture->series);
    free(fixture);
    return 0;
}

static void put(struct fixture *fixture, const char *name, int number, struct sample sample)
{
    struct labels_builder *builder;
    struct labels *labels;
    char text[16];

    snprintf(text, sizeof(text), "%05d", number);
    assert_int_equal(labels_builder_new(&builder), 0);
    labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(name));
    labels_builder_set(builder, TEXT("n"), text_of(text));
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    assert_int_equal(series_table_intern(fixture->series, labels, &sample.series), 0);
    sample.timestamp_ms = clock_ms;
    sample_sink_append(last_samples_sink(fixture->samples, NULL), &sample, 1);
    series_table_release(fixture->series, sample.series);
    free(labels);
}

static void put_float(struct fixture *fixture, const char *name, int number, double value)
{
    put(fixture, name, number, (struct sample){.value = value});
}

static void begin_at(struct fixture *fixture, const char *accept, int64_t (*clock)(void))
{
    const struct federate_environment environment = {
        .samples = fixture->samples,
        .series = fixture->series,
        .now_ms = clock,
    };
    char reason[SELECTOR_ERROR_SIZE];
    assert_int_equal(federate_new(&environment, accept, &fixture->federate), 0);
    assert_int_equal(federate_add(fixture->federate, TEXT("{n=~\".+\"}"), reason), 0);
}

static void begin(struct fixture *fixture, const char *accept)
{
    begin_at(fixture, accept, now_ms);
}

static void finish(struct fixture *fixture)
{
    int more;
    do {
        more = federate_run(fixture->federate, &fixture->body);
        assert_true(more >= 0);
    } while (more);
}

static void test_openmetrics(void **state)
{
    struct fixture *fixture = *state;
    put_float(fixture, "b", 1, 1.5);
    put_float(fixture, "a", 2, __builtin_inf());
    put_float(fixture, "c", 3, -0.0);
    begin(fixture, "application/openmetrics-text; version=1.0.0");
    finish(fixture);
    assert_string_equal(fixture->body.bytes, "# TYPE a unknown\n"
                                             "a{n=\"00002\",instance=\"\"} +Inf 1795242183.019\n"
                                             "# TYPE b unknown\n"
                                             "b{n=\"00001\",instance=\"\"} 1.5 1795242183.019\n"
                                             "# TYPE c unknown\n"
                                             "c{n=\"00003\",instance=\"\"} 0 1795242183.019\n"
                                             "# EOF\n");
}

/* Each second brings every series a new sample: none is missing, or behind by an answer. */
static void test_samples_go_on(void **state)
{
    struct fixture *fixture = *state;
    int more, lines = 0;

    for (int i = 0; i < 2000; i++)
        put_float(fixture, "a", i, 1);
    begin(fixture, NULL);
    do {
        more = federate_run(fixture->federate, &fixture->body);
        clock_ms += 1000;
        for (int i = 0; i < 2000; i++)
            put_float(fixture, "a", i, 2);
    } while (more);
    for (const char *at = fixture->body.bytes; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 1 + 2000);
}

static int64_t later_ms(void)
{
    return clock_ms += 2;
}

/* A slice is as long in time as it may be, however few series that is: a match[] can be hard. */
static void test_slices_are_short(void **state)
{
    struct fixture *fixture = *state;
    int slices = 0, more;

    for (int i = 0; i < 100; i++)
        put_float(fixture, "a", i, 1);
    begin_at(fixture, NULL, later_ms);
    do {
        more = federate_run(fixture->federate, &fixture->body);
        slices++;
    } while (more);
    assert_in_range(slices, 20, 30);
    assert_non_null(strstr(fixture->body.bytes, "00099"));
}

static Exposition__MetricFamily *next_family(struct text *rest)
{
    struct text bytes = {NULL, 0};
    uint64_t length = 0;
    assert_true(proto_take_varint(rest, &length));
    assert_true(proto_take_bytes(rest, length, &bytes));
    Exposition__MetricFamily *family =
        exposition__metric_family__unpack(NULL, bytes.length, (const uint8_t *)bytes.bytes);
    assert_non_null(family);
    return family;
}

static bool is_text(ProtobufCBinaryData data, const char *text)
{
    return text_equal((struct text){(const char *)data.data, data.len}, text_of(text));
}

static void test_protobuf(void **state)
{
    struct fixture *fixture = *state;
    const struct histogram_span span = {-2, 3};
    const int64_t deltas[] = {4, -1, 2};
    const double counts[] = {1.5, 2.5, 0.5};
    const struct histogram integers = {.schema = 3,
                                       .zero_threshold = 0.5,
                                       .zero_count = 7,
                                       .count = 19,
                                       .sum = 12.5,
                                       .positive_span_count = 1,
                                       .positive_delta_count = 3,
                                       .positive_spans = &span,
                                       .positive_deltas = deltas};
    const struct histogram floats = {.is_float = true,
                                     .is_gauge = true,
                                     .count_float = 4.5,
                                     .negative_span_count = 1,
                                     .negative_delta_count = 3,
                                     .negative_spans = &span,
                                     .negative_counts = counts};
    struct histogram *first = histogram_new(&integers), *second = histogram_new(&floats);

    put_float(fixture, "h", 1, 2.5);
    put(fixture, "h", 2, (struct sample){.type = SAMPLE_HISTOGRAM, .histogram = first});
    put(fixture, "h", 3, (struct sample){.type = SAMPLE_HISTOGRAM, .histogram = second});
    begin(fixture, PROTOBUF);
    finish(fixture);
    struct text rest = buffer_text(&fixture->body);

    Exposition__MetricFamily *family = next_family(&rest);
    assert_true(is_text(family->name, "h"));
    assert_int_equal(family->type, EXPOSITION__METRIC_TYPE__UNTYPED);
    assert_int_equal(family->n_metric, 1);
    assert_true(family->metric[0]->untyped->value == 2.5);
    assert_int_equal(family->metric[0]->timestamp_ms, START_MS);
    assert_int_equal(family->metric[0]->n_label, 2);
    assert_true(is_text(family->metric[0]->label[0]->name, "n"));
    assert_true(is_text(family->metric[0]->label[0]->value, "00001"));
    assert_true(is_text(family->metric[0]->label[1]->name, "instance"));
    exposition__metric_family__free_unpacked(family, NULL);

    family = next_family(&rest);
    assert_int_equal(family->type, EXPOSITION__METRIC_TYPE__HISTOGRAM);
    const Exposition__Histogram *histogram = family->metric[0]->histogram;
    assert_int_equal(histogram->sample_count, 19);
    assert_true(histogram->sample_sum == 12.5 && histogram->zero_threshold == 0.5);
    assert_int_equal(histogram->schema, 3);
    assert_int_equal(histogram->zero_count, 7);
    assert_int_equal(histogram->n_positive_span, 1);
    assert_int_equal(histogram->positive_span[0]->offset, -2);
    assert_int_equal(histogram->n_positive_delta, 3);
    assert_int_equal(histogram->positive_delta[1], -1);
    exposition__metric_family__free_unpacked(family, NULL);

    family = next_family(&rest);
    assert_int_equal(family->type, EXPOSITION__METRIC_TYPE__GAUGE_HISTOGRAM);
    histogram = family->metric[0]->histogram;
    assert_true(histogram->sample_count_float == 4.5);
    assert_int_equal(histogram->n_negative_count, 3);
    assert_true(histogram->negative_count[1] == 2.5);
    exposition__metric_family__free_unpacked(family, NULL);
    assert_int_equal(rest.length, 0);
    histogram_release(first);
    histogram_release(second);
}

/* The format has no custom buckets: they are classic ones there. */
static void check_custom_buckets(struct fixture *fixture, bool is_float)
{
    static const double sums[2][4] = {{0, 3, 3, 5}, {0, 0.5, 0.5, 2.5}};
    const struct histogram_span spans[] = {{1, 1}, {1, 1}};
    const int64_t deltas[] = {3, -1};
    const double counts[] = {0.5, 2}, bounds[] = {0.1, 1, 5};
    struct histogram values = {.schema = HISTOGRAM_CUSTOM_SCHEMA,
                               .is_float = is_float,
                               .count = 5,
                               .sum = 12.5,
                               .positive_span_count = 2,
                               .positive_delta_count = 2,
                               .positive_spans = spans,
                               .positive_deltas = deltas,
                               .custom_value_count = 3,
                               .custom_values = bounds};

    if (is_float) {
        values.positive_counts = counts;
        values.count_float = 2.5;
    }
    struct histogram *custom = histogram_new(&values);
    put(fixture, "h", 2, (struct sample){.type = SAMPLE_HISTOGRAM, .histogram = custom});
    histogram_release(custom);
    begin(fixture, PROTOBUF);
    finish(fixture);
    struct text rest = buffer_text(&fixture->body);
    Exposition__MetricFamily *family = next_family(&rest);
    assert_int_equal(family->type, EXPOSITION__METRIC_TYPE__HISTOGRAM);
    const Exposition__Histogram *histogram = family->metric[0]->histogram;
    assert_true(histogram->schema == 0 && histogram->sample_sum == 12.5);
    assert_true(histogram->sample_count_float == (is_float ? 2.5 : 0));
    assert_int_equal(histogram->sample_count, is_float ? 0 : 5);
    assert_int_equal(histogram->n_positive_span, 0);
    assert_int_equal(histogram->n_bucket, 4);
    for (size_t i = 0; i < 4; i++) {
        const Exposition__Bucket *bucket = histogram->bucket[i];
        assert_true(bucket->upper_bound == (i < 3 ? bounds[i] : (double)INFINITY));
        assert_true(bucket->cumulative_count_float == (is_float ? sums[1][i] : 0));
        assert_int_equal(bucket->cumulative_count, is_float ? 0 : sums[0][i]);
    }
    exposition__metric_family__free_unpacked(family, NULL);
    assert_int_equal(rest.length, 0);
}

static void test_custom_buckets(void **state)
{
    check_custom_buckets(*state, false);
}

static void test_custom_buckets_of_floats(void **state)
{
    check_custom_buckets(*state, true);
}

/* A large family comes in several messages of its name. */
static void test_large_family(void **state)
{
    struct fixture *fixture = *state;
    size_t metrics = 0, families = 0;

    for (int i = 0; i < 5000; i++)
        put_float(fixture, "a.b", i, i);
    begin(fixture, PROTOBUF);
    finish(fixture);
    for (struct text rest = buffer_text(&fixture->body); rest.length; families++) {
        Exposition__MetricFamily *family = next_family(&rest);
        assert_true(is_text(family->name, "a_b"));
        for (size_t i = 0; i < family->n_metric; i++)
            assert_true(family->metric[i]->untyped->value == (double)metrics++);
        exposition__metric_family__free_unpacked(family, NULL);
    }
    assert_int_equal(metrics, 5000);
    assert_true(families > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_openmetrics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_samples_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slices_are_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_protobuf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_custom_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_custom_buckets_of_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_family, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
