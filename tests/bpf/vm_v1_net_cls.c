/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v1's net_cls and net_prio in use beside v2: what the agent says of attribution is what it does. A
 * kernel that cannot tell sockets apart from then on does not until it is booted anew: this has to
 * be the last test in the VM, by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/cgroup_attribution.h"
#include "meter_fixture.h"

#define NET_CLS "/tmp/net_cls,net_prio"
#define GROUP NET_CLS "/group"

static void write_file(const char *path, const char *text)
{
    autoclose int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(path);
}

/* A class and a priority for the processes of a group. */
static void use_net_cls(void)
{
    char pid[16];

    assert_int_equal(mkdir(NET_CLS, 0755), 0);
    assert_int_equal(mount("cgroup", NET_CLS, "cgroup", 0, "net_cls,net_prio"), 0);
    assert_int_equal(mkdir(GROUP, 0755), 0);
    write_file(GROUP "/net_cls.classid", "0x100001");
    write_file(GROUP "/net_prio.ifpriomap", "lo 5");
    snprintf(pid, sizeof(pid), "%d", getpid());
    write_file(GROUP "/cgroup.procs", pid);
}

/* Whether a request within our cgroup is counted as its. */
static bool is_attributed(void)
{
    static const struct conversation ipv4 = {.family = AF_INET};
    static const struct step steps[] = {
        {CLIENT, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    meter_remember(NULL);
    play(&ipv4, steps);
    struct http_row row = row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200);
    return row_count(&row) == 1;
}

static void test_before(void **state)
{
    char cgroup[sizeof(meter_cgroup)];

    (void)state;
    strcpy(cgroup, meter_cgroup);
    assert_true(is_attributed());
    assert_int_equal(cgroup_attribution_probe(dirname(cgroup)), ATTRIBUTION_WORKS);
}

static void test_with_net_cls(void **state)
{
    char cgroup[sizeof(meter_cgroup)];

    (void)state;
    use_net_cls();
    strcpy(cgroup, meter_cgroup);
    bool attributed = is_attributed();
    printf("requests are %s\n", attributed ? "attributed" : "the root cgroup's");
    assert_int_equal(cgroup_attribution_probe(dirname(cgroup)),
                     attributed ? ATTRIBUTION_WORKS : ATTRIBUTION_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_with_net_cls),
    };

    int status = meter_cgroup_enter();
    if (status)
        return status;
    http_metrics_config_init(&meter_config);
    status = cmocka_run_group_tests(tests, meter_start, meter_end);
    meter_cgroup_leave();
    return status;
}
