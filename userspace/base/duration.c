/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' notation for durations, "1h30m". Pure. */
#include "base/duration.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"y", 365 * 24 * 3600 * NS_PER_SECOND},
    {"w", 7 * 24 * 3600 * NS_PER_SECOND},
    {"d", 24 * 3600 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
    {"ms", NS_PER_MS}, /* before m and s, of which it could be the beginning; see the ranks */
    {"m", 60 * NS_PER_SECOND},
    {"s", NS_PER_SECOND},
};

/* The unit at the front of `text`, or 0. */
static uint64_t take_duration_unit(struct text *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (text_take(text, units[i].name))
            return units[i].ns;
    return 0;
}

int duration_parse(struct text text, uint64_t *out_ns)
{
    uint64_t total = 0, larger = UINT64_MAX;
    if (text_equal(text, TEXT("0"))) {
        *out_ns = 0;
        return 0;
    }
    if (text.length == 0)
        return -EINVAL;
    while (text.length) {
        uint64_t number;
        int err = text_take_uint(&text, &number);
        if (err)
            return err;
        uint64_t unit = take_duration_unit(&text);
        if (unit == 0 || unit >= larger)
            return -EINVAL;
        larger = unit;
        if (__builtin_mul_overflow(number, unit, &number) ||
            __builtin_add_overflow(total, number, &total) || total > INT64_MAX)
            return -ERANGE;
    }
    *out_ns = total;
    return 0;
}

/* Years and weeks only where nothing is left over, as Prometheus prints them. */
void duration_text(uint64_t ns, char *out, size_t size)
{
    static const char *const order[] = {"y", "w", "d", "h", "m", "s", "ms"};
    size_t length = 0;
    snprintf(out, size, "0s");
    for (size_t i = 0; i < ARRAY_SIZE(order) && ns && length < size; i++) {
        struct text name = text_of(order[i]);
        uint64_t unit = take_duration_unit(&name);
        if (ns < unit || (i < 2 && ns % unit))
            continue;
        length += (size_t)snprintf(out + length, size - length, "%llu%s",
                                   (unsigned long long)(ns / unit), order[i]);
        ns %= unit;
    }
}
