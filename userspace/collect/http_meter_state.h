/* SPDX-License-Identifier: Apache-2.0 */
/* What the meter holds, for http_meter.c and http_meter_rows.c alone. */
#ifndef EDGEMETER_COLLECT_HTTP_METER_STATE_H
#define EDGEMETER_COLLECT_HTTP_METER_STATE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collect/http_meter.h"
#include "http_connection_state.h"
#include "http_meter.skel.h"

#define HTTP_METER_BATCH 256 /* rows read with one system call */

struct http_meter {
    struct http_meter_bpf *bpf;
    struct bpf_link *ingress, *egress, *sockets;
    struct http_row_entry *rows;         /* `capacity`, and the surplus rows */
    struct http_native_row *native_rows; /* as many; NULL: off */
    struct http_row_key *batch_keys;
    struct http_row *batch_values;
    uint32_t capacity;
    int cpus;
    bool no_batch; /* this kernel has no batch look-ups for hashes */
};

#endif
