/* SPDX-License-Identifier: Apache-2.0 */
/* Grids on the wall clock, one for each target. Arms no timer. */
#include "scrape/scrape_schedule.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define FNV64_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV64_PRIME UINT64_C(0x100000001b3)

static uint64_t fnv64a(uint64_t hash, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.bytes[i]) * FNV64_PRIME;
    return (hash ^ 0xff) * FNV64_PRIME;
}

uint64_t scrape_schedule_seed(const struct labels *external)
{
    char host[256] = "";
    uint64_t seed = FNV64_OFFSET;

    gethostname(host, sizeof(host) - 1);
    seed = fnv64a(seed, text_of(host));
    if (!external)
        return seed;
    for (struct label_cursor c = labels_first(external); labels_next(&c);)
        seed = fnv64a(fnv64a(seed, c.label.name), c.label.value);
    return seed;
}

uint64_t scrape_schedule_offset(uint64_t interval_ns, uint64_t hash, uint64_t seed)
{
    uint64_t apart = interval_ns / SCRAPE_MOMENTS_LEAST;

    if (apart > SCRAPE_MOMENTS_APART_NS)
        apart = SCRAPE_MOMENTS_APART_NS;
    if (apart == 0)
        return 0;
    return (hash % interval_ns / apart * apart + seed % apart) % interval_ns;
}

uint64_t scrape_schedule_delay(int64_t now_ns, uint64_t interval_ns, uint64_t offset)
{
    uint64_t passed = (uint64_t)now_ns % interval_ns;
    uint64_t delay = interval_ns - passed + offset % interval_ns;

    return delay > interval_ns ? delay - interval_ns : delay;
}

int64_t scrape_schedule_align(int64_t now_ns, uint64_t interval_ns, int64_t *grid_ns)
{
    int64_t interval = (int64_t)interval_ns, tolerance = interval / 100;
    int64_t late = now_ns - *grid_ns;

    if (tolerance > SCRAPE_TIMESTAMP_TOLERANCE_NS)
        tolerance = SCRAPE_TIMESTAMP_TOLERANCE_NS;
    if (late < -tolerance) { /* the clock was set back: a new grid */
        *grid_ns = now_ns;
        return now_ns;
    }
    int64_t passed = (late + tolerance) / interval * interval; /* a timer may also be early */
    *grid_ns += passed;
    return late - passed <= tolerance ? *grid_ns : now_ns;
}

void scrape_schedule_text(uint64_t ns, char out[SCRAPE_SCHEDULE_TEXT_SIZE])
{
    uint64_t minutes = ns / (60 * NS_PER_SECOND), rest = ns % (60 * NS_PER_SECOND);
    double seconds = (double)rest / NS_PER_SECOND;
    size_t size = SCRAPE_SCHEDULE_TEXT_SIZE;

    if (minutes >= 60)
        snprintf(out, size, "%lluh%llum%.9gs", (unsigned long long)minutes / 60,
                 (unsigned long long)minutes % 60, seconds);
    else if (minutes)
        snprintf(out, size, "%llum%.9gs", (unsigned long long)minutes, seconds);
    else if (ns && ns < NS_PER_SECOND)
        snprintf(out, size, "%.9gms", (double)ns / NS_PER_MS);
    else
        snprintf(out, size, "%.11gs", seconds);
}
