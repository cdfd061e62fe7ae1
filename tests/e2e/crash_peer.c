/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of an agent that is killed again and again: targets whose every page has a number, and
 * a receiver of remote write 1.0 that knows which pages were given out. Whoever kills tells it by
 * commands on stdin, each answered by one line:
 *
 *   up          the receiver takes requests
 *   down        it does not listen, and its connections are broken
 *   refuse      it answers 503
 *   hole        it accepts connections and requests, and never answers
 *   forget      it takes every third request and closes the connection instead of answering
 *   given       how many pages were given out, of all targets together
 *   killed      the agent has ended: what each target gave out last, which is the answer, may be
 *               missing
 *   report      what has arrived
 *
 *   crash_peer TARGETS SERIES */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TARGETS_MAX 200
#define SERIES_MAX 5000
#define SCRAPES_MAX 20000
#define REQUEST_MAX (16 << 20)
#define CONNECTIONS_MAX 1024

enum mode { UP, DOWN, REFUSE, HOLE, FORGET };

struct target {
    uint32_t given;    /* pages that were given out; they are numbered 1, 2, ... */
    uint32_t failed;   /* scrapes that the agent itself calls failed */
    uint8_t *seen;     /* a bit for each page and series */
    uint32_t *arrived; /* series of each page */
    bool *excused;     /* each page */
    uint32_t *newest;  /* page of each series */
};

static struct {
    pthread_mutex_t mutex;
    enum mode mode;
    unsigned target_count, series_count;
    struct target targets[TARGETS_MAX];
    int receiver_fd; /* listens; -1: down */
    uint16_t receiver_port;
    int connections[CONNECTIONS_MAX]; /* of the receiver; 0: free */
    unsigned target_connections;
    uint64_t requests, samples, duplicates, disordered, unknown;
} peer = {.mutex = PTHREAD_MUTEX_INITIALIZER, .receiver_fd = -1};

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "crash_peer: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- what arrives ---- */

struct bytes {
    const uint8_t *at, *end;
};

static uint64_t varint(struct bytes *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
        value |= (uint64_t)(*in->at & 0x7f) << shift;
        if (!(*in->at++ & 0x80))
            return value;
    }
    in->at = in->end;
    return 0;
}

/* The next member of a message: its number, and its bytes where it has some, else its value. */
static unsigned member(struct bytes *in, struct bytes *out, uint64_t *value)
{
    if (in->at >= in->end)
        return 0;
    uint64_t tag = varint(in);
    uint64_t length = 8;
    *value = 0;
    *out = (struct bytes){};
    if ((tag & 7) == 0) {
        *value = varint(in);
        return (unsigned)(tag >> 3);
    }
    if ((tag & 7) == 2)
        length = varint(in);
    if (length > (uint64_t)(in->end - in->at))
        return 0;
    *out = (struct bytes){in->at, in->at + length};
    in->at += length;
    return (unsigned)(tag >> 3);
}

static bool equals(struct bytes bytes, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(bytes.end - bytes.at) == length && memcmp(bytes.at, text, length) == 0;
}

static unsigned number_of(struct bytes bytes)
{
    unsigned number = 0;
    for (; bytes.at < bytes.end && *bytes.at >= '0' && *bytes.at <= '9'; bytes.at++)
        number = number * 10 + (unsigned)(*bytes.at - '0');
    return number;
}

static void take_page(unsigned t, unsigned series, double value)
{
    struct target *target = &peer.targets[t];
    if (t >= peer.target_count || series >= peer.series_count || !(value >= 1) ||
        value > target->given) {
        peer.unknown += value == value; /* a stale marker is no page */
        return;
    }
    uint32_t page = (uint32_t)value;
    size_t bit = (size_t)page * peer.series_count + series;
    peer.samples++;
    if (target->seen[bit / 8] & 1u << bit % 8) {
        peer.duplicates++;
        return;
    }
    target->seen[bit / 8] |= (uint8_t)(1u << bit % 8);
    target->arrived[page]++;
    if (page < target->newest[series])
        peer.disordered++;
    else
        target->newest[series] = page;
}

static void take_series(struct bytes in)
{
    struct bytes part, name = {}, target = {}, series = {}, job = {};
    uint64_t value;
    unsigned number;
    for (struct bytes again = in; (number = member(&again, &part, &value));) {
        struct bytes key = {}, text = {};
        if (number != 1)
            continue;
        while ((number = member(&part, number == 1 && !key.at ? &key : &text, &value)))
            ;
        if (equals(key, "__name__"))
            name = text;
        else if (equals(key, "target"))
            target = text;
        else if (equals(key, "series"))
            series = text;
        else if (equals(key, "job"))
            job = text;
    }
    while ((number = member(&in, &part, &value))) {
        struct bytes bits;
        double sample = 0;
        if (number != 2)
            continue;
        while ((number = member(&part, &bits, &value)))
            if (number == 1 && bits.end - bits.at == 8)
                memcpy(&sample, bits.at, 8);
        if (equals(name, "crash"))
            take_page(number_of(target), number_of(series), sample);
        else if (equals(name, "up") && sample == 0 && number_of(job) < peer.target_count)
            peer.targets[number_of(job)].failed++;
    }
}

static bool take_request(const char *body, size_t length)
{
    size_t size;
    struct bytes part;
    uint64_t value;
    if (snappy_uncompressed_length(body, length, &size) || size > REQUEST_MAX)
        return false;
    char *message = malloc(size + 1);
    if (!message || snappy_uncompress(body, length, message, &size)) {
        free(message);
        return false;
    }
    struct bytes in = {(uint8_t *)message, (uint8_t *)message + size};
    while (member(&in, &part, &value) == 1)
        take_series(part);
    free(message);
    peer.requests++;
    return in.at == in.end;
}

/* ---- connections ---- */

struct connection {
    int fd;
    bool is_target;
    char *bytes;
    size_t length;
};

static bool read_more(struct connection *c)
{
    if (c->length == REQUEST_MAX)
        return false;
    ssize_t got = read(c->fd, c->bytes + c->length, REQUEST_MAX - c->length);
    if (got <= 0)
        return false;
    c->length += (size_t)got;
    c->bytes[c->length] = '\0';
    return true;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

static bool give_page(struct connection *c)
{
    unsigned t = 0;
    sscanf(c->bytes, "GET /%u", &t);
    if (t >= peer.target_count)
        return false;
    pthread_mutex_lock(&peer.mutex);
    uint32_t page = ++peer.targets[t].given;
    pthread_mutex_unlock(&peer.mutex);
    if (page >= SCRAPES_MAX)
        return false;
    char *text = malloc(peer.series_count * 64 + 256), *at = text + 256;
    for (unsigned i = 0; i < peer.series_count; i++)
        at += sprintf(at, "crash{target=\"%u\",series=\"%u\"} %u\n", t, i, page);
    char head[256];
    int length = sprintf(head,
                         "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         (size_t)(at - text - 256));
    memcpy(text + 256 - length, head, (size_t)length);
    bool done = write_all(c->fd, text + 256 - length, (size_t)(at - text - 256 + length));
    free(text);
    return done;
}

static bool is_hole(void)
{
    pthread_mutex_lock(&peer.mutex);
    bool hole = peer.mode == HOLE;
    pthread_mutex_unlock(&peer.mutex);
    return hole;
}

static bool take_write(struct connection *c, const char *body, size_t length)
{
    if (is_hole()) {
        while (is_hole())
            usleep(10000);
        return false;
    }
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    };
    int answer = 2;
    pthread_mutex_lock(&peer.mutex);
    if (peer.mode == UP || peer.mode == FORGET)
        answer = !take_request(body, length);
    bool close_instead = peer.mode == DOWN || (peer.mode == FORGET && peer.requests % 3 == 0);
    pthread_mutex_unlock(&peer.mutex);
    return !close_instead && write_all(c->fd, answers[answer], strlen(answers[answer]));
}

/* One request; what of the next one has come stays. */
static bool serve_one(struct connection *c)
{
    char *end;
    while (!(end = strstr(c->bytes, "\r\n\r\n")))
        if (!read_more(c))
            return false;
    size_t head = (size_t)(end + 4 - c->bytes), body = 0;
    const char *field = strcasestr(c->bytes, "\r\nContent-Length:");
    if (field && field < end)
        body = strtoul(field + 17, NULL, 10);
    while (c->length < head + body)
        if (!read_more(c))
            return false;
    bool served = c->is_target ? give_page(c) : take_write(c, c->bytes + head, body);
    c->length -= head + body;
    memmove(c->bytes, c->bytes + head + body, c->length + 1);
    return served;
}

static void note_connection(const struct connection *c, bool is_open)
{
    int fd = c->fd;
    pthread_mutex_lock(&peer.mutex);
    if (c->is_target)
        peer.target_connections += is_open ? 1 : -1u;
    for (size_t i = 0; i < CONNECTIONS_MAX && !c->is_target; i++) {
        if (peer.connections[i] != (is_open ? 0 : fd))
            continue;
        peer.connections[i] = is_open ? fd : 0;
        break;
    }
    pthread_mutex_unlock(&peer.mutex);
}

static void *connection_thread(void *context)
{
    struct connection *c = context;
    c->bytes = malloc(REQUEST_MAX + 1);
    if (!c->bytes)
        die("a connection");
    c->bytes[0] = '\0';
    while (serve_one(c))
        ;
    note_connection(c, false);
    close(c->fd);
    free(c->bytes);
    free(c);
    return NULL;
}

static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 128) < 0 || getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

struct listener {
    int fd;
    bool is_target;
};

/* Until its socket is shut down. */
static void *listener_thread(void *context)
{
    struct listener listener = *(struct listener *)context;
    free(context);
    for (int fd; (fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        struct connection *c = calloc(1, sizeof(*c));
        pthread_t thread;
        if (!c)
            die("a connection");
        *c = (struct connection){.fd = fd, .is_target = listener.is_target};
        note_connection(c, true);
        if (pthread_create(&thread, NULL, connection_thread, c))
            die("a thread");
        pthread_detach(thread);
    }
    close(listener.fd);
    return NULL;
}

static void start_listener(int fd, bool is_target)
{
    struct listener *listener = malloc(sizeof(*listener));
    pthread_t thread;
    *listener = (struct listener){fd, is_target};
    if (pthread_create(&thread, NULL, listener_thread, listener))
        die("a thread");
    pthread_detach(thread);
}

/* ---- commands ---- */

static void set_mode(enum mode mode)
{
    pthread_mutex_lock(&peer.mutex);
    peer.mode = mode;
    if (mode == DOWN && peer.receiver_fd >= 0) {
        shutdown(peer.receiver_fd, SHUT_RDWR);
        peer.receiver_fd = -1;
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            if (peer.connections[i])
                shutdown(peer.connections[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&peer.mutex);
    if (mode != DOWN && peer.receiver_fd < 0) {
        usleep(20000); /* the listener before has closed its socket */
        peer.receiver_fd = listen_on(&peer.receiver_port);
        start_listener(peer.receiver_fd, false);
    }
    puts("ok");
}

static void report_given(void)
{
    uint64_t given = 0;
    pthread_mutex_lock(&peer.mutex);
    for (unsigned t = 0; t < peer.target_count; t++)
        given += peer.targets[t].given;
    pthread_mutex_unlock(&peer.mutex);
    printf("%lu\n", given);
}

/* The agent's last requests may still be on their way to us. */
static void wait_for_last_requests(void)
{
    usleep(20000); /* for what is not accepted yet */
    pthread_mutex_lock(&peer.mutex);
    while (peer.target_connections) {
        pthread_mutex_unlock(&peer.mutex);
        usleep(1000);
        pthread_mutex_lock(&peer.mutex);
    }
    pthread_mutex_unlock(&peer.mutex);
}

static void excuse_last_pages(void)
{
    wait_for_last_requests();
    pthread_mutex_lock(&peer.mutex);
    for (unsigned t = 0; t < peer.target_count; t++) {
        peer.targets[t].excused[peer.targets[t].given] = true;
        printf("%s%u", t ? " " : "", peer.targets[t].given);
    }
    putchar('\n');
    pthread_mutex_unlock(&peer.mutex);
}

static void report(void)
{
    uint64_t given = 0, whole = 0, excused = 0, failed = 0, missing = 0, part = 0;
    pthread_mutex_lock(&peer.mutex);
    for (unsigned t = 0; t < peer.target_count; t++) {
        const struct target *target = &peer.targets[t];
        uint32_t absent = 0, last_absent = 0;
        given += target->given;
        for (uint32_t page = 1; page <= target->given; page++) {
            bool none = target->arrived[page] == 0;
            if (target->arrived[page] == peer.series_count)
                whole++;
            else if (none && target->excused[page])
                excused++;
            else if (none)
                last_absent = page, absent++;
            else
                part++;
        }
        failed += absent < target->failed ? absent : target->failed;
        if (absent <= target->failed)
            continue;
        missing += absent - target->failed;
        fprintf(stderr, "target %u: %u pages missing, %u scrapes failed; the last is %u\n", t,
                absent, target->failed, last_absent);
    }
    printf("given=%lu whole=%lu excused=%lu failed=%lu missing=%lu part=%lu samples=%lu "
           "duplicates=%lu disordered=%lu unknown=%lu requests=%lu\n",
           given, whole, excused, failed, missing, part, peer.samples, peer.duplicates,
           peer.disordered, peer.unknown, peer.requests);
    pthread_mutex_unlock(&peer.mutex);
}

static void obey(const char *command)
{
    static const struct {
        const char *name;
        enum mode mode;
    } modes[] = {{"up\n", UP},
                 {"down\n", DOWN},
                 {"refuse\n", REFUSE},
                 {"hole\n", HOLE},
                 {"forget\n", FORGET}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(command, modes[i].name) == 0) {
            set_mode(modes[i].mode);
            return;
        }
    }
    if (strcmp(command, "given\n") == 0)
        report_given();
    else if (strcmp(command, "killed\n") == 0)
        excuse_last_pages();
    else if (strcmp(command, "report\n") == 0)
        report();
    else
        die(command);
}

int main(int argc, char **argv)
{
    uint16_t target_port = 0;
    char command[64];
    peer.target_count = argc == 3 ? (unsigned)atoi(argv[1]) : 0;
    peer.series_count = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
    if (!peer.target_count || peer.target_count > TARGETS_MAX || !peer.series_count ||
        peer.series_count > SERIES_MAX)
        die("usage: crash_peer TARGETS SERIES");
    for (unsigned t = 0; t < peer.target_count; t++) {
        struct target *target = &peer.targets[t];
        target->seen = calloc((size_t)SCRAPES_MAX * peer.series_count / 8 + 1, 1);
        target->arrived = calloc(SCRAPES_MAX, sizeof(*target->arrived));
        target->excused = calloc(SCRAPES_MAX, sizeof(*target->excused));
        target->newest = calloc(peer.series_count, sizeof(*target->newest));
        if (!target->seen || !target->arrived || !target->excused || !target->newest)
            die("memory");
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    start_listener(listen_on(&target_port), true);
    peer.receiver_fd = listen_on(&peer.receiver_port);
    start_listener(peer.receiver_fd, false);
    printf("targets=%u receiver=%u\n", target_port, peer.receiver_port);
    while (fgets(command, sizeof(command), stdin))
        obey(command);
    return 0;
}
