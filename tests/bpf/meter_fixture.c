/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the meter on a cgroup of this process's own; reads rows and outcomes as differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/cgroup_tree.h"
#include "meter_fixture.h"

struct http_meter *meter;
struct http_metrics_config meter_config;
char meter_cgroup[512];
static char parent_procs[512];
static struct http_row_entry start_rows[64];
static size_t start_count;
static uint64_t start_outcomes[HTTP_OUTCOMES];

static void move_to(const char *procs)
{
    char pid[16];
    int fd = open(procs, O_WRONLY);

    snprintf(pid, sizeof(pid), "%d", getpid());
    if (fd < 0 || write(fd, pid, strlen(pid)) < 0)
        printf("cannot move to %s: %s\n", procs, strerror(errno));
    close(fd);
}

static int cannot_run(const char *why)
{
    printf("SKIP: %s\n", why);
    return 77;
}

int meter_cgroup_enter(void)
{
    static char mounts[65536];
    FILE *file = fopen("/proc/self/mounts", "r");
    size_t length = file ? fread(mounts, 1, sizeof(mounts) - 1, file) : 0;
    char *mount;

    if (file)
        fclose(file);
    mounts[length] = '\0';
    mount = cgroup_mount_find(mounts);
    if (!mount)
        return cannot_run("no cgroup v2 hierarchy is mounted");
    snprintf(meter_cgroup, sizeof(meter_cgroup), "%s/edgemeter-test-%d", mount, getpid());
    snprintf(parent_procs, sizeof(parent_procs), "%s/cgroup.procs", mount);
    free(mount);
    if (geteuid() != 0)
        return cannot_run("loading BPF programs needs root");
    if (mkdir(meter_cgroup, 0755))
        return cannot_run("no cgroup can be made (not root?)");
    char procs[600];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", meter_cgroup);
    move_to(procs);
    return 0;
}

void meter_cgroup_leave(void)
{
    move_to(parent_procs);
    rmdir(meter_cgroup);
}

/* One load for all tests (it takes seconds in an emulated machine): each counts from its start. */
int meter_start(void **state)
{
    (void)state;
    return http_meter_new(&meter_config, meter_cgroup, &meter);
}

int meter_end(void **state)
{
    (void)state;
    http_meter_free(&meter);
    http_metrics_config_free(&meter_config);
    return 0;
}

int meter_remember(void **state)
{
    const struct http_row_entry *rows;

    (void)state;
    if (http_meter_read(meter, &rows, &start_count) || start_count > ARRAY_SIZE(start_rows))
        return -1;
    memcpy(start_rows, rows, start_count * sizeof(*rows));
    return http_meter_read_outcomes(meter, start_outcomes);
}

uint64_t row_count(const struct http_row *row)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        count += row->buckets[i];
    return count;
}

void meter_forget(void)
{
    start_count = 0;
    memset(start_outcomes, 0, sizeof(start_outcomes));
}

static bool row_is(const struct http_row_key *key, int role, int method, int status, int route,
                   int host)
{
    return key->role == role && key->method == method && key->status == status &&
           (route < 0 || key->route == route) && (host < 0 || key->host == host);
}

/* A row is nothing but numbers of 64 bits. */
static void row_sum(uint64_t *to, const struct http_row *row, uint64_t sign)
{
    for (size_t i = 0; i < sizeof(*row) / sizeof(uint64_t); i++)
        to[i] += sign * ((const uint64_t *)row)[i];
}

struct http_row row_gained_at(int role, int method, int status, int route, int host)
{
    const struct http_row_entry *rows;
    struct http_row sum = {0};
    size_t count;

    assert_int_equal(http_meter_read(meter, &rows, &count), 0);
    for (size_t i = 0; i < count; i++)
        if (row_is(&rows[i].key, role, method, status, route, host))
            row_sum((uint64_t *)&sum, &rows[i].row, 1);
    for (size_t i = 0; i < start_count; i++)
        if (row_is(&start_rows[i].key, role, method, status, route, host))
            row_sum((uint64_t *)&sum, &start_rows[i].row, -1);
    return sum;
}

struct http_row row_gained(int role, int method, int status)
{
    return row_gained_at(role, method, status, -1, -1);
}

uint64_t outcome_gained(int which)
{
    uint64_t outcomes[HTTP_OUTCOMES];

    assert_int_equal(http_meter_read_outcomes(meter, outcomes), 0);
    return outcomes[which] - start_outcomes[which];
}

void assert_adds_up(void)
{
    uint64_t ended = 0;

    for (int i = HTTP_HEAD_SEEN + 1; i < HTTP_HEAD_OUTCOMES; i++)
        ended += outcome_gained(i);
    assert_int_equal(outcome_gained(HTTP_HEAD_SEEN), ended);
}

void assert_counted(int method, int status, uint64_t expected)
{
    for (int role = 0; role < HTTP_ROLES; role++) {
        struct http_row row = row_gained(role, method, status);
        assert_int_equal(row_count(&row), expected);
    }
}

void play(const struct conversation *how, const struct step *steps)
{
    struct connection connection;

    connection_open(&connection, how);
    connection_play(&connection, how, steps);
    connection_close(&connection);
}
