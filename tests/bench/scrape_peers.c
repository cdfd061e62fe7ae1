/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around an agent in bench-scrape, cheap enough not to be what is measured: targets
 * that show an exporter's page in which half of the values change every second, and a remote that
 * takes whatever is posted and answers 204 (to 2.0 that all of it was written).
 *
 *   scrape_peers PAGE PORTS [SERIES]
 *
 * One port for each agent, on all loopback addresses; they are printed, a line each. GET /count
 * gives how many pages the port has served, anything else is a page. With SERIES the page is made
 * up for every scrape, of so many series; with a minus before it every series is a new one. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_PORTS 16
#define REQUEST_MAX (64 * 1024) /* bytes of a head */
#define PIECE (256 * 1024)

struct page {
    unsigned references;
    size_t length;
    char bytes[];
};

struct peer {
    int fd;            /* of a port that is listened on, of a connection, or of the timer */
    struct port *port; /* NULL: the timer */
    bool listens;
    char request[REQUEST_MAX];
    size_t request_length;
    size_t body_left;  /* of a POST, to be read */
    bool is_v2;        /* the POST wants to be told what was written */
    struct page *page; /* being sent; NULL: none */
    char head[256];
    size_t head_length, sent;
};

struct port {
    unsigned long pages, posts, bytes;
};

static struct port ports[MAX_PORTS];
static char *source; /* of the page */
static size_t source_length;
static long series; /* 0: the source is a page */
static unsigned long generation;
static struct page *current;
static int epoll_fd;

__attribute__((noreturn)) static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- pages ---- */

static void page_release(struct page *page)
{
    if (page && --page->references == 0)
        free(page);
}

static struct page *page_new(size_t capacity)
{
    struct page *page = malloc(sizeof(*page) + capacity);
    if (!page)
        die("page");
    page->references = 1;
    page->length = 0;
    return page;
}

/* The line with another value, as many digits as a real one. */
static size_t change_line(char *out, const char *line, size_t length, unsigned number)
{
    const char *space = memrchr(line, ' ', length);
    char value[32];
    snprintf(value, sizeof(value), "%.*s", (int)(line + length - space - 1), space + 1);
    return (size_t)sprintf(out, "%.*s %.15g", (int)(space - line), line,
                           strtod(value, NULL) + (double)generation * (1 + number % 7) / 2);
}

static struct page *page_of_source(void)
{
    struct page *page = page_new(2 * source_length + 64);
    unsigned number = 0;

    for (const char *line = source, *end; line < source + source_length; line = end + 1) {
        end = memchr(line, '\n', (size_t)(source + source_length - line));
        if (!end)
            end = source + source_length;
        size_t length = (size_t)(end - line);
        char *out = page->bytes + page->length;
        bool changes = length && *line != '#' && number++ % 2;
        if (changes)
            length = change_line(out, line, length, number);
        else
            memcpy(out, line, length);
        out[length] = '\n';
        page->length += length + 1;
    }
    return page;
}

static struct page *page_made_up(void)
{
    unsigned long count = (unsigned long)labs(series), first = series < 0 ? generation * count : 0;
    struct page *page = page_new(count * 120 + 64);

    for (unsigned long i = 0; i < count; i++)
        page->length += (size_t)sprintf(page->bytes + page->length,
                                        "edge_requests_total{handler=\"/api/v1/"
                                        "query_range\",code=\"200\",shard=\"%08lu\"} %lu\n",
                                        first + i, i % 2 ? i + generation : i);
    return page;
}

static void page_renew(void)
{
    page_release(current);
    generation++;
    current = series ? page_made_up() : page_of_source();
}

/* ---- connections ---- */

static void peer_close(struct peer *peer)
{
    close(peer->fd);
    page_release(peer->page);
    free(peer);
}

static void peer_watch(struct peer *peer, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(epoll_fd, operation, peer->fd, &event))
        die("epoll_ctl");
}

/* Sends what the socket takes; false: the connection is closed. */
static bool peer_send(struct peer *peer)
{
    size_t total = peer->head_length + (peer->page ? peer->page->length : 0);

    while (peer->sent < total) {
        bool in_head = peer->sent < peer->head_length;
        const char *bytes =
            in_head ? peer->head + peer->sent : peer->page->bytes + peer->sent - peer->head_length;
        size_t length = (in_head ? peer->head_length : total) - peer->sent;
        bool more = in_head && peer->page;
        ssize_t sent = send(peer->fd, bytes, length, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
        if (sent < 0 && errno == EAGAIN) {
            peer_watch(peer, EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent <= 0) {
            peer_close(peer);
            return false;
        }
        peer->sent += (size_t)sent;
    }
    page_release(peer->page);
    peer->page = NULL;
    peer->head_length = peer->sent = 0;
    return true;
}

static void answer_get(struct peer *peer)
{
    if (!strncmp(peer->request, "GET /count ", 11)) {
        char body[64];
        int length = snprintf(body, sizeof(body), "%lu %lu %lu\n", peer->port->pages,
                              peer->port->posts, peer->port->bytes);
        peer->head_length = (size_t)sprintf(
            peer->head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
        return;
    }
    peer->port->pages++;
    if (series)
        page_renew();
    peer->page = current;
    current->references++;
    peer->head_length =
        (size_t)sprintf(peer->head,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
                        "version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
                        current->length);
}

static void answer_post(struct peer *peer)
{
    peer->port->posts++;
    peer->head_length = (size_t)sprintf(
        peer->head, "HTTP/1.1 204 No Content\r\n%s\r\n",
        peer->is_v2 ? "X-Prometheus-Remote-Write-Samples-Written: 1000000\r\n" : "");
}

/* What the request holds beyond its head is body: there is no pipelining. */
static bool peer_answer(struct peer *peer)
{
    char *end = strstr(peer->request, "\r\n\r\n");
    if (!end)
        return true;
    if (strncmp(peer->request, "POST ", 5)) {
        answer_get(peer);
    } else {
        const char *field = strcasestr(peer->request, "\r\nContent-Length:");
        size_t body = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
        size_t here = peer->request_length - (size_t)(end + 4 - peer->request);
        peer->port->bytes += body;
        peer->is_v2 = strcasestr(peer->request, "io.prometheus.write.v2") != NULL;
        peer->body_left = body > here ? body - here : 0;
        if (!peer->body_left)
            answer_post(peer);
    }
    peer->request_length = 0;
    return peer_send(peer);
}

static void peer_read(struct peer *peer)
{
    static char piece[PIECE];

    if (peer->body_left) {
        ssize_t length = recv(peer->fd, piece, sizeof(piece), 0);
        if (length <= 0) {
            peer_close(peer);
            return;
        }
        peer->body_left -= (size_t)length < peer->body_left ? (size_t)length : peer->body_left;
        if (!peer->body_left) {
            answer_post(peer);
            peer_send(peer);
        }
        return;
    }
    ssize_t length = recv(peer->fd, peer->request + peer->request_length,
                          REQUEST_MAX - 1 - peer->request_length, 0);
    if (length <= 0) {
        peer_close(peer);
        return;
    }
    peer->request_length += (size_t)length;
    peer->request[peer->request_length] = '\0';
    peer_answer(peer);
}

static void peer_accept(const struct peer *listener)
{
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));
        if (!peer)
            die("connection");
        peer->fd = fd;
        peer->port = listener->port;
        peer_watch(peer, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* ---- the whole ---- */

static void listen_on(struct port *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct peer *peer = calloc(1, sizeof(*peer));

    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(peer->fd, (struct sockaddr *)&address, length) || listen(peer->fd, 1024) ||
        getsockname(peer->fd, (struct sockaddr *)&address, &length))
        die("listen");
    peer->port = port;
    peer->listens = true;
    peer_watch(peer, EPOLLIN, EPOLL_CTL_ADD);
    printf("%d\n", ntohs(address.sin_port));
}

static void tick_every_second(void)
{
    const struct itimerspec second = {{1, 0}, {1, 0}};
    struct peer *peer = calloc(1, sizeof(*peer));

    peer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (peer->fd < 0 || timerfd_settime(peer->fd, 0, &second, NULL))
        die("timer");
    peer_watch(peer, EPOLLIN, EPOLL_CTL_ADD);
}

static void on_tick(const struct peer *timer)
{
    unsigned long passed;
    if (read(timer->fd, &passed, sizeof(passed)) > 0 && !series)
        page_renew();
}

static void on_event(struct peer *peer, uint32_t events)
{
    if (!peer->port) {
        on_tick(peer);
    } else if (peer->listens) {
        peer_accept(peer);
    } else if (events & EPOLLOUT) {
        if (peer_send(peer) && !peer->head_length)
            peer_watch(peer, EPOLLIN, EPOLL_CTL_MOD);
    } else {
        peer_read(peer);
    }
}

static void read_source(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    source = malloc(64 << 20);
    source_length = fread(source, 1, 64 << 20, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];

    if (argc < 3) {
        fprintf(stderr, "usage: scrape_peers PAGE PORTS [SERIES]\n");
        return 2;
    }
    read_source(argv[1]);
    series = argc > 3 ? atol(argv[3]) : 0;
    signal(SIGPIPE, SIG_IGN);
    page_renew();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < atoi(argv[2]) && i < MAX_PORTS; i++)
        listen_on(&ports[i]);
    fflush(stdout);
    tick_every_second();
    for (;;) {
        int count = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < count; i++)
            on_event(events[i].data.ptr, events[i].events);
    }
}
