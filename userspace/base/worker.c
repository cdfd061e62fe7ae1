/* SPDX-License-Identifier: Apache-2.0 */
/* Two lists under one mutex: jobs to run, jobs that have run; an eventfd tells the loop of the
 * second. */
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"

struct job_list {
    struct worker_job *first;
    struct worker_job **end;
};

struct worker {
    struct loop *loop;
    int event_fd;
    bool started;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct job_list waiting;
    struct job_list finished;
    bool stopping; /* written by the loop's thread alone */
};

static void list_clear(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct job_list *list, struct worker_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct worker_job *list_take(struct job_list *list)
{
    struct worker_job *job = list->first;
    list->first = job->next;
    if (!list->first)
        list->end = &list->first;
    return job;
}

/* NULL: there will be no more. */
static struct worker_job *worker_wait_for_job(struct worker *worker)
{
    struct worker_job *job = NULL;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->waiting.first && !worker->stopping)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    if (worker->waiting.first)
        job = list_take(&worker->waiting);
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

static void worker_tell_loop(struct worker *worker, struct worker_job *job)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&worker->mutex);
    list_add(&worker->finished, job);
    pthread_mutex_unlock(&worker->mutex);
    while (write(worker->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void *worker_thread(void *context)
{
    struct worker *worker = context;
    for (struct worker_job *job; (job = worker_wait_for_job(worker));) {
        job->run(job);
        worker_tell_loop(worker, job);
    }
    return NULL;
}

static void worker_finish_jobs(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct worker_job *job = worker->finished.first;
    list_clear(&worker->finished);
    pthread_mutex_unlock(&worker->mutex);
    while (job) {
        struct worker_job *next = job->next;
        job->done(job);
        job = next;
    }
}

static void on_event(void *context, int fd, uint32_t events)
{
    uint64_t count;
    (void)events;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    worker_finish_jobs(context);
}

static int worker_start(struct worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, worker_thread, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = !error;
    return -error;
}

int worker_new(struct loop *loop, struct worker **out)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    worker->loop = loop;
    list_clear(&worker->waiting);
    list_clear(&worker->finished);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = worker->event_fd < 0 ? -errno : 0;
    if (!error)
        error = loop_watch(loop, worker->event_fd, EPOLLIN, on_event, worker);
    if (error) {
        worker_free(&worker);
        return error;
    }
    *out = worker;
    return 0;
}

int worker_submit(struct worker *worker, struct worker_job *job)
{
    if (worker->stopping)
        return -ESHUTDOWN;
    if (!worker->started) {
        int error = worker_start(worker);
        if (error)
            return error;
    }
    pthread_mutex_lock(&worker->mutex);
    list_add(&worker->waiting, job);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    return 0;
}

static void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
}

void worker_free(struct worker **out)
{
    struct worker *worker = *out;
    if (!worker)
        return;
    if (worker->started)
        worker_stop(worker);
    worker_finish_jobs(worker);
    if (worker->event_fd >= 0) {
        loop_unwatch(worker->loop, worker->event_fd);
        close(worker->event_fd);
    }
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(TAKE_PTR(*out));
}
