/* SPDX-License-Identifier: Apache-2.0 */
/* base/worker: jobs run in order, in another thread, and end in the loop's; a worker that is freed
 * has done all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/worker.h"

#define JOBS 200

struct work {
    struct worker_job job; /* the first member */
    struct fixture *fixture;
    int number;
    pthread_t thread;
    sigset_t blocked;
};

struct fixture {
    struct loop *loop;
    struct worker *worker;
    struct work work[JOBS];
    int runs, dones; /* `runs` belongs to the worker until `done` */
    int again;
    int submit_error;
};

static void on_run(struct worker_job *job)
{
    struct work *work = (struct work *)job;
    assert_int_equal(work->number, work->fixture->runs % JOBS);
    work->fixture->runs++;
    work->thread = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &work->blocked);
}

static void on_done(struct worker_job *job)
{
    struct work *work = (struct work *)job;
    struct fixture *f = work->fixture;
    assert_int_equal(work->number, f->dones % JOBS);
    assert_false(pthread_equal(work->thread, pthread_self()));
    assert_true(sigismember(&work->blocked, SIGTERM) == 1);
    if (++f->dones == JOBS && f->again)
        for (int i = 0; i < JOBS; i++)
            assert_int_equal(worker_submit(f->worker, &f->work[i].job), 0);
    if (f->dones == JOBS * (1 + f->again))
        loop_stop(f->loop);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){};
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(worker_new(f->loop, &f->worker), 0);
    for (int i = 0; i < JOBS; i++)
        f->work[i] = (struct work){
            .job = {.run = on_run, .done = on_done},
            .fixture = f,
            .number = i,
        };
}

static void submit_all(struct fixture *f)
{
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(worker_submit(f->worker, &f->work[i].job), 0);
}

static void test_jobs_end_in_the_loop(void **state)
{
    static struct fixture f;
    (void)state;
    setup(&f);
    f.again = 1;
    submit_all(&f);
    assert_int_equal(f.dones, 0); /* not before the loop has its turn */
    assert_int_equal(loop_run(f.loop), 0);
    assert_int_equal(f.dones, 2 * JOBS);
    worker_free(&f.worker);
    assert_null(f.worker);
    loop_free(&f.loop);
}

static void test_free_waits_for_all(void **state)
{
    static struct fixture f;
    (void)state;
    setup(&f);
    submit_all(&f);
    worker_free(&f.worker);
    assert_int_equal(f.dones, JOBS);
    loop_free(&f.loop);
}

static void on_done_submit(struct worker_job *job)
{
    struct fixture *f = ((struct work *)job)->fixture;
    f->dones++;
    f->submit_error = worker_submit(f->worker, job);
}

static void test_free_takes_no_more(void **state)
{
    static struct fixture f;
    (void)state;
    setup(&f);
    f.work[0].job.done = on_done_submit;
    assert_int_equal(worker_submit(f.worker, &f.work[0].job), 0);
    worker_free(&f.worker);
    assert_int_equal(f.dones, 1);
    assert_int_equal(f.submit_error, -ESHUTDOWN);
    loop_free(&f.loop);
}

static void test_without_jobs(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    worker_free(&f.worker);
    worker_free(&f.worker); /* again: nothing */
    loop_free(&f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_end_in_the_loop),
        cmocka_unit_test(test_free_waits_for_all),
        cmocka_unit_test(test_free_takes_no_more),
        cmocka_unit_test(test_without_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
