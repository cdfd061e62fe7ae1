/* SPDX-License-Identifier: Apache-2.0 */
/* Which capabilities metering needs: with them alone it counts, and one less is named. Each try is
 * in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/capabilities.h"
#include "meter_fixture.h"

#define BIT(capability) ((uint64_t)1 << (capability))
#define NEEDED (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_NET_ADMIN))

enum { COUNTED, NOT_COUNTED, NOT_LOADED };

/* Before 5.11 what maps take counts as locked memory. */
static uint64_t needed_here(void)
{
    struct utsname kernel;
    int major, minor;

    assert_int_equal(uname(&kernel), 0);
    assert_int_equal(sscanf(kernel.release, "%d.%d", &major, &minor), 2);
    bool locks = major < 5 || (major == 5 && minor < 11);
    return NEEDED | (locks ? BIT(CAP_SYS_RESOURCE) : 0);
}

static void keep_only(uint64_t capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    struct rlimit usual = {64 << 10, 64 << 10};

    /* What a parent's libbpf may have raised. */
    setrlimit(RLIMIT_MEMLOCK, &usual);
    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        uint32_t half = (uint32_t)(capabilities >> (32 * i));
        data[i] = (struct __user_cap_data_struct){.effective = half, .permitted = half};
    }
    if (syscall(SYS_capset, &header, data))
        _exit(99);
}

static int meter_one_request(void)
{
    static const struct conversation ipv4 = {.family = AF_INET};
    static const struct step steps[] = {
        {CLIENT, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    if (meter_start(NULL))
        return NOT_LOADED;
    play(&ipv4, steps);
    struct http_row row = row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200);
    int outcome = row_count(&row) == 1 ? COUNTED : NOT_COUNTED;
    meter_end(NULL);
    return outcome;
}

/* What became of it, and which capabilities were missing then. */
static int try_with(uint64_t capabilities, char missing[CAPABILITIES_TEXT_SIZE])
{
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        keep_only(capabilities);
        int outcome = meter_one_request();
        capabilities_missing(missing);
        _exit(write(ends[1], missing, CAPABILITIES_TEXT_SIZE) < 0 ? 98 : outcome);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(read(ends[0], missing, CAPABILITIES_TEXT_SIZE), CAPABILITIES_TEXT_SIZE);
    close(ends[0]);
    close(ends[1]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_with_these_alone(void **state)
{
    char missing[CAPABILITIES_TEXT_SIZE];

    (void)state;
    assert_int_equal(try_with(needed_here(), missing), COUNTED);
    assert_string_equal(missing, "");
}

static void test_without_one(void **state)
{
    static const struct {
        int capability;
        const char *name;
    } each[] = {
        {CAP_BPF, "CAP_BPF"}, {CAP_PERFMON, "CAP_PERFMON"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"}};
    char missing[CAPABILITIES_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
        assert_int_equal(try_with(needed_here() & ~BIT(each[i].capability), missing), NOT_LOADED);
        assert_string_equal(missing, each[i].name);
    }
    assert_int_equal(try_with(0, missing), NOT_LOADED);
    assert_string_equal(missing, "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN");
}

static void test_without_locked_memory(void **state)
{
    char missing[CAPABILITIES_TEXT_SIZE];

    (void)state;
    if (needed_here() == NEEDED) /* it was tried above */
        return;
    assert_int_equal(try_with(NEEDED, missing), NOT_LOADED);
    assert_string_equal(missing, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_these_alone),
        cmocka_unit_test(test_without_one),
        cmocka_unit_test(test_without_locked_memory),
    };

    int status = meter_cgroup_enter();
    if (status)
        return status;
    http_metrics_config_init(&meter_config);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    http_metrics_config_free(&meter_config);
    meter_cgroup_leave();
    return status ? 1 : 0;
}
