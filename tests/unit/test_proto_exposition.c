/* SPDX-License-Identifier: Apache-2.0 */
/* The protobuf exposition format beside what tests/recorded shows of it: framing, histograms where
 * native ones are not wanted, created timestamps, and the memory that a small message may ask for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/exposition.pb-c.h"
#include "page_fixture.h"

static struct proto_exposition *parser_of(bool native, bool classic)
{
    struct proto_exposition *parser = NULL;
    const struct proto_options options = {native, classic};
    assert_int_equal(proto_exposition_new(&options, &parser), 0);
    return parser;
}

/* A packed family; the caller frees its bytes. */
static struct text pack(const Exposition__MetricFamily *family)
{
    size_t size = exposition__metric_family__get_packed_size(family);
    uint8_t *bytes = malloc(size + 1);
    assert_int_equal(exposition__metric_family__pack(family, bytes), size);
    return (struct text){(const char *)bytes, size};
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static void describe(struct buffer *out, const struct exposition_entry *entry)
{
    if (entry->kind == EXPOSITION_EXEMPLAR) {
        buffer_printf(out, "+%g|", entry->exemplar.value);
        return;
    }
    buffer_append_text(out, entry->name);
    for (size_t i = 0; i < entry->label_count; i++)
        buffer_printf(out, "%s%.*s=%.*s", i ? "," : "{", TEXT_FORMAT(entry->labels[i].name),
                      TEXT_FORMAT(entry->labels[i].value));
    buffer_append_string(out, entry->label_count ? "} " : " ");
    if (entry->histogram)
        buffer_printf(out, "histogram of %llu", (unsigned long long)entry->histogram->count);
    else
        buffer_printf(out, "%g", entry->value);
    if (entry->created_ms)
        buffer_printf(out, " since %lld", (long long)entry->created_ms);
    buffer_append_char(out, '|');
}

static void check_family(const Exposition__MetricFamily *family, bool native, bool classic,
                         const char *expected)
{
    autofree struct exposition_entry *entry = malloc(sizeof(*entry));
    struct proto_exposition *parser = parser_of(native, classic);
    struct text message = pack(family);
    autobuffer struct buffer out;
    int result;

    buffer_init(&out, 1 << 16);
    assert_int_equal(proto_exposition_begin(parser, message), 0);
    while ((result = proto_exposition_next(parser, entry)) > 0) {
        describe(&out, entry);
        histogram_release(entry->histogram);
    }
    if (result)
        fail_msg("%s", proto_exposition_error(parser));
    assert_string_equal(out.length ? out.bytes : "", expected);
    free((char *)message.bytes);
    proto_exposition_free(&parser);
}

static void test_histograms_by_options(void **state)
{
    Exposition__MetricFamily family = EXPOSITION__METRIC_FAMILY__INIT;
    Exposition__Metric metric = EXPOSITION__METRIC__INIT, *metrics[] = {&metric};
    Exposition__Histogram histogram = EXPOSITION__HISTOGRAM__INIT;
    Exposition__Bucket bucket = EXPOSITION__BUCKET__INIT, *buckets[] = {&bucket};
    Exposition__BucketSpan span = EXPOSITION__BUCKET_SPAN__INIT, *spans[] = {&span};
    Exposition__Timestamp created = {
        .base = PROTOBUF_C_MESSAGE_INIT(&exposition__timestamp__descriptor),
        .seconds = 5,
        .nanos = 7000000};
    int64_t deltas[] = {3};

    (void)state;
    family.name = bytes_of("h");
    family.type = EXPOSITION__METRIC_TYPE__HISTOGRAM;
    family.n_metric = 1;
    family.metric = metrics;
    metric.histogram = &histogram;
    histogram.sample_count = 3;
    histogram.sample_sum = 1.5;
    histogram.created_timestamp = &created;
    bucket.upper_bound = 1;
    bucket.cumulative_count = 2;
    span.length = 1;

    histogram.n_bucket = 1;
    histogram.bucket = buckets;
    const char *classic = "h_count 3 since 5007|h_sum 1.5 since 5007|h_bucket{le=1.0} 2 since 5007|"
                          "h_bucket{le=+Inf} 3 since 5007|";
    check_family(&family, true, false, classic);
    check_family(&family, false, false, classic);
    histogram.n_positive_span = histogram.n_positive_delta = 1;
    histogram.positive_span = spans;
    histogram.positive_delta = deltas;
    check_family(&family, true, false, "h histogram of 3 since 5007|");
    check_family(&family, true, true,
                 "h histogram of 3 since 5007|h_count 3 since 5007|h_sum 1.5 since 5007|"
                 "h_bucket{le=1.0} 2 since 5007|h_bucket{le=+Inf} 3 since 5007|");
    check_family(&family, false, false, classic);
    histogram.n_bucket = 0;
    check_family(&family, true, true, "h histogram of 3 since 5007|");
    check_family(&family, false, false,
                 "h_count 3 since 5007|h_sum 1.5 since 5007|h_bucket{le=+Inf} 3 since 5007|");
}

static void test_exemplars_of_a_native_histogram(void **state)
{
    enum { COUNT = 3 };
    Exposition__MetricFamily family = EXPOSITION__METRIC_FAMILY__INIT;
    Exposition__Metric metric = EXPOSITION__METRIC__INIT, *metrics[] = {&metric};
    Exposition__Histogram histogram = EXPOSITION__HISTOGRAM__INIT;
    Exposition__Exemplar exemplar[COUNT], *exemplars[COUNT];
    Exposition__Timestamp time[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        exposition__exemplar__init(exemplars[i] = &exemplar[i]);
        exposition__timestamp__init(exemplar[i].timestamp = &time[i]);
        exemplar[i].value = i;
        time[i].seconds = 100 - i; /* the newest one first */
    }
    family.name = bytes_of("h");
    family.type = EXPOSITION__METRIC_TYPE__HISTOGRAM;
    family.n_metric = 1;
    family.metric = metrics;
    metric.histogram = &histogram;
    histogram.zero_threshold = 1;
    histogram.n_exemplars = COUNT;
    histogram.exemplars = exemplars;
    check_family(&family, true, false, "h histogram of 0|+1|+0|"); /* 2 is the sample's own */
}

/* One that its receivers would refuse is refused with the page that has it. */
static void test_schemas(void **state)
{
    static const struct {
        int32_t schema;
        bool known;
    } rows[] = {{-4, true}, {0, true}, {8, true}, {-5, false}, {-53, false}, {INT32_MIN, false}};
    autofree struct exposition_entry *entry = malloc(sizeof(*entry));

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Exposition__MetricFamily family = EXPOSITION__METRIC_FAMILY__INIT;
        Exposition__Metric metric = EXPOSITION__METRIC__INIT, *metrics[] = {&metric};
        Exposition__Histogram histogram = EXPOSITION__HISTOGRAM__INIT;
        struct proto_exposition *parser = parser_of(true, false);
        family.name = bytes_of("h");
        family.type = EXPOSITION__METRIC_TYPE__HISTOGRAM;
        family.n_metric = 1;
        family.metric = metrics;
        metric.histogram = &histogram;
        histogram.schema = rows[i].schema;
        histogram.zero_threshold = 0.001;
        struct text message = pack(&family);
        assert_int_equal(proto_exposition_begin(parser, message), 0);
        assert_int_equal(proto_exposition_next(parser, entry), rows[i].known ? 1 : -EINVAL);
        if (rows[i].known)
            histogram_release(entry->histogram);
        else
            assert_string_equal(proto_exposition_error(parser),
                                "metric family \"h\": histogram has a schema that is not known");
        free((char *)message.bytes);
        proto_exposition_free(&parser);
    }
}

static void test_frames(void **state)
{
    static const struct {
        struct text bytes;
        int64_t used;
        size_t needed;
        const char *error;
    } rows[] = {
        {{"\x02xy", 3}, 3, 0, NULL},
        {{"\x02xyz", 4}, 3, 0, NULL},
        {{"\x00", 1}, 1, 0, NULL},
        {{"\x02x", 2}, 0, 3, NULL},
        {{"\x82\x00xy", 4}, 4, 0, NULL},
        {{"", 0}, 0, 0, NULL},
        {{"\x80\x80\x80\x80", 4}, 0, 0, NULL},
        {{"\x80\x80\x80\x80\x80", 5}, -EINVAL, 0, "a metric family has no valid length in front"},
        {{"\x80\x80\x80\x80\x80\x01", 6},
         -EINVAL,
         0,
         "a metric family has no valid length in front"},
        {{"\xff\xff\xff\x7f", 4}, -EINVAL, 0, "a metric family is longer than 67108864 bytes"},
    };
    struct proto_exposition *parser = parser_of(false, false);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct text family;
        size_t needed;
        int64_t used = proto_exposition_frame(parser, rows[i].bytes, &family, &needed);
        assert_int_equal(used, rows[i].used);
        if (used >= 0)
            assert_int_equal(needed, rows[i].needed);
        else
            assert_string_equal(proto_exposition_error(parser), rows[i].error);
    }
    proto_exposition_free(&parser);
}

/* Two bytes of an empty bucket become a hundred. */
static void test_memory_of_a_metric(void **state)
{
    enum { BUCKETS = 2000000, BUCKETS_BYTES = 2 * BUCKETS };
    struct page_fixture *fixture = page_fixture_new();
    autobuffer struct buffer page;

    (void)state;
    buffer_init(&page, 1 << 24);
    /* lengths: histogram, metric, family; each 4 bytes of varint */
    size_t histogram = BUCKETS_BYTES, metric = 1 + 4 + histogram, family = 3 + 2 + 1 + 4 + metric;
    const size_t lengths[] = {family, metric, histogram};
    static const char *const heads[] = {"", "\x0a\x01h\x18\x04\x22", "\x3a"};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        buffer_append_string(&page, heads[i]);
        for (int shift = 0; shift < 28; shift += 7)
            buffer_append_char(&page,
                               (char)((lengths[i] >> shift & 0x7f) | (shift < 21 ? 0x80 : 0)));
    }
    for (int i = 0; i < BUCKETS; i++)
        buffer_append(&page, "\x1a\x00", 2);
    assert_false(page.failed);
    page_fixture_scrape(fixture, SCRAPE_PROTOBUF, buffer_text(&page), 100000);
    assert_string_equal(fixture->page.reason,
                        "family 1: metric family \"h\": a metric is too large");
    scrape_page_free(&fixture->page);
    page_fixture_free(fixture);
}

static void test_created_of_a_page(void **state)
{
    struct page_fixture *fixture = page_fixture_new();
    /* a counter of 1 since second 5 */
    static const char page[] =
        "\x16\x0a\x01"
        "a"
        "\x22\x11\x1a\x0f\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x1a\x04\x08\x05\x10\x00";

    (void)state;
    page_fixture_scrape(fixture, SCRAPE_PROTOBUF, (struct text){page, sizeof(page) - 1}, 4096);
    assert_string_equal(fixture->page.reason, "");
    struct sample_record record = scrape_page_record(&fixture->page);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.created_count, 1);
    assert_int_equal(record.created[0].created_ms, 5000);
    scrape_page_free(&fixture->page);
    page_fixture_free(fixture);
}

/* a{b="x"} 1 and a{c="x"} 1: the name of a label is part of what a series is known by. */
static void test_series_that_differ_in_a_name(void **state)
{
    struct page_fixture *fixture = page_fixture_new();
    static const char page[] = "\x2f\x0a\x01"
                               "a"
                               "\x18\x03"
                               "\x22\x13\x0a\x06\x0a\x01"
                               "b"
                               "\x12\x01"
                               "x"
                               "\x2a\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"
                               "\x22\x13\x0a\x06\x0a\x01"
                               "c"
                               "\x12\x01"
                               "x"
                               "\x2a\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f";

    (void)state;
    for (int scrape = 0; scrape < 2; scrape++) {
        page_fixture_scrape(fixture, SCRAPE_PROTOBUF, (struct text){page, sizeof(page) - 1}, 4096);
        assert_string_equal(fixture->page.reason, "");
        const struct sample_list *samples = &fixture->page.samples;
        assert_int_equal(samples->count, 2);
        for (size_t i = 0; i < 2; i++)
            assert_true(
                text_equal(labels_get(series_table_labels(fixture->series, samples->list[i].series),
                                      i ? TEXT("c") : TEXT("b")),
                           TEXT("x")));
        scrape_page_free(&fixture->page);
    }
    page_fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histograms_by_options),
        cmocka_unit_test(test_exemplars_of_a_native_histogram),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_memory_of_a_metric),
        cmocka_unit_test(test_created_of_a_page),
        cmocka_unit_test(test_series_that_differ_in_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
