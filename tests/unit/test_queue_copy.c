/* SPDX-License-Identifier: Apache-2.0 */
/* What was in memory while the disk failed is copied into the folder by the helper thread: the
 * queue may end meanwhile, and the folder may go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue_fixture.h"
#include "ship/log/queue_state.h"

#define TICK_NS (10 * NS_PER_MS)
#define LIMIT_NS (20 * NS_PER_SECOND)

/* Holds the helper thread until the other end of the pipe is closed. */
struct holding_job {
    struct worker_job job; /* the first member */
    int fds[2];
};

static void hold(struct worker_job *job)
{
    char byte;
    (void)!read(((struct holding_job *)job)->fds[0], &byte, 1);
}

static void nothing(struct worker_job *job)
{
    (void)job;
}

struct waiting {
    struct fixture *f;
    bool (*until)(const struct queue *queue);
    uint64_t end_ns;
    bool met;
};

static void on_tick(void *context)
{
    struct waiting *w = context;
    w->met = w->until(w->f->queue);
    if (w->met || clock_monotonic_ns() > w->end_ns)
        loop_stop(w->f->loop);
    else
        loop_timer_after(w->f->tick, TICK_NS / 3);
}

static void wait_until(struct fixture *f, bool (*until)(const struct queue *queue))
{
    struct waiting w = {f, until, clock_monotonic_ns() + LIMIT_NS, false};
    assert_int_equal(loop_timer_new(f->loop, on_tick, &w, &f->tick), 0);
    loop_timer_at(f->tick, 0);
    assert_int_equal(loop_run(f->loop), 0);
    loop_timer_free(&f->tick);
    assert_true(w.met);
}

static bool is_copying(const struct queue *queue)
{
    return queue->job && queue->job->copy_fd >= 0;
}

static bool is_without_folder(const struct queue *queue)
{
    return queue->folder.fd < 0;
}

static bool is_without_job(const struct queue *queue)
{
    return !queue->job;
}

/* The first of several segments in memory waits to be copied, behind what holds the thread. */
static void start_copy(struct fixture *f, struct holding_job *holding)
{
    *holding = (struct holding_job){.job = {.run = hold, .done = nothing}};
    setup_base(f, 2 << 20);
    make_folder(f);
    f->config.sync_interval_ns = TICK_NS;
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(worker_new(f->loop, &f->worker), 0);
    assert_int_equal(start_queue(f), 0);
    open_readers(f, 1);
    append_random(f, 100);
    queue_disk_failed(f->queue, "test", -EIO);
    for (int i = 0; i < 100; i++)
        append_random(f, 200);
    assert_true(queue_metric(f, "segments") > 3);
    assert_int_equal(pipe(holding->fds), 0);
    assert_int_equal(worker_submit(f->worker, &holding->job), 0);
    wait_until(f, is_copying);
}

static void let_go(struct holding_job *holding)
{
    close(holding->fds[1]);
}

/* What the thread has begun to copy is left to it, and something is in its way for a while; the
 * other segments are copied at the end. */
static void test_end_during_a_copy(void **state)
{
    struct fixture f;
    struct holding_job holding;
    char path[128], name[SEGMENT_NAME_BYTES];
    (void)state;
    start_copy(&f, &holding);
    segment_name(f.queue->job->copy_number, name);
    snprintf(path, sizeof(path), "%s/%s.tmp", f.folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    stop_queue(&f);
    assert_int_equal(rmdir(path), 0);
    let_go(&holding);
    worker_free(&f.worker);
    close(holding.fds[0]);
    restart(&f);
    open_reader(&f, 0);
    assert_int_equal(unread(&f, 0), f.logged);
    assert_all_accounted(&f, 0);
    assert_int_equal(dropped_sum(&f, 0), 0);
    teardown(&f);
}

/* The copy is made where the folder is by then: what was in memory stays there. */
static void test_folder_goes_during_a_copy(void **state)
{
    struct fixture f;
    struct holding_job holding;
    char elsewhere[96];
    (void)state;
    start_copy(&f, &holding);
    snprintf(elsewhere, sizeof(elsewhere), "%s-moved", f.folder);
    assert_int_equal(rename(f.folder, elsewhere), 0);
    wait_until(&f, is_without_folder);
    f.queue->disk_retry_ns = UINT64_MAX;
    let_go(&holding);
    wait_until(&f, is_without_job);
    close(holding.fds[0]);
    assert_all_accounted(&f, 0);
    assert_int_equal(dropped_sum(&f, 0), 0);
    teardown(&f);
    remove_folder(elsewhere);
}

/* A disk that was to be left alone for a while is tried once more. */
static void test_end_while_the_disk_is_left_alone(void **state)
{
    struct fixture f;
    (void)state;
    setup_base(&f, UINT64_C(1) << 30);
    make_folder(&f);
    assert_int_equal(start_queue(&f), 0);
    open_readers(&f, 1);
    append_random(&f, 100);
    queue_disk_failed(f.queue, "test", -EIO);
    append_random(&f, 100);
    restart(&f);
    open_reader(&f, 0);
    assert_all_accounted(&f, 0);
    assert_int_equal(f.readers[0].skipped, 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_during_a_copy),
        cmocka_unit_test(test_folder_goes_during_a_copy),
        cmocka_unit_test(test_end_while_the_disk_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
