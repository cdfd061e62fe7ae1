/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The kernel's side of the hooks of headers/http_connection.h: loading payload, adding to rows, and
 * the claiming of scratch space. */
#ifndef EDGEMETER_BPF_HTTP_HOOKS_H
#define EDGEMETER_BPF_HTTP_HOOKS_H

#include "http_maps.h"
#include "packet.h"

static __always_inline int http_packet_load(void *context, const struct http_frame *frame,
                                            __u32 offset, __u8 *to, __u32 length)
{
    return bpf_skb_load_bytes(context, frame->packet.payload + offset, to, length);
}

static __always_inline void http_outcome_count(__u32 outcome, __u64 amount)
{
    __u64 *count = bpf_map_lookup_elem(&outcomes, &outcome);

    if (count)
        __sync_fetch_and_add(count, amount);
}

static __always_inline int http_routes_are_on(void)
{
    return routes_on;
}

static __always_inline int http_hosts_are_on(void)
{
    return hosts_on;
}

static __always_inline __u16 http_route_lookup(const struct http_route_key *key)
{
    const __u32 *number = bpf_map_lookup_elem(&routes, key);

    return number ? *number : 0;
}

static __always_inline __u16 http_host_lookup(const struct http_host_key *key)
{
    const __u32 *number = bpf_map_lookup_elem(&hosts, key);

    return number ? *number : 0;
}

static __always_inline struct http_memo *http_memo_of(__u32 kind)
{
    return bpf_map_lookup_elem(&memos, &kind);
}

static __always_inline struct http_row *row_of(const struct http_row_key *key, int *surplus)
{
    struct http_row *row = bpf_map_lookup_elem(&rows, key);
    __u32 zero = 0, role = key->role;

    if (row)
        return row;
    struct http_row *blank = bpf_map_lookup_elem(&blank_row, &zero);
    if (blank)
        bpf_map_update_elem(&rows, key, blank, BPF_NOEXIST); /* another CPU may have been first */
    row = bpf_map_lookup_elem(&rows, key);
    if (row)
        return row;
    *surplus = 1;
    return bpf_map_lookup_elem(&surplus_rows, &role);
}

static __always_inline void native_row_add(const struct http_row_key *key, __u64 duration)
{
    struct http_native_row *row = bpf_map_lookup_elem(&native_rows, key);
    __u32 zero = 0;
    __u64 at = 0;

    if (!row) {
        struct http_native_row *blank = bpf_map_lookup_elem(&blank_native_row, &zero);
        if (blank)
            bpf_map_update_elem(&native_rows, key, blank, BPF_NOEXIST);
        row = bpf_map_lookup_elem(&native_rows, key);
        if (!row)
            return;
    }
    /* the number of bounds below the duration: a bucket's upper bound belongs to it */
    for (__u32 half = HTTP_NATIVE_BUCKETS / 2; half; half /= 2) {
        compiler_forget(at);
        if (at + half <= HTTP_NATIVE_BUCKETS && duration > native_bounds_ns[at + half - 1])
            at += half;
    }
    compiler_forget(at);
    if (at < HTTP_NATIVE_BUCKETS)
        __sync_fetch_and_add(&row->buckets[at], 1);
}

static __always_inline __u64 elapsed(__u64 from, __u64 to)
{
    return from && to > from ? to - from : 0;
}

static __always_inline void row_fill(struct http_row *row, const struct http_exchange *exchange)
{
    __u64 duration = elapsed(exchange->start_ns, exchange->end_ns);
    __u32 bucket = 0;

    for (; bucket < HTTP_MAX_BOUNDS; bucket++)
        if (duration <= bucket_bounds_ns[bucket])
            break;
    __sync_fetch_and_add(&row->buckets[bucket], 1);
    if (exchange->head_ns == exchange->end_ns) {
        __sync_fetch_and_add(&row->at_once_sum, duration);
    } else {
        __sync_fetch_and_add(&row->duration_sum, duration);
        __sync_fetch_and_add(&row->first_byte_sum, elapsed(exchange->start_ns, exchange->head_ns));
    }
    if (exchange->request_bytes)
        __sync_fetch_and_add(&row->request_bytes, exchange->request_bytes);
    __sync_fetch_and_add(&row->response_bytes, exchange->response_bytes);
}

/* An exchange that was never answered has status 0. */
static __always_inline void row_add(const struct http_exchange *exchange)
{
    int surplus = 0;

    if (!role_enabled[exchange->key.role & 1]) {
        http_outcome_count(HTTP_HEAD_ROLE_OFF, 1);
        return;
    }
    struct http_row *row = row_of(&exchange->key, &surplus);
    if (!row)
        return;
    row_fill(row, exchange);
    if (native_on && exchange->key.status) {
        struct http_row_key surplus_key = {.role = exchange->key.role, .method = HTTP_METHOD_OTHER};
        native_row_add(surplus ? &surplus_key : &exchange->key,
                       elapsed(exchange->start_ns, exchange->end_ns));
    }
    if (surplus)
        http_outcome_count(HTTP_HEAD_SURPLUS, 1);
    else
        http_outcome_count(exchange->key.status ? HTTP_HEAD_COUNTED : HTTP_HEAD_UNANSWERED, 1);
}

static __always_inline void http_exchange_count(struct http_frame *frame)
{
    row_add_in_slot(frame->slot);
}

static __always_inline int http_exchange_count_known(const struct http_exchange *exchange)
{
    struct http_row *row = bpf_map_lookup_elem(&rows, &exchange->key);

    if (!row || !role_enabled[exchange->key.role & 1])
        return 0;
    row_fill(row, exchange);
    if (native_on)
        native_row_add(&exchange->key, elapsed(exchange->start_ns, exchange->end_ns));
    http_outcome_count(HTTP_HEAD_COUNTED, 1);
    return 1;
}

/* The addresses of a packet that came in are those of its socket; NAT has been there before. */
static __always_inline void early_key_of_packet(struct early_key *key, const struct tcp_packet *tcp)
{
    for (int i = 0; i < 4; i++) {
        key->remote[i] = tcp->source[i];
        key->local[i] = tcp->target[i];
    }
    key->remote_port = tcp->source_port;
    key->local_port = tcp->target_port;
}

/* Those of a packet that goes out may not be: NAT has been there, too. */
static __always_inline void early_key_of_socket(struct early_key *key, struct bpf_sock *socket,
                                                int is_ipv4)
{
    if (is_ipv4) {
        key->remote[0] = socket->dst_ip4;
        key->local[0] = socket->src_ip4;
    } else {
        key->remote[0] = socket->dst_ip6[0];
        key->remote[1] = socket->dst_ip6[1];
        key->remote[2] = socket->dst_ip6[2];
        key->remote[3] = socket->dst_ip6[3];
        key->local[0] = socket->src_ip6[0];
        key->local[1] = socket->src_ip6[1];
        key->local[2] = socket->src_ip6[2];
        key->local[3] = socket->src_ip6[3];
    }
    key->remote_port = *(volatile __u32 *)&socket->dst_port;
    key->local_port = bpf_htons(socket->src_port);
}

/* Adds before it looks: of those that add at once at most one reads 1. No atomic returns a value
 * here, since kernels before 5.12 have none. */
static __always_inline struct scratch *scratch_claim(void)
{
    __u32 first = bpf_get_smp_processor_id() * HTTP_SCRATCHES_PER_CPU;

    for (__u32 i = 0; i < HTTP_SCRATCHES_LEAST; i++) {
        __u32 slot = first + i;
        if (slot >= scratch_count)
            slot -= scratch_count;
        struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
        if (!scratch)
            return 0;
        __sync_fetch_and_add(&scratch->frame.claims, 1);
        if (*(volatile __u64 *)&scratch->frame.claims == 1) {
            scratch->frame.slot = slot;
            return scratch;
        }
        __sync_fetch_and_add(&scratch->frame.claims, -1);
    }
    return 0;
}

/* The CPU's own place for the short way, without a claim: whoever comes between leaves another mark
 * there. The mark is the packet's address, which no other packet has meanwhile. */
static __always_inline struct scratch *scratch_mark(const struct __sk_buff *skb)
{
    __u32 slot = scratch_count + bpf_get_smp_processor_id();
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    if (scratch) {
        *(volatile __u64 *)&scratch->frame.claims = (__u64)skb;
        scratch->frame.slot = slot;
    }
    return scratch;
}

static __always_inline int http_window_is_ours(const void *context, const struct http_frame *frame)
{
    return *(const volatile __u64 *)&frame->claims == (__u64)context;
}

static __always_inline void scratch_release(struct scratch *scratch)
{
    __sync_fetch_and_add(&scratch->frame.claims, -1);
}

#endif
