/* SPDX-License-Identifier: Apache-2.0 */
/* epoll, one timerfd armed for the earliest timer of a binary heap, one signalfd. No threads and no
 * queue of its own: an event that a callback made obsolete is recognised when its turn comes. */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS_PER_TURN 64
#define WATCHES_MAXIMUM (1 << 20) /* descriptors are small numbers: they index the table */
#define TIMERS_MAXIMUM (1 << 20)
#define SIGNALS_PER_READ 8
#define UNARMED SIZE_MAX
#define TIMER_FD_TAG UINT64_MAX

struct watch {
    loop_fd_fn fn; /* NULL: not watched */
    void *context;
    uint32_t events;
    uint32_t generation; /* new for each watch, so that a reused number is told from its past */
};

struct signal_handler {
    loop_signal_fn fn;
    void *context;
};

struct loop_timer {
    struct loop *loop;
    loop_timer_fn fn;
    void *context;
    size_t position; /* in the heap, or UNARMED */
};

/* The keys stand in the heap itself: a timer is looked at only when its turn comes. */
struct heap_entry {
    uint64_t deadline; /* monotonic ns */
    uint64_t sequence; /* equal deadlines fire in the order of arming */
    struct loop_timer *timer;
};

struct loop {
    int epoll_fd;
    int timer_fd;
    int signal_fd;
    bool stopping;

    struct watch *watches; /* indexed by descriptor */
    size_t watch_capacity;
    uint32_t last_generation;

    struct heap_entry *heap; /* has room for every timer that exists: arming cannot fail */
    size_t heap_length;
    size_t heap_capacity;
    size_t timer_count;
    uint64_t last_sequence;
    uint64_t timer_fd_deadline; /* what the timerfd is set to; 0: nothing */
    uint64_t firing_moment;     /* of the timers being fired; 0: none are */

    sigset_t signals;
    struct signal_handler handlers[_NSIG];
};

int loop_new(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    sigemptyset(&loop->signals);
    loop->signal_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = TIMER_FD_TAG};
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0) {
        int error = -errno;
        loop_free(&loop);
        return error;
    }
    *out = loop;
    return 0;
}

void loop_free(struct loop **out)
{
    struct loop *loop = *out;
    if (!loop)
        return;
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop->watches);
    free(loop->heap);
    free(loop);
    *out = NULL;
}

/* ---- descriptors ---- */

static int watches_reserve(struct loop *loop, int fd)
{
    size_t needed = (size_t)fd + 1;
    if (needed <= loop->watch_capacity)
        return 0;
    if (needed > WATCHES_MAXIMUM)
        return -EMFILE;
    size_t capacity = loop->watch_capacity ? loop->watch_capacity : 32;
    while (capacity < needed)
        capacity *= 2;
    struct watch *watches = reallocarray(loop->watches, capacity, sizeof(*watches));
    if (!watches)
        return -ENOMEM;
    memset(watches + loop->watch_capacity, 0, (capacity - loop->watch_capacity) * sizeof(*watches));
    loop->watches = watches;
    loop->watch_capacity = capacity;
    return 0;
}

static int epoll_set(struct loop *loop, int operation, int fd, uint32_t events, uint32_t generation)
{
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
    };
    return epoll_ctl(loop->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *context)
{
    if (fd < 0 || !fn)
        return -EINVAL;
    int error = watches_reserve(loop, fd);
    if (error)
        return error;
    struct watch *watch = &loop->watches[fd];
    uint32_t generation = watch->generation;
    error = -ENOENT;
    if (watch->fn)
        error = epoll_set(loop, EPOLL_CTL_MOD, fd, events, generation);
    /* Also where the number was closed while watched, and is another file by now. */
    if (error == -ENOENT) {
        generation = ++loop->last_generation;
        error = epoll_set(loop, EPOLL_CTL_ADD, fd, events, generation);
    }
    if (error)
        return error;
    *watch = (struct watch){fn, context, events, generation};
    return 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->watch_capacity || !loop->watches[fd].fn)
        return;
    loop->watches[fd] = (struct watch){0};
    /* Fails where the owner closed the descriptor first: epoll has forgotten it by itself then. */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void event_deliver(struct loop *loop, const struct epoll_event *event)
{
    if (event->data.u64 == TIMER_FD_TAG)
        return;
    int fd = (int)(uint32_t)event->data.u64;
    struct watch watch = loop->watches[fd];
    if (!watch.fn || watch.generation != event->data.u64 >> 32)
        return;
    uint32_t events = event->events & (watch.events | EPOLLERR | EPOLLHUP);
    if (events)
        watch.fn(watch.context, fd, events);
}

/* ---- timers ---- */

static bool is_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

static void heap_place(struct loop *loop, struct heap_entry entry, size_t position)
{
    loop->heap[position] = entry;
    entry.timer->position = position;
}

static void heap_rise(struct loop *loop, struct heap_entry entry, size_t position)
{
    while (position > 0) {
        size_t parent = (position - 1) / 2;
        if (!is_before(&entry, &loop->heap[parent]))
            break;
        heap_place(loop, loop->heap[parent], position);
        position = parent;
    }
    heap_place(loop, entry, position);
}

static void heap_sink(struct loop *loop, struct heap_entry entry, size_t position)
{
    for (;;) {
        size_t child = 2 * position + 1;
        if (child >= loop->heap_length)
            break;
        if (child + 1 < loop->heap_length && is_before(&loop->heap[child + 1], &loop->heap[child]))
            child++;
        if (!is_before(&loop->heap[child], &entry))
            break;
        heap_place(loop, loop->heap[child], position);
        position = child;
    }
    heap_place(loop, entry, position);
}

int loop_timer_new(struct loop *loop, loop_timer_fn fn, void *context, struct loop_timer **out)
{
    if (loop->timer_count == TIMERS_MAXIMUM)
        return -ENOSPC;
    if (loop->timer_count == loop->heap_capacity) {
        size_t capacity = loop->heap_capacity ? loop->heap_capacity * 2 : 16;
        struct heap_entry *heap = reallocarray(loop->heap, capacity, sizeof(*heap));
        if (!heap)
            return -ENOMEM;
        loop->heap = heap;
        loop->heap_capacity = capacity;
    }
    struct loop_timer *timer = malloc(sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .context = context, .position = UNARMED};
    loop->timer_count++;
    *out = timer;
    return 0;
}

void loop_timer_free(struct loop_timer **out)
{
    struct loop_timer *timer = *out;
    if (!timer)
        return;
    loop_timer_disarm(timer);
    timer->loop->timer_count--;
    free(timer);
    *out = NULL;
}

void loop_timer_at(struct loop_timer *timer, uint64_t monotonic_ns)
{
    struct loop *loop = timer->loop;
    loop_timer_disarm(timer);
    /* A callback that arms for the past waits for the next turn: descriptors get theirs between. */
    if (loop->firing_moment && monotonic_ns <= loop->firing_moment)
        monotonic_ns = loop->firing_moment + 1;
    struct heap_entry entry = {
        .deadline = monotonic_ns ? monotonic_ns : 1,
        .sequence = ++loop->last_sequence,
        .timer = timer,
    };
    heap_rise(loop, entry, loop->heap_length++);
}

void loop_timer_after(struct loop_timer *timer, uint64_t delay_ns)
{
    uint64_t now = clock_monotonic_ns();
    loop_timer_at(timer, delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX);
}

void loop_timer_disarm(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    size_t position = timer->position;
    if (position == UNARMED)
        return;
    timer->position = UNARMED;
    struct heap_entry last = loop->heap[--loop->heap_length];
    if (last.timer == timer)
        return;
    if (is_before(&last, &loop->heap[position]))
        heap_rise(loop, last, position);
    else
        heap_sink(loop, last, position);
}

/* The timerfd is never read: setting it anew also clears it. */
static int timer_fd_arm(struct loop *loop)
{
    uint64_t deadline = loop->heap_length ? loop->heap[0].deadline : 0;
    if (deadline == loop->timer_fd_deadline)
        return 0;
    uint64_t settable = deadline < INT64_MAX ? deadline : INT64_MAX;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(settable / NS_PER_SECOND),
                                           .tv_nsec = (long)(settable % NS_PER_SECOND)}};
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return -errno;
    loop->timer_fd_deadline = deadline;
    return 0;
}

static void timers_fire(struct loop *loop)
{
    if (loop->heap_length == 0)
        return;
    loop->firing_moment = clock_monotonic_ns();
    while (!loop->stopping && loop->heap_length && loop->heap[0].deadline <= loop->firing_moment) {
        struct loop_timer *timer = loop->heap[0].timer;
        loop_timer_disarm(timer);
        timer->fn(timer->context);
    }
    loop->firing_moment = 0;
}

/* ---- signals ---- */

static void signals_read(void *context, int fd, uint32_t events)
{
    struct loop *loop = context;
    struct signalfd_siginfo received[SIGNALS_PER_READ];
    (void)events;
    ssize_t length = read(fd, received, sizeof(received));
    for (ssize_t i = 0; i < length / (ssize_t)sizeof(received[0]); i++) {
        int number = (int)received[i].ssi_signo;
        struct signal_handler handler = loop->handlers[number];
        handler.fn(handler.context, number);
    }
}

int loop_signal(struct loop *loop, int signal_number, loop_signal_fn fn, void *context)
{
    sigset_t wanted = loop->signals;
    if (!fn || signal_number <= 0 || signal_number >= _NSIG || sigaddset(&wanted, signal_number))
        return -EINVAL;
    int fd = signalfd(loop->signal_fd, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = loop_watch(loop, fd, EPOLLIN, signals_read, loop);
    if (error) {
        if (loop->signal_fd < 0)
            close(fd);
        return error;
    }
    loop->signal_fd = fd;
    loop->signals = wanted;
    loop->handlers[signal_number] = (struct signal_handler){fn, context};
    error = pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    return -error;
}

/* ---- the loop ---- */

int loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_PER_TURN];

    loop->stopping = false;
    while (!loop->stopping) {
        int error = timer_fd_arm(loop);
        if (error)
            return error;
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, -1);
        if (count < 0 && errno != EINTR)
            return -errno;
        /* What a stop leaves undelivered is reported again by the next run: epoll is
         * level-triggered. */
        for (int i = 0; i < count && !loop->stopping; i++)
            event_deliver(loop, &events[i]);
        timers_fire(loop);
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
