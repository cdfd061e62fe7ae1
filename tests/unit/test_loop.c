/* SPDX-License-Identifier: Apache-2.0 */
/* base/loop: descriptors, timers and signals, above all what happens when a callback removes or
 * replaces what has an event pending in the same turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"

#define PAIRS 8
#define TIMERS 500

struct fixture {
    struct loop *loop;
    struct loop_timer *guard; /* ends a test that would hang */
    struct loop_timer *timers[TIMERS];
    int pairs[PAIRS][2]; /* [0] is watched, [1] is the test's end */
    int calls;
    int fired[TIMERS];
    int fired_count;
    int last_fd;
    uint32_t last_events;
    bool timed_out;
};

static void guard_fired(void *context)
{
    struct fixture *fixture = context;
    fixture->timed_out = true;
    loop_stop(fixture->loop);
}

static void run(struct fixture *fixture, uint64_t limit_ms)
{
    fixture->timed_out = false;
    loop_timer_after(fixture->guard, limit_ms * NS_PER_MS);
    assert_int_equal(loop_run(fixture->loop), 0);
    loop_timer_disarm(fixture->guard);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(loop_timer_new(fixture->loop, guard_fired, fixture, &fixture->guard), 0);
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->pairs[i]), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < PAIRS; i++) {
        close(fixture->pairs[i][0]);
        close(fixture->pairs[i][1]);
    }
    for (int i = 0; i < TIMERS; i++)
        loop_timer_free(&fixture->timers[i]);
    loop_timer_free(&fixture->guard);
    loop_free(&fixture->loop);
    assert_null(fixture->loop);
    free(fixture);
    return 0;
}

/* ---- descriptors ---- */

static void on_read_stop(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    char byte;
    fixture->calls++;
    fixture->last_fd = fd;
    fixture->last_events = events;
    if (events & EPOLLIN)
        assert_true(read(fd, &byte, 1) >= 0);
    loop_stop(fixture->loop);
}

static void test_readable_and_writable(void **state)
{
    struct fixture *fixture = *state;
    int fd = fixture->pairs[0][0];
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_stop, fixture), 0);
    assert_int_equal(write(fixture->pairs[0][1], "x", 1), 1);
    run(fixture, 2000);
    assert_int_equal(fixture->calls, 1);
    assert_int_equal(fixture->last_fd, fd);
    assert_int_equal(fixture->last_events, EPOLLIN);

    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN | EPOLLOUT, on_read_stop, fixture), 0);
    run(fixture, 2000);
    assert_int_equal(fixture->calls, 2);
    assert_int_equal(fixture->last_events, EPOLLOUT);

    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_stop, fixture), 0);
    run(fixture, 30);
    assert_true(fixture->timed_out);
    assert_int_equal(fixture->calls, 2);

    loop_unwatch(fixture->loop, fd);
    loop_unwatch(fixture->loop, fd);
    assert_int_equal(write(fixture->pairs[0][1], "x", 1), 1);
    run(fixture, 30);
    assert_true(fixture->timed_out);
    assert_int_equal(fixture->calls, 2);
}

static void test_hang_up_is_reported(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(loop_watch(fixture->loop, fixture->pairs[0][0], 0, on_read_stop, fixture), 0);
    close(fixture->pairs[0][1]);
    fixture->pairs[0][1] = -1;
    run(fixture, 2000);
    assert_int_equal(fixture->calls, 1);
    assert_true(fixture->last_events & EPOLLHUP);
}

static void test_watch_refuses(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_loop_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    assert_int_equal(loop_watch(fixture->loop, -1, EPOLLIN, on_read_stop, fixture), -EINVAL);
    assert_int_equal(loop_watch(fixture->loop, 0, EPOLLIN, NULL, fixture), -EINVAL);
    assert_int_equal(loop_watch(fixture->loop, INT32_MAX, EPOLLIN, on_read_stop, fixture), -EMFILE);
    assert_int_equal(loop_watch(fixture->loop, 1000, EPOLLIN, on_read_stop, fixture), -EBADF);
    assert_int_equal(loop_watch(fixture->loop, file, EPOLLIN, on_read_stop, fixture), -EPERM);
    close(file);
    loop_unwatch(fixture->loop, -1);
    loop_unwatch(fixture->loop, 999999);
    run(fixture, 20);
    assert_int_equal(fixture->calls, 0);
}

/* The first callback of a batch removes every watch, its own included: no other may be called. */
static void on_read_unwatch_all(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    (void)fd, (void)events;
    fixture->calls++;
    for (int i = 0; i < PAIRS; i++)
        loop_unwatch(fixture->loop, fixture->pairs[i][0]);
}

static void test_unwatch_in_the_same_batch(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < PAIRS; i++) {
        int fd = fixture->pairs[i][0];
        assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_unwatch_all, fixture), 0);
        assert_int_equal(write(fixture->pairs[i][1], "x", 1), 1);
    }
    run(fixture, 50);
    assert_int_equal(fixture->calls, 1);
}

static void on_never(void *context, int fd, uint32_t events)
{
    (void)context, (void)fd, (void)events;
    fail_msg("an event of a closed descriptor reached its number's next owner");
}

/* Every other descriptor is closed and its number reused by an idle socket within the batch. */
static void on_read_replace_others(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    (void)events;
    if (++fixture->calls > 1)
        return;
    for (int i = 0; i < PAIRS; i++) {
        int other = fixture->pairs[i][0];
        if (other == fd)
            continue;
        int idle[2];
        loop_unwatch(fixture->loop, other);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, idle), 0);
        assert_int_equal(dup2(idle[0], other), other);
        close(idle[0]);
        close(fixture->pairs[i][1]);
        fixture->pairs[i][1] = idle[1];
        assert_int_equal(loop_watch(fixture->loop, other, EPOLLIN, on_never, fixture), 0);
    }
    loop_unwatch(fixture->loop, fd);
}

static void test_number_reused_in_the_same_batch(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < PAIRS; i++) {
        int fd = fixture->pairs[i][0];
        assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_replace_others, fixture),
                         0);
        assert_int_equal(write(fixture->pairs[i][1], "x", 1), 1);
    }
    run(fixture, 50);
    assert_int_equal(fixture->calls, 1);
}

/* Changed to EPOLLOUT alone within the batch: the pending EPOLLIN is not delivered. */
static void on_read_ask_for_nothing(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    (void)fd, (void)events;
    fixture->calls++;
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(loop_watch(fixture->loop, fixture->pairs[i][0], 0, on_never, fixture), 0);
}

static void test_change_in_the_same_batch(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < PAIRS; i++) {
        int fd = fixture->pairs[i][0];
        assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_ask_for_nothing, fixture),
                         0);
        assert_int_equal(write(fixture->pairs[i][1], "x", 1), 1);
    }
    run(fixture, 50);
    assert_int_equal(fixture->calls, 1);
}

/* A descriptor closed while watched: its number can be watched again as another file. */
static void test_closed_while_watched(void **state)
{
    struct fixture *fixture = *state;
    int fd = fixture->pairs[0][0];
    int idle[2];
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_never, fixture), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, idle), 0);
    assert_int_equal(dup2(idle[0], fd), fd);
    close(idle[0]);
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_stop, fixture), 0);
    assert_int_equal(write(idle[1], "x", 1), 1);
    run(fixture, 2000);
    assert_int_equal(fixture->calls, 1);
    close(idle[1]);

    close(fd);
    loop_unwatch(fixture->loop, fd);
    fixture->pairs[0][0] = -1;
}

#define HIGH_NUMBER 200

/* The table of watches grows under the feet of the callback that makes it grow. */
static void on_read_watch_high_number(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    char byte;
    (void)events;
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(dup2(fixture->pairs[1][0], HIGH_NUMBER), HIGH_NUMBER);
    assert_int_equal(loop_watch(fixture->loop, HIGH_NUMBER, EPOLLIN, on_read_stop, fixture), 0);
    assert_int_equal(write(fixture->pairs[1][1], "x", 1), 1);
}

static void test_table_grows_in_a_callback(void **state)
{
    struct fixture *fixture = *state;
    int fd = fixture->pairs[0][0];
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_watch_high_number, fixture), 0);
    assert_int_equal(write(fixture->pairs[0][1], "x", 1), 1);
    run(fixture, 2000);
    assert_int_equal(fixture->last_fd, HIGH_NUMBER);
    loop_unwatch(fixture->loop, HIGH_NUMBER);
    close(HIGH_NUMBER);
}

/* ---- timers ---- */

struct numbered {
    struct fixture *fixture;
    int number;
    uint64_t not_before;
};

static void on_timer_note(void *context)
{
    struct numbered *numbered = context;
    struct fixture *fixture = numbered->fixture;
    assert_true(clock_monotonic_ns() >= numbered->not_before);
    fixture->fired[fixture->fired_count++] = numbered->number;
}

static void test_many_timers_fire_in_order_and_never_early(void **state)
{
    struct fixture *fixture = *state;
    static struct numbered numbered[TIMERS];
    uint64_t start = clock_monotonic_ns() + 5 * NS_PER_MS;
    unsigned seed = 1;
    int armed = 0;
    for (int i = 0; i < TIMERS; i++) {
        numbered[i] = (struct numbered){fixture, i, 0};
        assert_int_equal(
            loop_timer_new(fixture->loop, on_timer_note, &numbered[i], &fixture->timers[i]), 0);
    }
    for (int round = 0; round < 3; round++) { /* armed again and again, the last time counts */
        for (int i = 0; i < TIMERS; i++) {
            numbered[i].not_before = start + (uint64_t)(rand_r(&seed) % 40) * NS_PER_MS / 2;
            loop_timer_at(fixture->timers[i], numbered[i].not_before);
        }
    }
    for (int i = 0; i < TIMERS; i += 3)
        loop_timer_disarm(fixture->timers[i]);
    run(fixture, 200);
    for (int i = 0; i < TIMERS; i++)
        armed += i % 3 != 0;
    assert_int_equal(fixture->fired_count, armed);
    for (int i = 1; i < armed; i++) {
        const struct numbered *before = &numbered[fixture->fired[i - 1]];
        const struct numbered *after = &numbered[fixture->fired[i]];
        assert_true(before->not_before <= after->not_before);
        if (before->not_before == after->not_before) /* then in the order of arming */
            assert_true(before->number < after->number);
        assert_true(after->number % 3 != 0);
    }
}

static void test_timer_fires_once_and_soon(void **state)
{
    struct fixture *fixture = *state;
    struct numbered numbered = {fixture, 7, clock_monotonic_ns() + 1500 * 1000};
    assert_int_equal(loop_timer_new(fixture->loop, on_timer_note, &numbered, &fixture->timers[0]),
                     0);
    loop_timer_after(fixture->timers[0], 1500 * 1000);
    run(fixture, 60);
    assert_int_equal(fixture->fired_count, 1);
    loop_timer_after(fixture->timers[0], UINT64_MAX);
    run(fixture, 10);
    assert_int_equal(fixture->fired_count, 1);
    loop_timer_at(fixture->timers[0], 0); /* long past */
    run(fixture, 10);
    assert_int_equal(fixture->fired_count, 2);
}

/* The first of many expired timers frees all others and itself. */
static void on_timer_free_all(void *context)
{
    struct fixture *fixture = context;
    fixture->calls++;
    for (int i = 0; i < TIMERS; i++)
        loop_timer_free(&fixture->timers[i]);
}

static void test_free_in_the_same_turn(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(
            loop_timer_new(fixture->loop, on_timer_free_all, fixture, &fixture->timers[i]), 0);
        loop_timer_at(fixture->timers[i], 1);
    }
    run(fixture, 20);
    assert_int_equal(fixture->calls, 1);
}

/* A timer that always arms itself for the past must not keep descriptors from their turn. */
static void on_timer_again(void *context)
{
    struct fixture *fixture = context;
    fixture->fired_count++;
    loop_timer_at(fixture->timers[0], 1);
}

static void test_past_timer_does_not_starve(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(loop_timer_new(fixture->loop, on_timer_again, fixture, &fixture->timers[0]),
                     0);
    loop_timer_at(fixture->timers[0], 1);
    for (int i = 0; i < 1000 && fixture->fired_count <= 10; i++) {
        run(fixture, 20);
        assert_true(fixture->timed_out);
    }
    assert_true(fixture->fired_count > 10);
    int fd = fixture->pairs[0][0];
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, on_read_stop, fixture), 0);
    assert_int_equal(write(fixture->pairs[0][1], "x", 1), 1);
    run(fixture, 2000);
    assert_int_equal(fixture->calls, 1);
}

/* An idle loop sleeps: an expired timer does not leave it spinning. */
static void test_idle_loop_sleeps(void **state)
{
    struct fixture *fixture = *state;
    struct numbered numbered = {fixture, 0, 0};
    struct timespec before, after;
    assert_int_equal(loop_timer_new(fixture->loop, on_timer_note, &numbered, &fixture->timers[0]),
                     0);
    loop_timer_after(fixture->timers[0], NS_PER_MS);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    run(fixture, 200);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t used =
        (after.tv_sec - before.tv_sec) * (int64_t)NS_PER_SECOND + after.tv_nsec - before.tv_nsec;
    assert_int_equal(fixture->fired_count, 1);
    assert_true(used < 50 * (int64_t)NS_PER_MS);
}

/* ---- signals ---- */

static void on_signal(void *context, int signal_number)
{
    struct fixture *fixture = context;
    fixture->fired[fixture->fired_count++] = signal_number;
    if (fixture->fired_count == 2)
        loop_stop(fixture->loop);
}

static void test_signals(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(loop_signal(fixture->loop, 0, on_signal, fixture), -EINVAL);
    assert_int_equal(loop_signal(fixture->loop, 1000, on_signal, fixture), -EINVAL);
    assert_int_equal(loop_signal(fixture->loop, SIGHUP, on_signal, fixture), 0);
    assert_int_equal(loop_signal(fixture->loop, SIGTERM, on_signal, fixture), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    run(fixture, 2000);
    assert_false(fixture->timed_out);
    assert_int_equal(fixture->fired_count, 2);
    assert_int_equal(fixture->fired[0] + fixture->fired[1], SIGHUP + SIGTERM);
}

int main(void)
{
#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_readable_and_writable),
        LOOP_TEST(test_hang_up_is_reported),
        LOOP_TEST(test_watch_refuses),
        LOOP_TEST(test_unwatch_in_the_same_batch),
        LOOP_TEST(test_number_reused_in_the_same_batch),
        LOOP_TEST(test_change_in_the_same_batch),
        LOOP_TEST(test_closed_while_watched),
        LOOP_TEST(test_table_grows_in_a_callback),
        LOOP_TEST(test_many_timers_fire_in_order_and_never_early),
        LOOP_TEST(test_timer_fires_once_and_soon),
        LOOP_TEST(test_free_in_the_same_turn),
        LOOP_TEST(test_past_timer_does_not_starve),
        LOOP_TEST(test_idle_loop_sleeps),
        LOOP_TEST(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
