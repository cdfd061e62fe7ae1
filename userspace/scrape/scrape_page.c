/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the body into whole lines and parses them. The many that are known from the scrape before
 * are scrape_known.c, what becomes of another sample is scrape_take.c. */
#include "scrape/scrape_page.h"

#include <errno.h>
#include <stdlib.h>

#include "scrape/scrape_convert.h"
#include "scrape/scrape_known.h"
#include "scrape/scrape_page_proto.h"
#include "scrape/scrape_take.h"

static unsigned count_lines(const char *bytes, size_t length)
{
    unsigned lines = 0;

    for (const char *end = bytes + length; (bytes = memchr(bytes, '\n', (size_t)(end - bytes)));
         bytes++)
        lines++;
    return lines;
}

/* Lines being parsed. What stands between two sample lines is a run of comments. */
struct line_reader {
    struct exposition_parser parser;
    const char *run; /* where it begins; NULL: before these lines */
};

/* A piece whose line is not the one of the scrape before in all else: its comments are known all
 * the same, and its series is. */
static void expect_piece(struct scrape_page *page, struct line_reader *reader)
{
    struct exposition_parser *parser = &reader->parser;
    const struct page_piece *piece = scrape_cache_expected(page->cache);
    struct text left = {parser->next, (size_t)(parser->end - parser->next)};

    if (!piece || reader->run != parser->next || !page_piece_begins(piece, page->format, left))
        return;
    scrape_families_pass(&page->families, piece);
    page->families.describes = piece->describes;
    page->families.has_type = piece->has_type;
    parser->next += piece->run_length;
    parser->line += piece->run_lines;
    exposition_expect(parser, page_piece_series(piece));
}

/* A sample line is next, which ends the run. */
static void end_run(struct scrape_page *page, const struct line_reader *reader,
                    const struct exposition_entry *entry)
{
    const char *run = reader->run;

    page->run.text = (struct text){run, run ? (size_t)(entry->series.bytes - run) : 0};
    scrape_families_end_run(&page->families, &page->run);
}

/* Goes behind what is known, as far as that need not be read. */
static void skip_known(struct scrape_page *page, struct line_reader *reader)
{
    if (page->convert && scrape_convert_is_busy(page->convert))
        return;
    if (reader->run == reader->parser.next && scrape_page_take_known(page, &reader->parser))
        reader->run = reader->parser.next;
    expect_piece(page, reader);
}

/* As exposition_next, but that a failed page ends too. */
static int read_lines(struct scrape_page *page, struct line_reader *reader)
{
    struct exposition_entry *entry = page->shared->entry;
    struct exposition_parser *parser = &reader->parser;

    for (;;) {
        skip_known(page, reader);
        int result = exposition_next(parser, entry);
        if (result <= 0)
            return result;
        page->line = parser->line;
        if (entry->kind != EXPOSITION_SAMPLE) {
            if (page->convert && scrape_convert_flush(page))
                return 0;
            scrape_families_take(&page->families, parser->format, entry);
            continue;
        }
        end_run(page, reader, entry);
        if (page->convert ? scrape_convert_take(page, entry) : scrape_page_take(page, entry))
            return 0;
        reader->run = parser->next;
    }
}

/* Gives the bytes used up: all, or where `more` may come, those before a quote still open. */
static size_t page_parse(struct scrape_page *page, struct text lines, bool more)
{
    struct line_reader reader;
    struct exposition_parser *parser = &reader.parser;
    unsigned lines_before = page->line;

    exposition_begin(parser,
                     page->format == SCRAPE_OPENMETRICS ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT,
                     lines);
    parser->line = page->line;
    parser->ended = page->ended;
    reader.run = page->open_run ? NULL : lines.bytes;
    int result = read_lines(page, &reader);
    if (page->failed)
        return lines.length;
    page->open_run = parser->next != reader.run;
    page->open_quote = result < 0 && parser->unfinished && more;
    if (page->open_quote) {
        size_t used = (size_t)(parser->start - lines.bytes);
        page->line = lines_before + count_lines(lines.bytes, used);
        return used;
    }
    page->line = parser->line;
    page->ended = parser->ended;
    if (result < 0)
        scrape_page_fail_here(page, "%s", parser->error);
    return lines.length;
}

static void tail_append(struct scrape_page *page, const char *bytes, size_t length)
{
    int error = page->failed ? 0 : buffer_append(&page->tail, bytes, length);
    if (error == -E2BIG)
        scrape_page_fail(page, "line %u: longer than %u bytes", page->line + 1, SCRAPE_MAX_LINE);
    else if (error)
        scrape_page_fail_errno(page, error);
}

/* Parses the whole lines of the tail. */
static void tail_parse(struct scrape_page *page)
{
    struct buffer *tail = &page->tail;
    const char *newline = memrchr(tail->bytes, '\n', tail->length);
    size_t whole = newline ? (size_t)(newline + 1 - tail->bytes) : 0;
    size_t used = page_parse(page, (struct text){tail->bytes, whole}, true);

    memmove(tail->bytes, tail->bytes + used, tail->length - used);
    tail->length -= used;
}

/* Up to the last newline; the rest waits in the tail. */
static void feed_lines(struct scrape_page *page, const char *bytes, size_t length)
{
    const char *newline = memrchr(bytes, '\n', length);
    size_t whole = newline ? (size_t)(newline + 1 - bytes) : 0;
    size_t used = whole ? page_parse(page, (struct text){bytes, whole}, true) : 0;

    if (!page->failed && used < length)
        tail_append(page, bytes + used, length - used);
}

static void feed_text(struct scrape_page *page, const char *bytes, size_t length)
{
    if (page->tail.length) {
        const char *newline = memchr(bytes, '\n', length);
        size_t taken = newline && !page->open_quote ? (size_t)(newline + 1 - bytes) : length;
        tail_append(page, bytes, taken);
        if (!newline || page->failed)
            return;
        tail_parse(page);
        bytes += taken;
        length -= taken;
    }
    if (page->tail.length)
        tail_append(page, bytes, length);
    else if (!page->failed && length)
        feed_lines(page, bytes, length);
}

void scrape_page_feed(struct scrape_page *page, const char *bytes, size_t length)
{
    page->bytes += length;
    if (page->failed)
        return;
    if (page->proto)
        scrape_page_feed_families(page, bytes, length);
    else
        feed_text(page, bytes, length);
}

static void end_text(struct scrape_page *page)
{
    if (!page->failed && page->tail.length)
        page_parse(page, buffer_text(&page->tail), false);
    if (!page->failed && page->format == SCRAPE_OPENMETRICS && page->bytes && !page->ended)
        scrape_page_fail_here(page, "data does not end with # EOF");
}

void scrape_page_end(struct scrape_page *page)
{
    struct scrape_exemplars *exemplars = scrape_cache_exemplars(page->cache, false);

    if (page->proto)
        scrape_page_end_families(page);
    else
        end_text(page);
    if (!page->failed && page->convert)
        scrape_convert_flush(page);
    if (!page->failed && page->over_limit)
        scrape_page_fail(page, "sample limit exceeded");
    if (!page->failed && page->over_buckets)
        scrape_page_fail(page, "histogram bucket limit exceeded");
    if (exemplars)
        metric_add(page->shared->metrics.exemplars_out_of_order,
                   scrape_exemplars_end(exemplars, page->failed));
}

static void begin_convert(struct scrape_page *page)
{
    const struct scrape_protocol_config *config = &page->target->config->protocols;
    int error = config->convert_histograms
                    ? scrape_convert_new(config->classic_histograms, &page->convert)
                    : 0;

    if (error)
        scrape_page_fail_errno(page, error);
}

void scrape_page_begin(struct scrape_page *page, const struct scrape_shared *shared,
                       const struct target *target, struct scrape_cache *cache,
                       int64_t timestamp_ms)
{
    struct scrape_exemplars *exemplars = scrape_cache_exemplars(cache, false);

    *page = (struct scrape_page){
        .shared = shared,
        .target = target,
        .cache = cache,
        .timestamp_ms = timestamp_ms,
    };
    buffer_init(&page->tail, SCRAPE_MAX_LINE);
    scrape_cache_begin(cache);
    scrape_families_begin(&page->families, shared->series);
    if (exemplars)
        scrape_exemplars_begin(exemplars);
    sample_list_reserve(&page->samples, scrape_cache_count(cache) + 8);
    begin_convert(page);
}

void scrape_page_set_format(struct scrape_page *page, enum scrape_format format)
{
    const struct scrape_protocol_config *config = &page->target->config->protocols;
    const struct proto_options options = {config->native_histograms, config->classic_histograms};

    page->format = format;
    if (format != SCRAPE_PROTOBUF)
        return;
    buffer_free(&page->tail);
    buffer_init(&page->tail, PROTO_MAX_FAMILY + 64);
    int error = page->proto ? 0 : proto_exposition_new(&options, &page->proto);
    if (error)
        scrape_page_fail_errno(page, error);
}

void scrape_page_free(struct scrape_page *page)
{
    scrape_families_end(&page->families);
    buffer_free(&page->tail);
    proto_exposition_free(&page->proto);
    scrape_convert_free(&page->convert);
    sample_list_free(&page->samples);
}
