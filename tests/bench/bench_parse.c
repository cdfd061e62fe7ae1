/* SPDX-License-Identifier: Apache-2.0 */
/* What a page costs from bytes to samples: a recorded page scraped again and again through
 * scrape_page, beside the least that could be done with the same bytes. Prints figures, asserts
 * nothing.
 *
 *   bench_parse PAGE [SECONDS]
 *
 * The floor looks for every newline with memchr, and reads each sample line's last field with
 * strtod. Figures are of the fastest round: on a shared machine the others measure its neighbours.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "page_fixture.h"

#define MAX_PAGE (64 << 20)
#define CHUNK (16 << 10) /* what libcurl hands over at once */
#define ROUND_NS (50 * NS_PER_MS)

struct bench {
    struct text page;
    struct page_fixture *fixture;
    size_t samples;
    double checksum; /* so that nothing is optimised away */
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_parse: %s\n", what);
    exit(1);
}

static struct text read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    char *bytes = malloc(MAX_PAGE);
    if (!file || !bytes)
        fail("cannot read the page");
    size_t length = fread(bytes, 1, MAX_PAGE, file);
    fclose(file);
    return (struct text){bytes, length};
}

/* One scrape, from the first byte to the record, without the record's sink. */
static void scrape(struct bench *bench)
{
    struct scrape_page *page = &bench->fixture->page;

    page_fixture_begin(bench->fixture);
    for (size_t at = 0; at < bench->page.length; at += CHUNK) {
        size_t rest = bench->page.length - at;
        scrape_page_feed(page, bench->page.bytes + at, rest < CHUNK ? rest : CHUNK);
    }
    page_fixture_end(bench->fixture);
    if (page->failed)
        fail(page->reason);
    bench->samples = page->samples.count;
    bench->checksum += page->samples.list[page->samples.count - 1].value;
    scrape_page_free(page);
}

static void scan_lines(struct bench *bench)
{
    const char *at = bench->page.bytes, *end = at + bench->page.length, *newline;

    for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
        bench->checksum += *at;
}

static void scan_values(struct bench *bench)
{
    const char *at = bench->page.bytes, *end = at + bench->page.length, *newline;

    for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        const char *space = *at == '#' ? NULL : memrchr(at, ' ', (size_t)(newline - at));
        if (space)
            bench->checksum += strtod(space + 1, NULL);
    }
}

/* Nanoseconds of one call in the fastest round. */
static double measure(struct bench *bench, void (*work)(struct bench *), double seconds)
{
    uint64_t end = clock_monotonic_ns() + (uint64_t)(seconds * NS_PER_SECOND);
    double best = 0;

    work(bench);
    do {
        uint64_t start = clock_monotonic_ns(), now;
        unsigned calls = 0;
        do {
            work(bench);
            calls++;
            now = clock_monotonic_ns();
        } while (now - start < ROUND_NS);
        double cost = (double)(now - start) / calls;
        if (!best || cost < best)
            best = cost;
    } while (clock_monotonic_ns() < end);
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(struct bench *);
    } works[] = {
        {"newlines (memchr)", scan_lines},
        {"newlines and values (strtod)", scan_values},
        {"scrape_page", scrape},
    };
    struct bench bench = {0};
    double seconds = argc > 2 ? atof(argv[2]) : 1, costs[ARRAY_SIZE(works)];

    if (argc < 2)
        fail("usage: bench_parse PAGE [SECONDS]");
    bench.page = read_page(argv[1]);
    bench.fixture = page_fixture_new();
    scrape(&bench);
    printf("%s: %zu bytes, %zu samples\n", argv[1], bench.page.length, bench.samples);
    for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
        costs[i] = measure(&bench, works[i].work, seconds / ARRAY_SIZE(works));
        double nanoseconds = costs[i] / (double)bench.samples;
        printf("  %-30s %7.1f ns a sample = %.3f s a million, %5.2f times the floor\n",
               works[i].name, nanoseconds, nanoseconds / 1000, costs[i] / costs[0]);
    }
    page_fixture_free(bench.fixture);
    free((char *)bench.page.bytes);
    return bench.checksum == 0.12345;
}
