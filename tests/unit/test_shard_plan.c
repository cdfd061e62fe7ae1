/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' formula over given loads: what is desired, what is chosen, and when nothing changes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/cleanup.h"
#include "ship/shard_plan.h"

/* A load that goes on for long enough to be its own average; all of it per second. */
static struct shard_plan steady(double in, double out, double dropped, double busy)
{
    struct shard_plan plan = {};
    const struct shard_plan_tick tick = {10 * in, 10 * out, 10 * dropped, 10 * busy};
    for (int i = 0; i < 100; i++)
        shard_plan_tick(&plan, &tick);
    return plan;
}

static void test_steady_loads(void **state)
{
    static const struct {
        double in, out, dropped, busy, behind;
        uint32_t current, least, most;
        double desired;
        uint32_t chosen;
    } table[] = {
        /* a receiver that keeps up needs a part of a shard */
        {3500, 3500, 0, 0.1, 5, 1, 1, 50, 0.125, 1},
        /* nothing was sent: nothing is known */
        {3500, 0, 0, 10, 1000, 4, 1, 50, -1, 4},
        /* each sample takes 1 ms: 3.5 shards for what comes in, and a twentieth of the backlog */
        {3500, 1000, 0, 1, 0, 1, 1, 50, 3.5, 4},
        {3500, 1000, 0, 1, 60, 1, 1, 50, 14, 14},
        {3500, 1000, 0, 1, 10000, 1, 1, 50, 1753.5, 50},
        /* within 30 % of what there is: no change */
        {3500, 1000, 0, 1, 0, 4, 1, 50, 3.5, 4},
        {3500, 1000, 0, 1, 0, 5, 1, 50, 3.5, 5},
        {3500, 1000, 0, 1, 0, 6, 1, 50, 3.5, 4},
        {7600, 1000, 0, 1, 0, 6, 1, 50, 7.6, 8},
        {6900, 1000, 0, 1, 0, 6, 1, 50, 6.9, 6},
        /* more than 10 s behind: not fewer */
        {3500, 1000, 0, 0.1, 10, 20, 1, 50, 0.525, 1},
        {3500, 1000, 0, 0.1, 11, 20, 1, 50, 0.5425, 20},
        /* half of what comes in is dropped */
        {4000, 1000, 1000, 1, 0, 1, 1, 50, 2, 2},
        /* bounds */
        {3500, 3500, 0, 0.1, 0, 10, 3, 50, 0.1, 3},
        {3500, 1000, 0, 1, 0, 1, 1, 2, 3.5, 2},
        /* what Prometheus' own test has */
        {0, 0, 0, 0, 0, 1, 1, 1000, -1, 1},
        {0, 0, 0, 0, 0, 10, 1, 1000, -1, 10},
        {10, 10, 0, 1, 0, 1, 1, 1000, 1, 1},
        {10, 10, 0, 5, 0, 10, 1, 1000, 5, 5},
        {10, 10, 0, 5, 0, 7, 1, 1000, 5, 7},
        {10, 10, 0, 10, 0, 1, 1, 1000, 10, 10},
        {10, 10, 0, 10, 0, 8, 1, 1000, 10, 8},
        {10, 10, 0, 2, 20, 2, 1, 1000, 4, 4},
        {10, 10, 0, 4, 90, 4, 1, 1000, 22, 22},
        {10, 20, 0, 4, 10, 22, 1, 1000, 3, 3},
        {10, 10, 0, 2, 0, 3, 1, 1000, 2, 2},
        {10, 10, 0, 1.2, 0, 1, 1, 1000, 1.2, 2},
        {10, 10, 0, 1.4, 0, 1, 1, 1000, 1.4, 2},
        {10, 10, 0, 1.2, 0, 2, 1, 1000, 1.2, 2},
        {10, 10, 0, 0.9, 0, 2, 1, 1000, 0.9, 1},
        {10, 10, 0, 2.01, 0, 3, 1, 1000, 2.01, 3},
        {10, 10, 0, 1.99, 0, 3, 1, 1000, 1.99, 2},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct shard_plan plan = steady(table[i].in, table[i].out, table[i].dropped, table[i].busy);
        const struct shard_plan_state now = {table[i].current, table[i].least, table[i].most,
                                             table[i].behind};
        double desired = -1;
        uint32_t chosen = shard_plan_choose(&plan, &now, &desired);
        if (chosen != table[i].chosen || fabs(desired - table[i].desired) > 1e-6)
            print_error("row %zu: desired %g, chosen %u\n", i, desired, chosen);
        assert_int_equal(chosen, table[i].chosen);
        assert_true(fabs(desired - table[i].desired) < 1e-6);
    }
}

static void test_averages_move_by_a_fifth(void **state)
{
    struct shard_plan plan = {};
    (void)state;
    shard_plan_tick(&plan, &(struct shard_plan_tick){});
    assert_true(plan.in.per_second == 0);
    shard_plan_tick(&plan, &(struct shard_plan_tick){.in = 1000}); /* the first with any */
    assert_true(plan.in.per_second == 100);
    shard_plan_tick(&plan, &(struct shard_plan_tick){.in = 2000});
    assert_true(fabs(plan.in.per_second - 120) < 1e-9);
    shard_plan_tick(&plan, &(struct shard_plan_tick){});
    assert_true(fabs(plan.in.per_second - 96) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_loads),
        cmocka_unit_test(test_averages_move_by_a_fifth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
