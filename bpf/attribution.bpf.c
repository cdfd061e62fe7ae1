/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Which cgroup the kernel takes one socket to be in: a probe of the agent's own, told by its
 * cookie. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

const volatile __u64 probe_cookie;
__u64 probe_cgroup; /* 0: not seen */

SEC("cgroup_skb/egress")
int attribution(struct __sk_buff *packet)
{
    if (bpf_get_socket_cookie(packet) == probe_cookie)
        probe_cgroup = bpf_skb_cgroup_id(packet);
    return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
