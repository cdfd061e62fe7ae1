/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a remote's samples when its configuration changes while it is behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "shipper_fixture.h"

static double queue_dropped(struct fixture *f)
{
    double dropped = metric_line(
        f->metrics, "edgemeter_queue_dropped_samples_total{reason=\"full\",remote_name=\"first\"}");
    return dropped > 0 ? dropped : 0;
}

static uint64_t distinct_taken(const struct receiver *r)
{
    static bool taken[RECEIVER_SAMPLES];
    uint64_t distinct = 0;
    memset(taken, 0, sizeof(taken));
    for (size_t i = 0; i < r->taken_count; i++) {
        bool *known = &taken[(size_t)r->taken[i].value];
        distinct += !*known;
        *known = true;
    }
    return distinct;
}

/* What a remote has read, and the full queue has dropped behind it, its successor cannot read: it
 * is lost, and counted. */
static void reload_with_a_full_queue(struct fixture *f, uint32_t shards)
{
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG, REPLY_HANG, REPLY_HANG, REPLY_HANG);
    struct remote_write_config changed = f->configs[0];
    struct remote_write_config *after[] = {&changed};
    f->queue.max_bytes = 64 * 1024;
    f->configs[0].queue.min_shards = f->configs[0].queue.max_shards = shards;
    f->configs[0].digest = 1;
    changed.digest = 2;
    start(f, 1);
    append(f, 100 * shards);
    f->wanted = shards;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    for (int i = 0; i < 120; i++) {
        append(f, 100);
        run(f, 1, NULL);
    }
    script(r, NULL, 0);
    assert_int_equal(shipper_apply(f->shipper, &f->queue, after, 1), 0);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_int_equal(f->unsent, 0);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_int_equal(distinct_taken(r) + (uint64_t)queue_dropped(f), f->appended);
    shipper_free(&f->shipper);
}

static void test_reload_with_a_full_queue(void **state)
{
    reload_with_a_full_queue(*state, 1);
}

static void test_reload_of_shards_with_a_full_queue(void **state)
{
    reload_with_a_full_queue(*state, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIP_TEST(test_reload_with_a_full_queue),
        SHIP_TEST(test_reload_of_shards_with_a_full_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
