/* SPDX-License-Identifier: Apache-2.0 */
/* A meter on a cgroup of the test's own, and what it counted since a test's start. */
#ifndef EDGEMETER_TESTS_BPF_METER_FIXTURE_H
#define EDGEMETER_TESTS_BPF_METER_FIXTURE_H

#include <stdint.h>

#include "collect/http_meter.h"
#include "sockets.h"

extern struct http_meter *meter;
extern struct http_metrics_config meter_config;
extern char meter_cgroup[512];

/* Moves this process into a new cgroup. 0; or 77 after a line that says why the tests cannot run. */
int meter_cgroup_enter(void);
void meter_cgroup_leave(void);

/* For cmocka: loads with meter_config; a test counts from its start. */
int meter_start(void **state);
int meter_end(void **state);
int meter_remember(void **state);
/* The counts so far are those of another meter. */
void meter_forget(void);

uint64_t row_count(const struct http_row *row);
/* What the rows of this role, method and status have gained together since the test's start. */
struct http_row row_gained(int role, int method, int status);
/* The same for one route and host number. */
struct http_row row_gained_at(int role, int method, int status, int route, int host);
uint64_t outcome_gained(int which);

/* Both ends are in the cgroup: each exchange is one of a server and one of a client. */
void assert_counted(int method, int status, uint64_t expected);
/* seen = counted + lost: no request waits any more. */
void assert_adds_up(void);

void play(const struct conversation *how, const struct step *steps);

#endif
