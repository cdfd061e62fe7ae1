/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles over the last ten minutes: five slots of two minutes, each with a fair choice of what
 * was observed in it. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/metric_registry.h"

#define SLOTS 5
#define SLOT_NS (120 * NS_PER_SECOND)
#define KEPT 64 /* of one slot */

struct metric_window {
    uint64_t count;
    uint64_t slot_ends_ns;
    uint64_t random;
    unsigned current;
    struct {
        uint64_t seen;
        float kept[KEPT];
    } slots[SLOTS];
};

struct metric_window *metric_window_new(void)
{
    struct metric_window *window = calloc(1, sizeof(*window));
    if (window) {
        window->random = UINT64_C(0x9e3779b97f4a7c15);
        window->slot_ends_ns = clock_monotonic_ns() + SLOT_NS;
    }
    return window;
}

static void rotate(struct metric_window *window)
{
    uint64_t now = clock_monotonic_ns();

    for (unsigned i = 0; i < SLOTS && now >= window->slot_ends_ns; i++) {
        window->current = (window->current + 1) % SLOTS;
        window->slots[window->current].seen = 0;
        window->slot_ends_ns += SLOT_NS;
    }
    if (now >= window->slot_ends_ns)
        window->slot_ends_ns = now + SLOT_NS;
}

static uint64_t random_below(struct metric_window *window, uint64_t limit)
{
    window->random ^= window->random << 13;
    window->random ^= window->random >> 7;
    window->random ^= window->random << 17;
    return window->random % limit;
}

void metric_window_observe(struct metric_window *window, double value)
{
    rotate(window);
    window->count++;
    uint64_t seen = window->slots[window->current].seen++;
    uint64_t place = seen < KEPT ? seen : random_below(window, seen + 1);
    if (place < KEPT)
        window->slots[window->current].kept[place] = (float)value;
}

static int compare(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

void metric_window_quantiles(struct metric_window *window, const double *quantiles, size_t count,
                             double *out)
{
    float all[SLOTS * KEPT];
    size_t total = 0;

    rotate(window);
    for (unsigned i = 0; i < SLOTS; i++)
        for (uint64_t k = 0; k < window->slots[i].seen && k < KEPT; k++)
            all[total++] = window->slots[i].kept[k];
    qsort(all, total, sizeof(*all), compare);
    for (size_t i = 0; i < count; i++) {
        size_t rank = (size_t)ceil(quantiles[i] * (double)total);
        out[i] = total ? (double)all[rank ? rank - 1 : 0] : NAN;
    }
}

uint64_t metric_window_count(const struct metric_window *window)
{
    return window->count;
}
