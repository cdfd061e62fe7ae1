/* SPDX-License-Identifier: Apache-2.0 */
/* A UDP socket sends itself a byte past a program that notes the socket's cgroup. */
#include "collect/cgroup_attribution.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "attribution.skel.h"
#include "base/cleanup.h"
#include "base/log.h"

#define KERNEL_ROOT 1                 /* the inode of the whole hierarchy's root */
#define INITIAL_NAMESPACE 0xEFFFFFFBu /* PROC_CGROUP_INIT_INO */
#define UNIFIED "0::"

static void probe_free(struct attribution_bpf **probe)
{
    attribution_bpf__destroy(*probe);
}

enum cgroup_attribution cgroup_attribution_judge(const struct cgroup_attribution_facts *facts)
{
    if (facts->seen == KERNEL_ROOT)
        return facts->own_is_root ? ATTRIBUTION_WORKS : ATTRIBUTION_NONE;
    return facts->seen == facts->root ? ATTRIBUTION_PARTIAL : ATTRIBUTION_WORKS;
}

/* In a cgroup namespace of its own a process sees itself at the root, wherever it is. */
static bool own_is_root(void)
{
    struct stat namespace;
    char line[512];
    bool root = false;

    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return true;
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, UNIFIED, strlen(UNIFIED)) == 0)
            root = strcmp(line + strlen(UNIFIED), "/\n") == 0;
    fclose(file);
    return root && stat("/proc/self/ns/cgroup", &namespace) == 0 &&
           namespace.st_ino == INITIAL_NAMESPACE;
}

/* A socket that is connected to itself; -1. */
static int socket_new(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
        getsockname(fd, (struct sockaddr *)&address, &length) ||
        connect(fd, (struct sockaddr *)&address, length))
        return -1;
    int taken = fd;
    fd = -1;
    return taken;
}

/* The cgroup in which the kernel sees a socket of ours; 0 where that cannot be told. */
static uint64_t see_own_socket(const char *mount)
{
    __attribute__((cleanup(probe_free))) struct attribution_bpf *probe = attribution_bpf__open();
    autoclose int cgroup = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    autoclose int fd = socket_new();
    uint64_t cookie;
    socklen_t length = sizeof(cookie);

    if (!probe || cgroup < 0 || fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length))
        return 0;
    probe->rodata->probe_cookie = cookie;
    if (attribution_bpf__load(probe))
        return 0;
    struct bpf_link *link = bpf_program__attach_cgroup(probe->progs.attribution, cgroup);
    if (!link)
        return 0;
    ssize_t sent = send(fd, "", 1, MSG_NOSIGNAL);
    uint64_t seen = sent == 1 ? probe->bss->probe_cgroup : 0;
    bpf_link__destroy(link);
    return seen;
}

enum cgroup_attribution cgroup_attribution_probe(const char *mount)
{
    struct stat root;

    if (stat(mount, &root))
        return ATTRIBUTION_WORKS;
    const struct cgroup_attribution_facts facts = {
        .seen = see_own_socket(mount),
        .root = root.st_ino,
        .own_is_root = own_is_root(),
    };
    log_debug("collect", "tried which cgroup a socket is seen in", LOG_UINT("seen", facts.seen),
              LOG_UINT("root", facts.root), LOG_INT("own_is_root", facts.own_is_root));
    return cgroup_attribution_judge(&facts);
}
