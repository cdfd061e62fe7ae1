/* SPDX-License-Identifier: Apache-2.0 */
/* One thread beside the loop, for what blocks or is slow (fdatasync, bcrypt): jobs run there one
 * after the other, and end in a callback of the loop. A job shares nothing with the loop while it
 * is under way. */
#ifndef EDGEMETER_BASE_WORKER_H
#define EDGEMETER_BASE_WORKER_H

#include <stdbool.h>

#include "base/loop.h"

struct worker;

/* Embedded in what the work needs: that stays where it is until `done` is called. */
struct worker_job {
    void (*run)(struct worker_job *job);  /* in the worker's thread */
    void (*done)(struct worker_job *job); /* in the loop; may free the job or submit it again */
    struct worker_job *next;              /* the worker's */
};

/* The thread starts with the first job. All signals are blocked in it. 0 or a negative errno. */
int worker_new(struct loop *loop, struct worker **out);
/* Waits for all jobs, and calls their `done`. The loop is not needed to run, but still there. */
void worker_free(struct worker **worker);

/* The queue has no bound of its own: each submitter has a fixed number of jobs, and a job that is
 * under way is not submitted again. 0, -EAGAIN (no thread can be made) or -ESHUTDOWN (from within
 * worker_free); then `done` is not called. */
int worker_submit(struct worker *worker, struct worker_job *job);

#endif
