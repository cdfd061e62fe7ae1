/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of the exposition formats share. Whatever a page holds and however it is
 * cut, its outcome is the same; so it is for a target that has been scraped before, where series
 * and comments are known again; and no reference is left when the target goes. */
#ifndef EDGEMETER_TESTS_FUZZ_PAGE_H
#define EDGEMETER_TESTS_FUZZ_PAGE_H

#include "base/cleanup.h"
#include "page_fixture.h"

#define FUZZ_MAX_PAGE (256 * 1024)
#define FUZZ_MAX_OUTCOME (64 << 20)

static inline uint64_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint64_t fuzz_seed(const uint8_t *bytes, size_t size)
{
    uint64_t seed = 0x9e3779b97f4a7c15;

    while (size--)
        seed = (seed ^ *bytes++) * 0x100000001b3;
    return seed | 1;
}

static inline void fuzz_require(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static inline void fuzz_write_histogram(struct buffer *out, const struct histogram *h)
{
    buffer_printf(out, "%d %d %d %llx %llx %a %a", h->is_float, h->is_gauge, h->schema,
                  (unsigned long long)h->count, (unsigned long long)h->zero_count, h->sum,
                  h->zero_threshold);
    for (uint32_t i = 0; i < h->positive_span_count; i++)
        buffer_append(out, &h->positive_spans[i], sizeof(h->positive_spans[i]));
    for (uint32_t i = 0; i < h->negative_span_count; i++)
        buffer_append(out, &h->negative_spans[i], sizeof(h->negative_spans[i]));
    buffer_append(out, h->positive_deltas, h->positive_delta_count * sizeof(int64_t));
    buffer_append(out, h->negative_deltas, h->negative_delta_count * sizeof(int64_t));
}

/* Where two lines are of one series it has the description of either. */
static inline bool fuzz_is_lone(const struct sample_record *record, size_t index)
{
    static uint16_t times[1 << 16];

    for (size_t i = 0; index == 0 && i < record->count; i++)
        times[(uint16_t)record->samples[i].series] = 0;
    for (size_t i = 0; index == 0 && i < record->count; i++)
        times[(uint16_t)record->samples[i].series]++;
    return times[(uint16_t)record->samples[index].series] == 1;
}

/* Samples, their metadata, and when their counts began; not exemplars, which depend on scrapes
 * before.
 */
static inline void fuzz_write_outcome(const struct page_fixture *fixture, struct buffer *out)
{
    const struct scrape_page *page = &fixture->page;
    struct sample_record record = scrape_page_record(page);

    buffer_clear(out);
    buffer_printf(out, "%d %u %u %u %s\n", page->failed, page->line, page->scraped, page->kept,
                  page->reason);
    for (size_t i = 0; i < record.count; i++) {
        const struct sample *sample = &record.samples[i];
        const struct labels *labels = series_table_labels(fixture->series, sample->series);
        labels_write(labels, out);
        buffer_printf(out, " @%lld ", (long long)sample->timestamp_ms);
        if (sample->type == SAMPLE_HISTOGRAM)
            fuzz_write_histogram(out, sample->histogram);
        else
            buffer_append(out, &sample->value, sizeof(sample->value));
        const struct metadata *metadata = series_table_metadata(
            fixture->series, series_table_metadata_id(fixture->series, sample->series));
        if (fuzz_is_lone(&record, i) && metadata)
            buffer_printf(out, " %d %.*s %.*s %.*s", metadata->type, TEXT_FORMAT(metadata->family),
                          TEXT_FORMAT(metadata->unit), TEXT_FORMAT(metadata->help));
        buffer_append_char(out, '\n');
    }
    for (size_t i = 0; i < record.created_count; i++)
        buffer_printf(out, "%zu since %lld\n", record.created[i].sample,
                      (long long)record.created[i].created_ms);
    for (size_t i = 0; i < record.exemplar_count; i++)
        fuzz_require(record.exemplars[i].sample < record.count, "an exemplar of no sample");
    fuzz_require(!out->failed, "the outcome does not fit");
}

/* In random pieces, each a copy of its own size; `largest` 0: all at once. */
static inline void fuzz_scrape(struct page_fixture *fixture, enum scrape_format format,
                               struct text page, size_t largest, uint64_t *random,
                               struct buffer *out)
{
    page_fixture_begin(fixture);
    scrape_page_set_format(&fixture->page, format);
    for (size_t at = 0; at < page.length;) {
        size_t length = page.length - at;
        if (largest && fuzz_random(random) % largest + 1 < length)
            length = *random % largest + 1;
        char *copy = malloc(length);
        memcpy(copy, page.bytes + at, length);
        scrape_page_feed(&fixture->page, copy, length);
        free(copy);
        at += length;
    }
    page_fixture_end(fixture);
    fuzz_write_outcome(fixture, out);
    scrape_page_free(&fixture->page);
}

static inline void fuzz_compare(const struct buffer *expected, const struct buffer *outcome,
                                const char *how)
{
    if (text_equal(buffer_text(expected), buffer_text(outcome)))
        return;
    fprintf(stderr, "%s:\n%s\nis not\n%s\n", how, outcome->bytes, expected->bytes);
    abort();
}

static inline int fuzz_page(enum scrape_format format, const uint8_t *bytes, size_t size)
{
    static struct buffer expected = {.maximum = FUZZ_MAX_OUTCOME},
                         outcome = {.maximum = FUZZ_MAX_OUTCOME};
    static const size_t pieces[] = {1, 5, 100, 0};
    struct text page = {(const char *)bytes, size};
    uint64_t random = fuzz_seed(bytes, size);

    if (size > FUZZ_MAX_PAGE)
        return 0;
    struct page_fixture *fixture = page_fixture_new();
    fixture->config.protocols.native_histograms = random & 2;
    fixture->config.protocols.classic_histograms = random & 4;
    fixture->config.protocols.convert_histograms = random & 8;
    fixture->config.honor_timestamps = random & 16;
    fuzz_scrape(fixture, format, page, 0, &random, &expected);
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        fuzz_scrape(fixture, format, page, pieces[i], &random, &outcome);
        if (!fixture->config.honor_timestamps) /* of a sample with its own time the first goes on */
            fuzz_compare(&expected, &outcome, "scraped again");
    }
    struct page_fixture *fresh = page_fixture_new();
    fresh->config.protocols = fixture->config.protocols;
    fresh->config.honor_timestamps = fixture->config.honor_timestamps;
    fuzz_scrape(fresh, format, page, pieces[random % 3], &random, &outcome);
    fuzz_compare(&expected, &outcome, "in pieces");
    page_fixture_free(fresh);
    page_fixture_free(fixture);
    return 0;
}

#endif
