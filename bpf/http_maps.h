/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The maps and the settings of the HTTP meter. Sizes that depend on the machine or the
 * configuration are set between open and load. */
#ifndef EDGEMETER_BPF_HTTP_MAPS_H
#define EDGEMETER_BPF_HTTP_MAPS_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "http_memo.h"

/* Settings; read-only once loaded. */
const volatile __u64 bucket_bounds_ns[HTTP_MAX_BOUNDS]; /* ascending; the unused ones ~0 */
const volatile __u8 role_enabled[HTTP_ROLES];
const volatile __u32 scratch_count = HTTP_SCRATCHES_LEAST;
const volatile __u8 routes_on, hosts_on, native_on;
const volatile __u64 native_bounds_ns[HTTP_NATIVE_BUCKETS]; /* ascending; the last ~0 */

/* A place to work on one packet. Ingress can interrupt egress on the same CPU, and a preemptible
 * kernel can put one egress before another: several, claimed by counting. */
struct scratch {
    struct http_frame frame; /* the one whose claim made frame.claims 1 has it */
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, HTTP_SCRATCHES_LEAST); /* scratch_count, and one more for each CPU */
    __type(key, __u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

/* See http_memo_of. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, struct http_memo);
} memos SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct http_connection);
} connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct http_kept);
} kept_lines SEC(".maps");

/* Not preallocated: a preallocated element is reused at once after its deletion, and a racing add
 * would hit another row. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 4096); /* http_metrics.max_rows */
    __type(key, struct http_row_key);
    __type(value, struct http_row);
} rows SEC(".maps");

/* Only where native_on: the exponential histogram of a row, under its key. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct http_row_key);
    __type(value, struct http_native_row);
} native_rows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct http_native_row);
} blank_native_row SEC(".maps");

/* Numbers, from 1, of the configured routes and hosts. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct http_route_key);
    __type(value, __u32);
} routes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct http_host_key);
    __type(value, __u32);
} hosts SEC(".maps");

/* Where counts go that found no room in `rows`. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, HTTP_ROLES);
    __type(key, __u32);
    __type(value, struct http_row);
} surplus_rows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct http_row);
} blank_row SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, HTTP_OUTCOMES);
    __type(key, __u32);
    __type(value, __u64);
} outcomes SEC(".maps");

/* One for all: held while one field is read and written, at a connection's end. */
struct settlement {
    struct bpf_spin_lock lock;
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct settlement);
} settlements SEC(".maps");

/* Connections whose first payload came before they had a socket. */
struct early_key {
    __u64 cgroup;
    __u32 remote[4], local[4];
    __be16 remote_port, local_port;
    __u32 reserved;
};

#define EARLY_REACH (1u << 20) /* bytes; more than a listener takes for a connection */

struct early {
    struct http_connection connection;
    struct http_kept kept;
    __u32 first; /* sequence number at which it begins; bytes before it may yet come */
    __u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct early_key);
    __type(value, struct early);
} early_connections SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct early);
} blank_early SEC(".maps");

#endif
