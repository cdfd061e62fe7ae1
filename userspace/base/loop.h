/* SPDX-License-Identifier: Apache-2.0 */
/* The one event loop: file descriptors (epoll), timers on the monotonic clock, signals (signalfd).
 * Single-threaded; callbacks may add, change and remove anything, themselves included. */
#ifndef EDGEMETER_BASE_LOOP_H
#define EDGEMETER_BASE_LOOP_H

#include <stdint.h>

struct loop;
struct loop_timer;

/* `events` are EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
typedef void (*loop_fd_fn)(void *context, int fd, uint32_t events);
typedef void (*loop_timer_fn)(void *context);
typedef void (*loop_signal_fn)(void *context, int signal_number);

int loop_new(struct loop **out);
/* Closes the loop's own descriptors; watched descriptors stay the callers'. Timers must be gone. */
void loop_free(struct loop **loop);

/* Watches `fd`, or changes what is watched. 0 or a negative errno. */
int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *context);
void loop_unwatch(struct loop *loop, int fd);

/* A timer is made unarmed, fires once per arming, and is owned by the caller. */
int loop_timer_new(struct loop *loop, loop_timer_fn fn, void *context, struct loop_timer **out);
void loop_timer_free(struct loop_timer **timer);
/* At a moment of clock_monotonic_ns(); a moment that has passed fires in the next turn. */
void loop_timer_at(struct loop_timer *timer, uint64_t monotonic_ns);
void loop_timer_after(struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_disarm(struct loop_timer *timer);

/* Blocks the signal's default action for the process from here on. */
int loop_signal(struct loop *loop, int signal_number, loop_signal_fn fn, void *context);

/* Until loop_stop(); 0 or a negative errno of epoll_wait. Can be run again afterwards. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#define autoloop __attribute__((cleanup(loop_free)))

#endif
