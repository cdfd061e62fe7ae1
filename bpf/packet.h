/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a socket buffer to the TCP payload: addresses, ports, sequence number, length. Headers by
 * direct packet access; a packet whose headers are not in the linear part is none of ours. */
#ifndef EDGEMETER_BPF_PACKET_H
#define EDGEMETER_BPF_PACKET_H

#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct tcp_packet {
    __u32 payload_offset;
    __u32 payload_length;
    __u32 sequence;
    __u32 source[4], target[4]; /* network byte order; IPv4 in the first word */
    __be16 source_port, target_port;
    __u8 fin_or_rst;
};

static __always_inline int packet_ipv4(const struct __sk_buff *skb, struct tcp_packet *packet,
                                       __u32 *tcp_offset)
{
    const struct iphdr *ip = (void *)(long)skb->data;

    if ((void *)(ip + 1) > (void *)(long)skb->data_end || ip->protocol != IPPROTO_TCP)
        return 0;
    packet->source[0] = ip->saddr;
    packet->target[0] = ip->daddr;
    *tcp_offset = ip->ihl * 4;
    return 1;
}

/* Up to two extension headers: hop-by-hop (a jumbo payload has one) and destination options. */
static __always_inline int packet_ipv6(const struct __sk_buff *skb, struct tcp_packet *packet,
                                       __u32 *tcp_offset)
{
    const void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    const struct ipv6hdr *ip = data;
    __u32 offset = sizeof(*ip);

    if ((const void *)(ip + 1) > end)
        return 0;
    __u8 next = ip->nexthdr;
    for (int i = 0; i < 4; i++) {
        packet->source[i] = ip->saddr[i];
        packet->target[i] = ip->daddr[i];
    }
    for (int i = 0; i < 2 && next != IPPROTO_TCP; i++) {
        const struct ipv6_opt_hdr *option = data + offset;
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS)
            return 0;
        if ((const void *)(option + 1) > end)
            return 0;
        next = option->nexthdr;
        offset += (option->hdrlen + 1) * 8;
        if (offset > 1024)
            return 0;
    }
    *tcp_offset = offset;
    return next == IPPROTO_TCP;
}

/* 1: a TCP segment that carries payload or ends a direction. */
static __always_inline int packet_parse(const struct __sk_buff *skb, struct tcp_packet *packet)
{
    __u32 offset = 0;

    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        if (!packet_ipv4(skb, packet, &offset))
            return 0;
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        if (!packet_ipv6(skb, packet, &offset))
            return 0;
    } else {
        return 0;
    }
    const struct tcphdr *tcp = (void *)(long)skb->data + offset;
    if ((const void *)(tcp + 1) > (void *)(long)skb->data_end)
        return 0;
    offset += tcp->doff * 4;
    packet->payload_offset = offset;
    packet->payload_length = skb->len > offset ? skb->len - offset : 0;
    packet->sequence = bpf_ntohl(tcp->seq) + tcp->syn; /* fast open: payload behind the SYN */
    packet->source_port = tcp->source;
    packet->target_port = tcp->dest;
    packet->fin_or_rst = tcp->fin | tcp->rst;
    return packet->payload_length || packet->fin_or_rst;
}

#endif
