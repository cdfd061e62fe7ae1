/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of our cgroup, found in trees as systemd, Docker and Kubernetes show them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory_limit.h"

#define MIB (UINT64_C(1) << 20)

static char root[64];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A cgroup with these processes ("me": this one among them) and this limit, NULL: no file of it. */
static void make_cgroup(const char *folder, const char *processes, const char *file,
                        const char *limit)
{
    char ours[64];
    snprintf(ours, sizeof(ours), "0\n7\n%d\n", (int)getpid());
    write_file(folder, "cgroup.procs", strcmp(processes, "me") == 0 ? ours : processes);
    if (limit)
        write_file(folder, file, limit);
}

/* What /proc/self says; each mount is below `root`. */
static void make_proc(const char *cgroups, const char *v2, const char *v1)
{
    char text[512] = "proc /proc proc rw 0 0\n";
    size_t at = strlen(text);
    if (v2)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "cgroup2 %s%s cgroup2 rw,nsdelegate 0 0\n", root, v2);
    if (v1)
        snprintf(text + at, sizeof(text) - at,
                 "cgroup %s/cpu cgroup rw,cpu 0 0\ncgroup %s%s cgroup rw,relatime,memory 0 0\n",
                 root, root, v1);
    write_file("/proc", "mounts", text);
    write_file("/proc", "cgroup", cgroups);
}

static uint64_t find(void)
{
    char proc[128];
    snprintf(proc, sizeof(proc), "%s/proc", root);
    return memory_limit_find(proc);
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/edgemeter-memory-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static void test_a_service(void **state)
{
    (void)state;
    make_cgroup("/cg", "1\n", "memory.max", NULL);
    make_cgroup("/cg/system.slice", "", "memory.max", "max\n");
    make_cgroup("/cg/system.slice/edgemeter.service", "me", "memory.max", "67108864\n");
    make_cgroup("/cg/system.slice/other.service", "9\n", "memory.max", "1048576\n");
    make_proc("0::/system.slice/edgemeter.service\n", "/cg", NULL);
    assert_int_equal(find(), 64 * MIB);
    /* The one above allows less. */
    make_cgroup("/cg/system.slice", "", "memory.max", "33554432\n");
    assert_int_equal(find(), 32 * MIB);
    make_cgroup("/cg/system.slice", "", "memory.max", "max\n");
    make_cgroup("/cg/system.slice/edgemeter.service", "me", "memory.max", "max\n");
    assert_true(find() == UINT64_MAX);
}

/* Of the container's own view its cgroup is "/", but the node's tree is mounted there. */
static void test_a_pod_with_the_tree_of_the_node(void **state)
{
    (void)state;
    make_cgroup("/cg", "0\n", "memory.max", NULL);
    make_cgroup("/cg/kubepods.slice", "", "memory.max", "8589934592\n");
    make_cgroup("/cg/kubepods.slice/pod1/a.scope", "0\n0\n", "memory.max", "1048576\n");
    make_cgroup("/cg/kubepods.slice/pod2/b.scope", "me", "memory.max", "67108864\n");
    make_proc("0::/\n", "/cg", NULL);
    assert_int_equal(find(), 64 * MIB);
}

/* The mount begins at its own cgroup, whose path is that of the host. */
static void test_a_container_of_docker(void **state)
{
    (void)state;
    make_cgroup("/mem", "me", "memory.limit_in_bytes", "67108864\n");
    make_proc("12:cpu,cpuacct:/docker/1\n11:memory:/docker/1\n0::/docker/1\n", NULL, "/mem");
    assert_int_equal(find(), 64 * MIB);
}

static void test_both_versions(void **state)
{
    (void)state;
    make_cgroup("/cg/session", "me", "memory.max", NULL);
    make_cgroup("/mem", "1\n", "memory.limit_in_bytes", "9223372036854771712\n");
    make_cgroup("/mem/session", "me", "memory.limit_in_bytes", "67108864\n");
    make_proc("4:net_cls,memory:/session\n2:cpu:/other\n0::/session\n", "/cg", "/mem");
    assert_int_equal(find(), 64 * MIB);
}

static void test_nothing_to_be_found(void **state)
{
    (void)state;
    assert_true(find() == UINT64_MAX); /* no such files */
    make_proc("0::/gone\nrubbish\n1:memory\n", "/nowhere", "/neither");
    assert_true(find() == UINT64_MAX);
    make_cgroup("/nowhere/gone", "1\n", "memory.max", "1048576\n"); /* somebody else's */
    assert_true(find() == UINT64_MAX);
}

static void test_anonymous(void **state)
{
    (void)state;
    uint64_t before = memory_anonymous();
    assert_true(before > 0);
    char *more = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(more != MAP_FAILED);
    memset(more, 1, 16 * MIB);
    uint64_t after = memory_anonymous();
    munmap(more, 16 * MIB);
    assert_true(after >= before + 15 * MIB && after < before + 32 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pod_with_the_tree_of_the_node, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_container_of_docker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_to_be_found, setup, teardown),
        cmocka_unit_test(test_anonymous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
