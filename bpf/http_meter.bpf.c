/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Meters HTTP/1.x: two programs, ingress and egress of every socket under a cgroup, that frame each
 * connection's two directions and add finished exchanges to rows. They always let the packet
 * pass. */
#include "vmlinux.h"

/* Global functions: the verifier looks at each once, whatever its arguments. */
__u64 http_plain_head_of(struct __sk_buff *skb, __u32 payload, __u32 length);
int http_ingress_enter(struct __sk_buff *skb);
int http_egress_enter(struct __sk_buff *skb);
int http_ingress_leave(struct __sk_buff *skb);
int http_ingress_settle(struct __sk_buff *skb);
int http_ingress_in_full(struct __sk_buff *skb);
int http_egress_in_full(struct __sk_buff *skb);
int http_line_in_slot(__u32 slot, __u32 line_end);
int http_scan_in_slot(__u32 slot);
int http_route_in_slot(__u32 slot, __u32 end);
int http_host_in_slot(__u32 slot);
int http_step_in_slot(struct __sk_buff *skb, __u32 slot);
int http_step_last_in_slot(__u32 slot);
int row_add_in_slot(__u32 slot);
#define HTTP_LINE(frame, line_end) http_line_in_slot((frame)->slot, line_end)
#define HTTP_SCAN(frame) http_scan_in_slot((frame)->slot)
#define HTTP_ROUTE_FIND(frame, end) http_route_in_slot((frame)->slot, end)
#define HTTP_HOST_FIND(frame) http_host_in_slot((frame)->slot)
#define HTTP_STEP(context, frame) http_step_in_slot(context, (frame)->slot)
#define HTTP_STEP_LAST(frame) http_step_last_in_slot((frame)->slot)

#include "http_maps.h"
#include "packet.h"
#include "http_plain.h"
#include "http_hooks.h"

__noinline __u64 http_plain_head_of(struct __sk_buff *skb, __u32 payload, __u32 length)
{
    struct scratch *scratch = scratch_mark(skb);

    if (!scratch)
        return 0;
    scratch->frame.packet.payload = payload;
    scratch->frame.packet.length = length;
    __u64 head = http_plain_head(skb, &scratch->frame);
    return http_window_is_ours(skb, &scratch->frame) ? head : 0;
}

__noinline int http_line_in_slot(__u32 slot, __u32 line_end)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_line(&scratch->frame, line_end) : HTTP_EVENT_BROKEN;
}

__noinline int http_scan_in_slot(__u32 slot)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_scan(&scratch->frame) : HTTP_EVENT_BROKEN;
}

__noinline int http_route_in_slot(__u32 slot, __u32 end)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_route_find(&scratch->frame, end) : 0;
}

__noinline int http_host_in_slot(__u32 slot)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_host_find(&scratch->frame) : 0;
}

__noinline int http_step_in_slot(struct __sk_buff *skb, __u32 slot)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_step(skb, &scratch->frame) : 0;
}

__noinline int http_step_last_in_slot(__u32 slot)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    return scratch ? http_step_last(&scratch->frame) : 0;
}

__noinline int row_add_in_slot(__u32 slot)
{
    struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

    if (scratch)
        row_add(&scratch->frame.exchange);
    return 0;
}

static __always_inline void keep_restore(struct http_frame *frame, const struct http_kept *kept)
{
    const __u8 *from = kept->bytes[frame->packet.direction & 1];

    for (__u32 i = 0; i < HTTP_LINE_KEPT; i += 8)
        store_word(frame->window.bytes + i, load_word(from + i));
}

static __always_inline void keep_save(const struct http_frame *frame, struct http_kept *kept)
{
    __u8 *to = kept->bytes[frame->packet.direction & 1];

    for (__u32 i = 0; i < HTTP_LINE_KEPT; i += 8)
        store_word(to + i, load_word(frame->window.bytes + i));
}

/* Where unfinished lines of this connection are kept: beside the socket, or for a listener's in its
 * own entry. */
static __always_inline struct http_kept *kept_of(struct bpf_sock *socket, struct early *early,
                                                 __u64 flags)
{
    return early ? &early->kept : bpf_sk_storage_get(&kept_lines, socket, 0, flags);
}

static __always_inline void frame_lose(struct http_connection *connection, struct http_frame *frame)
{
    int action = http_lose(frame, HTTP_LOSS_NO_MEMORY);

    if (action)
        http_connection_act(connection, frame, action);
}

static __always_inline void frame_packet(struct __sk_buff *skb, struct bpf_sock *socket,
                                         struct early *early, struct http_connection *connection,
                                         struct http_frame *frame)
{
    http_packet_begin(connection, frame);
    if (frame->stream.kept) {
        struct http_kept *kept = kept_of(socket, early, 0);
        if (kept)
            keep_restore(frame, kept);
        else
            frame_lose(connection, frame);
    }
    http_packet_run(skb, connection, frame);
    if (frame->stream.kept) {
        struct http_kept *kept = kept_of(socket, early, BPF_SK_STORAGE_GET_F_CREATE);
        if (kept)
            keep_save(frame, kept);
        else
            frame_lose(connection, frame);
    }
    http_packet_end(connection, frame);
}

/* Is it of the connection that has got to `sequence`, and not of one before it between the same two
 * ports, which came to nothing? Without a cgroup it is being made. */
static __always_inline int early_is_near(const struct early *early, __u32 sequence)
{
    if (!*(volatile __u64 *)&early->connection.cgroup)
        return 1;
    return early->first - sequence + EARLY_REACH < 2 * EARLY_REACH;
}

/* Payload on a listener: the connection has no socket yet (deferred accept, a lost ACK, SYN
 * cookies). What is framed waits under the address pair for the child to take it over. */
static __always_inline struct early *early_of_listener(struct bpf_sock *socket,
                                                       const struct tcp_packet *tcp)
{
    struct early_key key = {.cgroup = bpf_sk_cgroup_id(socket)};
    __u32 zero = 0;

    early_key_of_packet(&key, tcp);
    struct early *early = bpf_map_lookup_elem(&early_connections, &key);
    if (early && early_is_near(early, tcp->sequence))
        return early;
    if (early)
        bpf_map_delete_elem(&early_connections, &key);
    struct early *blank = bpf_map_lookup_elem(&blank_early, &zero);
    int error = blank ? bpf_map_update_elem(&early_connections, &key, blank, BPF_NOEXIST) : -1;
    early = bpf_map_lookup_elem(&early_connections, &key);
    if (!early)
        http_outcome_count(HTTP_LOSS_NO_MEMORY, 1);
    else if (!error) {
        early->first = tcp->sequence;
        compiler_barrier();
        http_connection_init(&early->connection, key.cgroup);
        http_outcome_count(HTTP_CONNECTION_SEEN, 1);
    }
    return early;
}

static __always_inline void take_over(struct bpf_sock *socket, struct http_connection *connection,
                                      const struct early_key *key, const struct early *early)
{
    if (connection->halves[HTTP_INGRESS].stream.kept) {
        struct http_kept *kept =
            bpf_sk_storage_get(&kept_lines, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
        if (kept)
            for (__u32 i = 0; i < HTTP_LINE_KEPT; i += 8)
                store_word(kept->bytes[HTTP_INGRESS] + i,
                           load_word(early->kept.bytes[HTTP_INGRESS] + i));
    }
    bpf_map_delete_elem(&early_connections, key);
}

/* The positions at which both directions go on; unknown where payload went by before us. */
static __always_inline void connection_begin(struct bpf_sock *socket,
                                             struct http_connection *connection, __u8 direction)
{
    struct http_stream *ingress = &connection->halves[HTTP_INGRESS].stream;
    struct http_stream *egress = &connection->halves[HTTP_EGRESS].stream;
    struct bpf_tcp_sock *tcp = bpf_tcp_sock(socket);

    if (!tcp || socket->state == BPF_TCP_SYN_SENT) /* fast open: the other's is not known yet */
        return;
    __u32 gone_by = direction == HTTP_INGRESS ? tcp->data_segs_out : tcp->data_segs_in;
    if (gone_by || tcp->bytes_received || tcp->bytes_acked > 1) {
        connection->turn.late = 1;
        ingress->phase = HTTP_PHASE_LOST;
        egress->phase = HTTP_PHASE_LOST;
        return;
    }
    http_stream_begin(ingress, tcp->rcv_nxt);
    http_stream_begin(egress, tcp->snd_nxt);
}

/* What came while there was no socket was not the connection's beginning, which is yet to come. */
static __always_inline int begins_too_late(struct bpf_sock *socket, const struct early *early)
{
    struct bpf_tcp_sock *tcp = bpf_tcp_sock(socket);

    return tcp && early->connection.turn.request_direction == HTTP_DIRECTIONS &&
           (__s32)(early->first - tcp->rcv_nxt) > 0;
}

/* What came while the connection had no socket. Empty fields of the key stay 0. */
static __always_inline struct early *early_of_child(struct bpf_sock *socket,
                                                    const struct early_key *key)
{
    struct early *early = bpf_map_lookup_elem(&early_connections, key);
    struct bpf_tcp_sock *tcp = early ? bpf_tcp_sock(socket) : 0;

    if (!tcp)
        return 0;
    if (early_is_near(early, tcp->rcv_nxt - (__u32)tcp->bytes_received))
        return early;
    bpf_map_delete_elem(&early_connections, key);
    return 0;
}

static __always_inline struct http_connection *connection_new(struct __sk_buff *skb,
                                                              struct bpf_sock *socket,
                                                              const struct tcp_packet *tcp,
                                                              __u8 direction)
{
    struct early_key key = {.cgroup = bpf_sk_cgroup_id(socket)};

    if (direction == HTTP_INGRESS)
        early_key_of_packet(&key, tcp);
    else
        early_key_of_socket(&key, socket, skb->protocol == bpf_htons(ETH_P_IP));
    struct early *early = early_of_child(socket, &key);
    if (!early && !tcp->payload_length) /* an end matters only behind an early request */
        return 0;
    int taken = early && !begins_too_late(socket, early);
    /* The other direction may be doing the same on another CPU. The one that creates the storage
     * fills it, with what it takes over already when it comes into sight; the other gets nothing or
     * finds it. */
    struct http_connection *connection = bpf_sk_storage_get(&connections, socket, 0, 0);
    if (connection)
        return connection;
    if (taken)
        connection = bpf_sk_storage_get(&connections, socket, &early->connection,
                                        BPF_SK_STORAGE_GET_F_CREATE);
    else
        connection = bpf_sk_storage_get(&connections, socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
    if (!connection)
        connection = bpf_sk_storage_get(&connections, socket, 0, 0);
    if (!connection) {
        http_outcome_count(HTTP_LOSS_NO_MEMORY, 1);
        return 0;
    }
    if (taken) {
        take_over(socket, connection, &key, early);
        return connection;
    }
    http_connection_init(connection, key.cgroup);
    connection_begin(socket, connection, direction);
    if (early) {
        struct http_stream *ingress = &connection->halves[HTTP_INGRESS].stream;
        ingress->skipped = early->first;
        ingress->seen = early->connection.halves[HTTP_INGRESS].stream.seen;
        bpf_map_delete_elem(&early_connections, &key);
    } else {
        http_outcome_count(HTTP_CONNECTION_SEEN, 1);
    }
    return connection;
}

/* Is what is missing before this packet yet to come? Not where TCP has it, and we have not. */
static __always_inline int comes_early(struct bpf_sock *socket,
                                       const struct http_connection *connection, __u32 sequence)
{
    __u32 next = connection->halves[HTTP_INGRESS].stream.next;

    if ((__s32)(sequence - next) <= 0)
        return 0;
    struct bpf_tcp_sock *tcp = bpf_tcp_sock(socket);
    return tcp && (__s32)(tcp->rcv_nxt - next) <= 0;
}

/* Counts what an ended connection leaves behind; of those that come for it, one. */
static __always_inline void connection_settle(struct http_connection *connection)
{
    __u32 zero = 0;
    struct settlement *settlement = bpf_map_lookup_elem(&settlements, &zero);
    __u8 settled;

    if (!settlement)
        return;
    bpf_spin_lock(&settlement->lock);
    settled = connection->turn.settled;
    connection->turn.settled = 1;
    bpf_spin_unlock(&settlement->lock);
    if (settled)
        return;
    struct scratch *scratch = scratch_claim();
    if (!scratch) {
        http_outcome_count(HTTP_LOSS_BUSY, 1);
        return;
    }
    scratch->frame.packet.now_ns = bpf_ktime_get_ns();
    http_connection_end(connection, &scratch->frame);
    scratch_release(scratch);
}

__noinline int http_ingress_settle(struct __sk_buff *skb)
{
    struct http_connection *connection =
        skb->sk ? bpf_sk_storage_get(&connections, skb->sk, 0, 0) : 0;

    if (connection && http_is_left(connection)) /* and not one that the socket has since */
        connection_settle(connection);
    return 0;
}

static __always_inline void connection_leave(struct __sk_buff *skb,
                                             struct http_connection *connection)
{
    if (http_leave(connection))
        http_ingress_settle(skb);
}

/* Finds the packet's connection, or makes it. 0: nothing is to be looked at. */
static __always_inline int connection_enter(struct __sk_buff *skb, __u8 direction)
{
    struct tcp_packet tcp = {};

    if (!packet_parse(skb, &tcp) || !skb->sk)
        return 0;
    struct bpf_sock *socket = bpf_sk_fullsock(skb->sk);
    if (!socket)
        return 0;
    if (socket->state == BPF_TCP_LISTEN)
        return tcp.payload_length && direction == HTTP_INGRESS;
    struct http_connection *connection = bpf_sk_storage_get(&connections, socket, 0, 0);
    if (!connection)
        connection = connection_new(skb, socket, &tcp, direction);
    if (!connection)
        return 0;
    if (direction == HTTP_EGRESS)
        return !http_has_ended(connection);
    if (http_enter(connection))
        return 1;
    connection_leave(skb, connection);
    return 0;
}

__noinline int http_ingress_enter(struct __sk_buff *skb)
{
    return connection_enter(skb, HTTP_INGRESS);
}

__noinline int http_egress_enter(struct __sk_buff *skb)
{
    return connection_enter(skb, HTTP_EGRESS);
}

/* A listener has no connection of its own. */
__noinline int http_ingress_leave(struct __sk_buff *skb)
{
    struct http_connection *connection =
        skb->sk ? bpf_sk_storage_get(&connections, skb->sk, 0, 0) : 0;

    if (connection)
        connection_leave(skb, connection);
    return 0;
}

static __always_inline void meter(struct __sk_buff *skb, __u8 direction)
{
    struct tcp_packet tcp = {};
    struct early *early = 0;
    struct http_connection *connection;

    if (!packet_parse(skb, &tcp) || !skb->sk)
        return;
    struct bpf_sock *socket = bpf_sk_fullsock(skb->sk);
    if (!socket)
        return;
    if (direction == HTTP_INGRESS && socket->state == BPF_TCP_LISTEN) {
        early = early_of_listener(socket, &tcp);
        if (!early)
            return;
        connection = &early->connection;
    } else {
        connection = bpf_sk_storage_get(&connections, socket, 0, 0);
        if (!connection)
            return;
    }
    struct http_packet packet = {
        .payload = tcp.payload_offset,
        .sequence = tcp.sequence,
        .length = tcp.payload_length,
        .direction = direction,
        .fin = tcp.fin_or_rst,
    };
    if (!http_packet_concerns(connection, &packet))
        return;
    struct scratch *scratch = scratch_claim();
    if (!scratch) {
        http_outcome_count(HTTP_LOSS_BUSY, 1);
        return;
    }
    packet.now_ns = bpf_ktime_get_ns();
    packet.early =
        direction == HTTP_INGRESS && (early || comes_early(socket, connection, tcp.sequence));
    scratch->frame.packet = packet;
    frame_packet(skb, socket, early, connection, &scratch->frame);
    scratch_release(scratch);
}

__noinline int http_ingress_in_full(struct __sk_buff *skb)
{
    meter(skb, HTTP_INGRESS);
    return 0;
}

__noinline int http_egress_in_full(struct __sk_buff *skb)
{
    meter(skb, HTTP_EGRESS);
    return 0;
}

/* The short way, which most packets go. 0: the packet is to be looked at in full. */
static __always_inline int meter_plain(struct __sk_buff *skb, __u8 direction)
{
    struct tcp_packet tcp;

    if (!packet_parse(skb, &tcp))
        return 1;
    struct bpf_sock *socket = skb->sk;
    if (!socket)
        return 1;
    struct http_connection *connection = bpf_sk_storage_get(&connections, socket, 0, 0);
    if (!connection)
        return 0;
    if (http_has_ended(connection))
        return 1;
    struct http_packet packet = {
        .sequence = tcp.sequence,
        .length = tcp.payload_length,
        .direction = direction,
        .fin = tcp.fin_or_rst,
    };
    if (!http_packet_may_be_plain(connection, &packet))
        return !http_packet_concerns(connection, &packet);
    __u64 head = http_plain_head_of(skb, tcp.payload_offset, tcp.payload_length);
    if (!head)
        return 0;
    packet.now_ns = direction == HTTP_EGRESS ? skb->tstamp : 0; /* TCP has read its clock */
    if (!packet.now_ns) /* read here, where nothing is waited for that it would wait for, too */
        packet.now_ns = bpf_ktime_get_ns();
    if (direction == HTTP_EGRESS)
        return http_packet_plain(connection, &packet, head);
    int done = !http_enter(connection) || http_packet_plain(connection, &packet, head);
    connection_leave(skb, connection);
    return done;
}

SEC("cgroup_skb/ingress")
int http_ingress(struct __sk_buff *skb)
{
    if (!meter_plain(skb, HTTP_INGRESS) && http_ingress_enter(skb)) {
        http_ingress_in_full(skb);
        http_ingress_leave(skb);
    }
    return 1;
}

SEC("cgroup_skb/egress")
int http_egress(struct __sk_buff *skb)
{
    if (!meter_plain(skb, HTTP_EGRESS) && http_egress_enter(skb))
        http_egress_in_full(skb);
    return 1;
}

static __always_inline void connection_end(struct bpf_sock *socket)
{
    struct http_connection *connection = bpf_sk_storage_get(&connections, socket, 0, 0);

    if (!connection)
        return;
    http_enter_at_end(connection);
    if (http_leave(connection))
        connection_settle(connection);
}

/* A socket that has connected before begins anew. */
static __always_inline void connection_begin_anew(struct bpf_sock *socket)
{
    struct http_connection *connection = bpf_sk_storage_get(&connections, socket, 0, 0);

    if (connection && http_is_left(connection))
        bpf_sk_storage_delete(&connections, socket);
}

/* Tells when a connection ends, however it ends: with it end the requests that still wait.
 * Connections that were open before the start do not tell. */
SEC("sockops")
int http_sockets(struct bpf_sock_ops *ops)
{
    if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && ops->sk)
        connection_begin_anew(ops->sk);
    if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
        ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
    else if (ops->op == BPF_SOCK_OPS_STATE_CB && ops->args[1] == BPF_TCP_CLOSE && ops->sk)
        connection_end(ops->sk);
    return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
