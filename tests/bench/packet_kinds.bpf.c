/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The programs of bpf/http_meter.bpf.c (the Makefile puts it in front), each with the connection
 * set to one and the same state before every run: a packet that is run again and again is then new
 * each time, not retransmitted. */

struct http_connection rewound; /* written by userspace between measurements, as is the next */
__u8 remembers_nothing;

static __always_inline void forget(__u32 kind)
{
    struct http_memo *memo = http_memo_of(kind);

    if (memo) {
        memo->length = 0;
        memo->differed = 1; /* not the turn to remember */
    }
}

static __always_inline void rewind(struct __sk_buff *skb)
{
    struct bpf_sock *socket = skb->sk ? bpf_sk_fullsock(skb->sk) : 0;

    if (!socket)
        return;
    struct http_connection *connection =
        bpf_sk_storage_get(&connections, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
    if (connection)
        *connection = rewound;
    if (remembers_nothing) {
        forget(0);
        forget(1);
    }
}

SEC("cgroup_skb/ingress")
int rewind_alone(struct __sk_buff *skb)
{
    rewind(skb);
    return 1;
}

SEC("cgroup_skb/ingress")
int rewind_ingress(struct __sk_buff *skb)
{
    rewind(skb);
    if (!meter_plain(skb, HTTP_INGRESS))
        http_ingress_in_full(skb);
    return 1;
}

SEC("cgroup_skb/egress")
int rewind_egress(struct __sk_buff *skb)
{
    rewind(skb);
    if (!meter_plain(skb, HTTP_EGRESS))
        http_egress_in_full(skb);
    return 1;
}
