/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and what a real Prometheus made of them (tests/recorded/exposition_*.txt): the same
 * verdict, and the same samples, exemplars and metadata, however the page is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/cleanup.h"
#include "model/float_text.h"
#include "page_fixture.h"

#define MAX_LINES 4096 /* of one page's outcome */
#define MAX_TEXT (8 << 20)

/* What became of a page, one line each, sorted. */
struct outcome {
    bool up;
    struct buffer text;
    size_t starts[MAX_LINES];
    size_t count;
};

static void outcome_clear(struct outcome *outcome)
{
    buffer_clear(&outcome->text);
    outcome->count = 0;
    outcome->up = false;
}

/* The line that has been appended to `text` is complete. */
static void outcome_end_line(struct outcome *outcome, size_t start)
{
    assert_in_range(outcome->count, 0, MAX_LINES - 1);
    buffer_append_char(&outcome->text, '\0');
    assert_false(outcome->text.failed);
    outcome->starts[outcome->count++] = start;
}

static const char *outcome_line(const struct outcome *outcome, size_t i)
{
    return outcome->text.bytes + outcome->starts[i];
}

static int compare_lines(const void *a, const void *b, void *outcome)
{
    const struct outcome *lines = outcome;
    return strcmp(lines->text.bytes + *(const size_t *)a, lines->text.bytes + *(const size_t *)b);
}

static void outcome_sort(struct outcome *outcome)
{
    qsort_r(outcome->starts, outcome->count, sizeof(*outcome->starts), compare_lines, outcome);
}

/* Where we mean to differ. Each page must differ indeed. */
static const struct {
    const char *page, *why;
    enum scrape_format format; /* either text where it does not say */
} deviations[] = {
    {" a 1\\n", "Prometheus takes the blank for a part of the name"},
    {"\\x09a 1\\n", "Prometheus takes the tab for a part of the name"},
    {"\\x00", "a NUL where a line begins ends Prometheus' reading without an error"},
    {"\\x00a 1\\n", "the same"},
    {"a 1\\n\\x00b 2\\n", "the same"},
    {"a 1\\n\\x00", "the same"},
    {"# \\x00\\na 1\\n", "the same in a comment, which is not looked at here"},
    {"#\\x00\\na 1\\n", "the same"},
    {"# EOF\\x00", "the same behind # EOF"},
    {"# EOF\\n\\x00", "the same"},
    {"a{b=\"c\",d=\"e\"} 1\\na{d=\"e\",b=\"c\"} 2\\n",
     "its storage dropped the second of two samples "
     "of a series, which its sender would send"},
    {"a{b=\"c\"} 1\\na{ b=\"c\" } 2\\n", "the same"},
    {"a 1 # {b=\"c\",b=\"d\"} 1\\n# EOF\\n", "an exemplar has each label once here"},
    {"a 1 # {b=\"c\",b=\"\"} 1\\n# EOF\\n", "the same"},
    {"# TYPE a counter\\na_total 1 # {b=\"c\",b=\"d\"} 1\\n# EOF\\n", "the same"},
    {"# TYPE a gauge\\na 1 2\\na 2 1\\n# EOF\\n",
     "an older sample behind a newer one is not sent here: every receiver would refuse it"},
    {"a 1 # {\"\"=\"x\"} 1\\n# EOF\\n", "an exemplar with a bad label name is dropped here"},
    {"a 1 # {\"\\xff\"=\"x\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {b=\"x\\\\ny\"} 1\\n# EOF\\n",
     "Prometheus 3.5 leaves escapes in exemplars as they are"},
    {"a 1 # {b=\"x\\\\\\\\y\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {b=\"x\\\\\"y\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {b=\"\\\\\\\\\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {b=\"\\\\\\\\\\\\\"\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {\"la\\\\\"bel\"=\"x\"} 1\\n# EOF\\n", "the same"},
    {"a 1 # {\"l\\\\\\\\a\\\\nb\"=\"x\"} 1\\n# EOF\\n", "the same"},
    {"a 1 1e300\\n# EOF\\n", "its storage refused the time; here it is out of bounds"},
    {"a 1 -1e300\\n# EOF\\n", "the same"},
    {"a 1 9223372036854775.8\\n# EOF\\n", "the same"},
    {"# TYPE h histogram\\nh_bucket{le=\"1\"} 3\\n# a comment\\nh_bucket{le=\"+Inf\"} 5\\n",
     "a comment that says nothing cuts no histogram in two here"},
    {"\\x1b\\n\\x01h\\x18\\x04\"\\x04:\\x02\\x08\\x01\"\\x0e\\n\\x06\\n\\x01x\\x12\\x01y:"
     "\\x04\\x08\\x018\\x01",
     "Prometheus takes all histograms of a family for what the first one is", SCRAPE_PROTOBUF},
};

static bool may_deviate(enum scrape_format format, const char *page)
{
    for (size_t i = 0; i < ARRAY_SIZE(deviations); i++)
        if ((format == SCRAPE_PROTOBUF) == (deviations[i].format == SCRAPE_PROTOBUF) &&
            !strcmp(page, deviations[i].page))
            return true;
    return false;
}

/* ---- what our own parsers say, in the words of the recording ---- */

static void write_escaped(struct buffer *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = (uint8_t)text.bytes[i];
        if (c == '\\' || c == '\n')
            buffer_append_string(out, c == '\n' ? "\\n" : "\\\\");
        else if (c < ' ' || c >= 0x7f)
            buffer_printf(out, "\\x%02x", c);
        else
            buffer_append_char(out, (char)c);
    }
}

static void write_quoted(struct buffer *out, struct text text)
{
    autobuffer struct buffer quoted;

    buffer_init(&quoted, MAX_TEXT);
    buffer_append_char(&quoted, '"');
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '\\' || c == '"' || c == '\n')
            buffer_append_char(&quoted, '\\');
        buffer_append_char(&quoted, c == '\n' ? 'n' : c);
    }
    buffer_append_char(&quoted, '"');
    write_escaped(out, buffer_text(&quoted));
}

/* Without the target's own labels. */
static void write_labels(struct buffer *out, const struct labels *labels)
{
    struct labels_builder *builder;
    autofree struct labels *rest = NULL;
    autobuffer struct buffer written;

    buffer_init(&written, MAX_TEXT);
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_add_all(builder, labels), 0);
    labels_builder_set(builder, TEXT("job"), TEXT(""));
    labels_builder_set(builder, TEXT("instance"), TEXT(""));
    assert_int_equal(labels_builder_build(builder, &rest), 0);
    labels_builder_free(&builder);
    assert_int_equal(labels_write(rest, &written), 0);
    write_escaped(out, buffer_text(&written));
}

/* A recorded -0 was sent as protobuf's default, 0. */
static void write_value(struct buffer *out, double value)
{
    char number[FLOAT_TEXT_SIZE];
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value)) {
        buffer_printf(out, "NaN:%016llx", (unsigned long long)bits);
        return;
    }
    float_text(value == 0 ? 0 : value, number);
    buffer_append_string(out, number);
}

static void write_time(struct buffer *out, int64_t timestamp_ms)
{
    if (timestamp_ms != PAGE_FIXTURE_TIME_MS)
        buffer_printf(out, " @%lld", (long long)timestamp_ms);
}

static void add_sample(struct outcome *outcome, const struct labels *labels,
                       const struct sample *sample)
{
    struct buffer *out = &outcome->text;
    size_t start = out->length;

    buffer_append_string(out, "sample ");
    write_labels(out, labels);
    buffer_append_char(out, ' ');
    write_value(out, sample->value);
    write_time(out, sample->timestamp_ms);
    outcome_end_line(outcome, start);
}

/* A float where the histogram counts in floats. */
static void write_count(struct buffer *out, const struct histogram *h, uint64_t count)
{
    double number;

    memcpy(&number, &count, sizeof(number));
    if (h->is_float)
        write_value(out, number);
    else
        buffer_printf(out, "%lld", (long long)count);
}

static void write_buckets(struct buffer *out, const struct histogram *h, const char *side,
                          const struct histogram_span *spans, uint32_t span_count,
                          const int64_t *deltas, uint32_t delta_count)
{
    buffer_printf(out, " %s=", side);
    for (uint32_t i = 0; i < span_count; i++)
        buffer_printf(out, "%s%d:%u", i ? "," : "", spans[i].offset, spans[i].length);
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < delta_count; i++) {
        if (i)
            buffer_append_char(out, ',');
        write_count(out, h, (uint64_t)deltas[i]);
    }
    buffer_append_char(out, ']');
}

static void write_custom_values(struct buffer *out, const struct histogram *h)
{
    for (uint32_t i = 0; i < h->custom_value_count; i++) {
        buffer_append_string(out, i ? "," : " custom=[");
        write_value(out, h->custom_values[i]);
    }
    if (h->custom_value_count)
        buffer_append_char(out, ']');
}

static void add_histogram(struct outcome *outcome, const struct labels *labels,
                          const struct sample *sample)
{
    const struct histogram *h = sample->histogram;
    struct buffer *out = &outcome->text;
    size_t start = out->length;

    buffer_append_string(out, "histogram ");
    write_labels(out, labels);
    buffer_printf(out, " %s%s schema=%d count=", h->is_float ? "float" : "integer",
                  h->is_gauge ? " gauge" : "", h->schema);
    write_count(out, h, h->count);
    buffer_append_string(out, " sum=");
    write_value(out, h->sum);
    buffer_append_string(out, " zero=");
    write_value(out, h->zero_threshold);
    buffer_append_char(out, ':');
    write_count(out, h, h->zero_count);
    write_buckets(out, h, "positive", h->positive_spans, h->positive_span_count, h->positive_deltas,
                  h->positive_delta_count);
    write_buckets(out, h, "negative", h->negative_spans, h->negative_span_count, h->negative_deltas,
                  h->negative_delta_count);
    write_custom_values(out, h);
    write_time(out, sample->timestamp_ms);
    outcome_end_line(outcome, start);
}

static void add_exemplar(struct outcome *outcome, const struct labels *labels,
                         const struct exemplar *exemplar)
{
    struct buffer *out = &outcome->text;
    size_t start = out->length;

    buffer_append_string(out, "exemplar ");
    write_labels(out, labels);
    buffer_append_char(out, ' ');
    write_labels(out, exemplar->labels);
    buffer_append_char(out, ' ');
    write_value(out, exemplar->value);
    write_time(out, exemplar->timestamp_ms);
    outcome_end_line(outcome, start);
}

static void add_metadata(struct outcome *outcome, const struct labels *labels,
                         const struct metadata *metadata)
{
    static const char *const types[] = {"unknown",        "counter", "gauge", "histogram",
                                        "gaugehistogram", "summary", "info",  "stateset"};
    struct buffer *out = &outcome->text;
    size_t start = out->length;

    buffer_append_string(out, "metadata ");
    write_labels(out, labels);
    buffer_printf(out, " %s ", types[metadata->type]);
    write_quoted(out, metadata->unit);
    buffer_append_char(out, ' ');
    write_quoted(out, metadata->help);
    outcome_end_line(outcome, start);
}

static bool is_first_of(const struct sample_record *record, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (record->samples[i].series == record->samples[index].series)
            return false;
    return true;
}

struct recording {
    const char *path;
    unsigned least_cases;
    enum scrape_format format;
    struct scrape_protocol_config protocols;
    struct scrape_limits limits;
};

static void scrape(struct outcome *outcome, const struct recording *recording, struct text page,
                   size_t piece)
{
    struct page_fixture *fixture = page_fixture_new();
    const struct series_table *series = fixture->series;

    outcome_clear(outcome);
    fixture->config.protocols = recording->protocols;
    fixture->config.limits = recording->limits;
    page_fixture_scrape(fixture, recording->format, page, piece);
    outcome->up = !fixture->page.failed;
    struct sample_record record = scrape_page_record(&fixture->page);
    for (size_t i = 0; outcome->up && i < record.count; i++) {
        const struct sample *sample = &record.samples[i];
        const struct labels *labels = series_table_labels(series, sample->series);
        const struct metadata *metadata =
            series_table_metadata(series, series_table_metadata_id(series, sample->series));
        if (sample->type == SAMPLE_HISTOGRAM)
            add_histogram(outcome, labels, sample);
        else
            add_sample(outcome, labels, sample);
        if (metadata && sample->timestamp_ms == PAGE_FIXTURE_TIME_MS &&
            (metadata->type || metadata->help.length || metadata->unit.length) &&
            is_first_of(&record, i))
            add_metadata(outcome, labels, metadata);
    }
    for (size_t i = 0; outcome->up && i < record.exemplar_count; i++) {
        series_id of = record.samples[record.exemplars[i].sample].series;
        add_exemplar(outcome, series_table_labels(series, of), &record.exemplars[i]);
    }
    outcome_sort(outcome);
    if (outcome->up != !*fixture->page.reason)
        fail_msg("failed without a reason");
    scrape_page_free(&fixture->page);
    page_fixture_free(fixture);
}

/* ---- the recordings ---- */

static void unescape_page(const char *text, struct buffer *out)
{
    buffer_clear(out);
    for (; *text; text++) {
        unsigned byte = (uint8_t)*text;
        if (byte == '\\') {
            text++;
            byte = *text == 'n' ? '\n' : (uint8_t)*text;
            if (*text == 'x') {
                assert_int_equal(sscanf(text + 1, "%2x", &byte), 1);
                text += 2;
            }
        }
        buffer_append_char(out, (char)byte);
    }
    assert_false(out->failed);
}

/* A page and its outcome; false at the end. */
static bool read_recorded(FILE *file, struct buffer *page, struct outcome *outcome)
{
    autofree char *line = NULL;
    size_t size = 0;
    ssize_t length;

    outcome_clear(outcome);
    while ((length = getline(&line, &size, file)) > 0 && strncmp(line, "page ", 5))
        ;
    if (length <= 0)
        return false;
    line[strcspn(line, "\n")] = '\0';
    unescape_page(line + 5, page);
    assert_true(getline(&line, &size, file) > 0);
    outcome->up = !strncmp(line, "up 1", 4);
    while ((length = getline(&line, &size, file)) > 1) {
        size_t start = outcome->text.length;
        line[length - 1] = '\0';
        buffer_append_string(&outcome->text, line);
        outcome_end_line(outcome, start);
    }
    outcome_sort(outcome);
    return true;
}

static bool outcome_equal(const struct outcome *a, const struct outcome *b)
{
    if (a->up != b->up || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(outcome_line(a, i), outcome_line(b, i)))
            return false;
    return true;
}

static void print_outcome(const char *who, const struct outcome *outcome)
{
    fprintf(stderr, "%s: up %d\n", who, outcome->up);
    for (size_t i = 0; i < outcome->count; i++)
        fprintf(stderr, "  %s\n", outcome_line(outcome, i));
}

/* In pieces of any size. */
static bool check_page(const struct recording *recording, struct text page,
                       const struct outcome *recorded, struct outcome *ours)
{
    const size_t pieces[] = {1, 3, 16, page.length + 1};
    autobuffer struct buffer shown;

    buffer_init(&shown, MAX_TEXT);
    write_escaped(&shown, page);
    bool may = may_deviate(recording->format, shown.length ? shown.bytes : "");
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        scrape(ours, recording, page, pieces[i]);
        if (outcome_equal(recorded, ours) != may)
            continue;
        fprintf(stderr, "\npage %s in pieces of %zu%s\n", shown.bytes, pieces[i],
                may ? " was said to deviate, and does not" : "");
        print_outcome("recorded", recorded);
        print_outcome("ours", ours);
        return false;
    }
    return true;
}

static void replay(const struct recording *recording)
{
    static struct outcome recorded, ours;
    autobuffer struct buffer page;
    FILE *file = fopen(recording->path, "r");
    unsigned cases = 0, different = 0;

    if (!file)
        fail_msg("%s is not there: run the test in the root of the source", recording->path);
    buffer_init(&page, MAX_TEXT);
    buffer_init(&recorded.text, MAX_TEXT);
    buffer_init(&ours.text, MAX_TEXT);
    for (; read_recorded(file, &page, &recorded); cases++)
        different += !check_page(recording, buffer_text(&page), &recorded, &ours);
    fclose(file);
    buffer_free(&recorded.text);
    buffer_free(&ours.text);
    print_message("%s: %u pages\n", recording->path, cases);
    assert_in_range(cases, recording->least_cases, UINT32_MAX);
    assert_int_equal(different, 0);
}

static void test_text(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_text.txt", 300, SCRAPE_TEXT});
}

static void test_openmetrics(void **state)
{
    (void)state;
    replay(
        &(struct recording){"tests/recorded/exposition_openmetrics.txt", 400, SCRAPE_OPENMETRICS});
}

static void test_protobuf(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_protobuf.txt",
                               140,
                               SCRAPE_PROTOBUF,
                               {.native_histograms = true}});
}

static void test_protobuf_both(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_protobuf_both.txt",
                               45,
                               SCRAPE_PROTOBUF,
                               {.native_histograms = true, .classic_histograms = true}});
}

static void test_protobuf_factor(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_protobuf_factor.txt",
                               80,
                               SCRAPE_PROTOBUF,
                               {.native_histograms = true},
                               {.native_histogram_min_bucket_factor = 1.1}});
}

static void test_protobuf_limit(void **state)
{
    (void)state;
    replay(&(struct recording){
        "tests/recorded/exposition_protobuf_limit.txt",
        80,
        SCRAPE_PROTOBUF,
        {.native_histograms = true},
        {.native_histogram_min_bucket_factor = 2.1, .native_histogram_bucket_limit = 6}});
}

static void test_text_nhcb(void **state)
{
    (void)state;
    replay(&(struct recording){
        "tests/recorded/exposition_text_nhcb.txt", 240, SCRAPE_TEXT, {.convert_histograms = true}});
}

static void test_text_nhcb_both(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_text_nhcb_both.txt",
                               180,
                               SCRAPE_TEXT,
                               {.convert_histograms = true, .classic_histograms = true}});
}

static void test_openmetrics_nhcb(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_openmetrics_nhcb.txt",
                               170,
                               SCRAPE_OPENMETRICS,
                               {.convert_histograms = true}});
}

static void test_openmetrics_nhcb_both(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_openmetrics_nhcb_both.txt",
                               150,
                               SCRAPE_OPENMETRICS,
                               {.convert_histograms = true, .classic_histograms = true}});
}

static void test_protobuf_nhcb(void **state)
{
    (void)state;
    replay(&(struct recording){"tests/recorded/exposition_protobuf_nhcb.txt",
                               48,
                               SCRAPE_PROTOBUF,
                               {.native_histograms = true, .convert_histograms = true}});
}

static void test_protobuf_nhcb_both(void **state)
{
    (void)state;
    replay(&(struct recording){
        "tests/recorded/exposition_protobuf_nhcb_both.txt",
        48,
        SCRAPE_PROTOBUF,
        {.native_histograms = true, .convert_histograms = true, .classic_histograms = true}});
}

static void test_text_nhcb_limit(void **state)
{
    (void)state;
    replay(&(struct recording){
        "tests/recorded/exposition_text_nhcb_limit.txt",
        100,
        SCRAPE_TEXT,
        {.convert_histograms = true},
        {.native_histogram_min_bucket_factor = 2, .native_histogram_bucket_limit = 2}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_protobuf),
        cmocka_unit_test(test_protobuf_both),
        cmocka_unit_test(test_protobuf_factor),
        cmocka_unit_test(test_protobuf_limit),
        cmocka_unit_test(test_text_nhcb),
        cmocka_unit_test(test_text_nhcb_both),
        cmocka_unit_test(test_openmetrics_nhcb),
        cmocka_unit_test(test_openmetrics_nhcb_both),
        cmocka_unit_test(test_protobuf_nhcb),
        cmocka_unit_test(test_protobuf_nhcb_both),
        cmocka_unit_test(test_text_nhcb_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
