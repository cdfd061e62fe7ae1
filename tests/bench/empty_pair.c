/* SPDX-License-Identifier: Apache-2.0 */
/* Attaches a pair of cgroup_skb programs that do nothing but let the packet pass: what any pair
 * costs, to be taken off what ours costs. Prints the ids of the two programs and stays until
 * SIGTERM. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 0 and the program's id, or a negative errno. Its link lives as long as this process. */
static int empty_attach(int cgroup, enum bpf_attach_type direction, unsigned int *id)
{
    const struct bpf_insn pass[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = direction);
    struct bpf_prog_info info = {0};
    unsigned int length = sizeof(info);

    int program = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "empty", "GPL", pass,
                                sizeof(pass) / sizeof(pass[0]), &options);
    if (program < 0)
        return program;
    int link = bpf_link_create(program, cgroup, direction, NULL);
    if (link < 0)
        return link;
    int error = bpf_obj_get_info_by_fd(program, &info, &length);
    *id = info.id;
    return error;
}

int main(int argc, char **argv)
{
    unsigned int ingress, egress;
    sigset_t signals;
    int number;

    if (argc != 2) {
        fprintf(stderr, "usage: %s CGROUP_FOLDER\n", argv[0]);
        return 2;
    }
    int cgroup = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup < 0) {
        fprintf(stderr, "%s: %s; give a folder of the cgroup v2 mount\n", argv[1], strerror(errno));
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int error = empty_attach(cgroup, BPF_CGROUP_INET_INGRESS, &ingress);
    if (!error)
        error = empty_attach(cgroup, BPF_CGROUP_INET_EGRESS, &egress);
    if (error) {
        fprintf(stderr, "the empty pair cannot be attached: %s; run as root\n", strerror(-error));
        return 1;
    }
    printf("programs %u %u\n", ingress, egress);
    fflush(stdout);
    sigwait(&signals, &number);
    return 0;
}
