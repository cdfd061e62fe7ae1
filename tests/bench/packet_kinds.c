/* SPDX-License-Identifier: Apache-2.0 */
/* What one packet of each kind costs, by BPF_PROG_TEST_RUN: hand-made IPv4 TCP packets, run over
 * and over on a socket that the kernel makes up. Prints nanoseconds; asserts only that the packets
 * did what their kind says.
 *
 * How to read it: everything is hot in the caches and the packet is one linear buffer, so these are
 * floors for comparing kinds and builds; bench-http has what it costs under load. Setting the
 * connection's state before each run is measured alone, in turn, and taken off. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_connection_state.h" /* the skeleton needs its types */
#include "packet_kinds.skel.h"

#define SEQUENCE 1000u
#define PACKET_BYTES 4096
#define ROUNDS 15 /* at most this many are kept of each kind */
#define BOUNDS 14 /* latency bounds in use, as by default */

#define TEXT(literal) literal, sizeof(literal) - 1
#define GET "GET /page.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
#define GET4 GET GET GET GET
#define BROWSER_GET                                                                          \
    "GET /shop/orders/12345?page=2 HTTP/1.1\r\nHost: shop.example.com\r\n"                   \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"            \
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"        \
    "Referer: https://shop.example.com/shop/orders\r\nConnection: keep-alive\r\n"            \
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all\r\n"          \
    "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
#define FIELD100                                                                          \
    "X-Consent-Choices: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
    "0123456789abcde\r\n"
#define FIELD400 FIELD100 FIELD100 FIELD100 FIELD100
#define SHORT_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
#define RESPONSE_HEAD(length)                                                            \
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n" \
    "Content-Type: text/html\r\nContent-Length: " length "\r\n"                          \
    "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\n"         \
    "ETag: \"6955b900-14\"\r\nAccept-Ranges: bytes\r\n\r\n"
#define CHUNK "5\r\nhello\r\n"
#define CHUNK4 CHUNK CHUNK CHUNK CHUNK

struct kind {
    const char *name;
    const char *payload;
    unsigned int length;
    enum http_direction direction;
    enum http_phase phase; /* of that direction, before the packet */
    bool asked;            /* a request waits */
    bool answers;          /* and this is the end of its answer */
    bool fresh;            /* of a connection whose requests' direction is not known yet */
    bool differs;          /* its head is not the one read before */
};

static const char body[1448];

static const struct kind kinds[] = {
    {"pure ACK", body, 0, HTTP_INGRESS, HTTP_PHASE_START},
    {"mid-body segment, 1448 bytes", body, sizeof(body), HTTP_EGRESS, HTTP_PHASE_BODY},
    {"GET of 48 bytes, again", TEXT(GET), HTTP_INGRESS, HTTP_PHASE_START},
    {"GET of 48 bytes", TEXT(GET), HTTP_INGRESS, HTTP_PHASE_START, .differs = true},
    {"GET of a browser, 560 bytes", TEXT(BROWSER_GET "\r\n"), HTTP_INGRESS, HTTP_PHASE_START},
    {"GET of a browser, 1360 bytes", TEXT(BROWSER_GET FIELD400 FIELD400 "\r\n"), HTTP_INGRESS,
     HTTP_PHASE_START},
    {"16 GETs pipelined", TEXT(GET4 GET4 GET4 GET4), HTTP_INGRESS, HTTP_PHASE_START},
    {"response of 240 + 20 bytes, again", TEXT(RESPONSE_HEAD("20") "hello from the edge\n"),
     HTTP_EGRESS, HTTP_PHASE_START, .asked = true, .answers = true},
    {"response of 240 + 20 bytes", TEXT(RESPONSE_HEAD("20") "hello from the edge\n"), HTTP_EGRESS,
     HTTP_PHASE_START, .asked = true, .answers = true, .differs = true},
    {"response of 39 + 20 bytes", TEXT(SHORT_HEAD "hello from the edge\n"), HTTP_EGRESS,
     HTTP_PHASE_START, .asked = true, .answers = true, .differs = true},
    {"response head, body to come", TEXT(RESPONSE_HEAD("1000000")), HTTP_EGRESS, HTTP_PHASE_START,
     .asked = true},
    {"16 chunks of a response", TEXT(CHUNK4 CHUNK4 CHUNK4 CHUNK4), HTTP_EGRESS,
     HTTP_PHASE_CHUNK_SIZE},
    {"not HTTP, the first packet", TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello"),
     HTTP_INGRESS, HTTP_PHASE_START, .fresh = true},
    {"not HTTP, every later packet", body, sizeof(body), HTTP_INGRESS, HTTP_PHASE_IGNORED},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct packet {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct tcphdr tcp;
    char payload[PACKET_BYTES - 54];
} __attribute__((packed));
_Static_assert(sizeof(struct packet) == PACKET_BYTES, "what the largest kind fits in");

static unsigned int packet_make(const struct kind *kind, struct packet *packet)
{
    unsigned int length = sizeof(packet->ip) + sizeof(packet->tcp) + kind->length;

    memset(packet, 0, sizeof(*packet));
    packet->ethernet.h_proto = htons(ETH_P_IP);
    packet->ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP};
    packet->ip.tot_len = htons(length);
    packet->ip.saddr = packet->ip.daddr = htonl(INADDR_LOOPBACK);
    packet->tcp = (struct tcphdr){.source = htons(40000), .dest = htons(80), .doff = 5, .ack = 1};
    packet->tcp.seq = htonl(SEQUENCE);
    memcpy(packet->payload, kind->payload, kind->length);
    return sizeof(packet->ethernet) + length;
}

static void connection_make(const struct kind *kind, struct http_connection *connection)
{
    struct http_stream *stream = &connection->halves[kind->direction].stream;

    memset(connection, 0, sizeof(*connection));
    connection->cgroup = 1;
    connection->turn.request_direction = kind->fresh ? HTTP_DIRECTIONS : HTTP_INGRESS;
    connection->counts[HTTP_INGRESS] = kind->asked;
    connection->lone_number = kind->asked ? 0 : HTTP_NO_NUMBER;
    connection->lone_method = HTTP_METHOD_GET;
    connection->lone_start_ns = 1;
    stream->phase = kind->phase;
    stream->next = kind->phase == HTTP_PHASE_BODY ? SEQUENCE + (1 << 20) : SEQUENCE;
    stream->seen = stream->next;
    connection->idle_next[kind->direction] = stream->next;
    connection->turn.idle[kind->direction] = kind->phase == HTTP_PHASE_START && !kind->fresh;
    if (kind->direction == HTTP_EGRESS)
        stream->flags = HTTP_HEAD_IS_RESPONSE | HTTP_HEAD_IS_CHUNKED;
}

/* Nanoseconds a run, or a negative errno. */
static int run(const struct bpf_program *program, const struct packet *packet, unsigned int length,
               unsigned int repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = length,
                .repeat = repeat);

    int error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
    if (error)
        return -errno;
    return options.retval == 1 ? (int)options.duration : -EPROTO;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* How many exchanges were counted in rows so far. */
static __u64 counted(const struct packet_kinds_bpf *bpf)
{
    __u32 outcome = HTTP_HEAD_COUNTED;
    int cpus = libbpf_num_possible_cpus();
    __u64 *values = calloc(cpus, sizeof(*values)), total = 0;

    if (values && !bpf_map_lookup_elem(bpf_map__fd(bpf->maps.outcomes), &outcome, values))
        for (int cpu = 0; cpu < cpus; cpu++)
            total += values[cpu];
    free(values);
    return total;
}

static int measure(struct packet_kinds_bpf *bpf, const struct kind *kind, unsigned int repeat)
{
    const struct bpf_program *program =
        kind->direction == HTTP_INGRESS ? bpf->progs.rewind_ingress : bpf->progs.rewind_egress;
    struct packet packet;
    unsigned int length = packet_make(kind, &packet);
    int net[ROUNDS];

    connection_make(kind, &bpf->bss->rewound);
    bpf->bss->remembers_nothing = kind->differs;
    __u64 before = counted(bpf);
    for (int i = 0; i < ROUNDS; i++) {
        int with = run(program, &packet, length, repeat);
        int without = run(bpf->progs.rewind_alone, &packet, length, repeat);
        if (with < 0 || without < 0) {
            printf("%-34s cannot be run on this kernel: %s\n", kind->name,
                   strerror(with < 0 ? -with : -without));
            return 0;
        }
        net[i] = with - without;
    }
    qsort(net, ROUNDS, sizeof(net[0]), compare);
    printf("%-34s %6d   %d to %d\n", kind->name, net[ROUNDS / 2], net[0], net[ROUNDS - 1]);
    __u64 expected = kind->answers ? (__u64)repeat * ROUNDS : 0;
    if (counted(bpf) - before == expected)
        return 0;
    fprintf(stderr,
            "%s: %llu exchanges counted where %llu were played; the figure is not to be used\n",
            kind->name, (unsigned long long)(counted(bpf) - before), (unsigned long long)expected);
    return 1;
}

static struct packet_kinds_bpf *load(void)
{
    struct packet_kinds_bpf *bpf = packet_kinds_bpf__open();
    int cpus = libbpf_num_possible_cpus();

    if (!bpf)
        return NULL;
    for (int i = 0; i < HTTP_MAX_BOUNDS; i++)
        bpf->rodata->bucket_bounds_ns[i] = i < BOUNDS ? 1000000ull << i : UINT64_MAX;
    bpf->rodata->role_enabled[HTTP_ROLE_SERVER] = bpf->rodata->role_enabled[HTTP_ROLE_CLIENT] = 1;
    bpf->rodata->scratch_count = HTTP_SCRATCHES_LEAST;
    int error = cpus < 0 ? cpus
                         : bpf_map__set_max_entries(bpf->maps.scratches,
                                                    HTTP_SCRATCHES_LEAST + (__u32)cpus);
    if (!error)
        error = packet_kinds_bpf__load(bpf);
    if (error) {
        packet_kinds_bpf__destroy(bpf);
        errno = -error;
        return NULL;
    }
    return bpf;
}

int main(int argc, char **argv)
{
    unsigned int repeat = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    int wrong = 0;

    if (argc > 2 || !repeat) {
        fprintf(stderr, "usage: %s [RUNS_A_ROUND]\n", argv[0]);
        return 2;
    }
    struct packet_kinds_bpf *bpf = load();
    if (!bpf) {
        printf("SKIP: the BPF programs cannot be loaded: %s (not root?)\n", strerror(errno));
        return 77;
    }
    printf("ns per packet by BPF_PROG_TEST_RUN, %d rounds of %u\n", ROUNDS, repeat);
    printf("%-34s median   range\n", "");
    for (size_t i = 0; i < KINDS; i++)
        wrong |= measure(bpf, &kinds[i], repeat);
    packet_kinds_bpf__destroy(bpf);
    return wrong;
}
