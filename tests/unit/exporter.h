/* SPDX-License-Identifier: Apache-2.0 */
/* An exporter for tests, on the loop of the scraper under test: it answers each request with the
 * next page of a script, the last one again and again, and keeps the last request. */
#ifndef EDGEMETER_TESTS_EXPORTER_H
#define EDGEMETER_TESTS_EXPORTER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/text.h"

struct page {
    const char *body;
    int status;        /* 0: 200 */
    const char *type;  /* NULL: text/plain; "": no Content-Type */
    const char *extra; /* a header line more, with its \r\n; NULL: none */
    size_t length;     /* of a body that holds NUL; 0: strlen */
    bool silent;       /* no answer */
    bool cut;          /* the connection ends before the body does */
};

struct exporter {
    struct loop *loop;
    int listener;
    int port;
    int silent_fd; /* of a request without an answer; -1 */
    const struct page *pages;
    size_t page_count;
    size_t requests;
    char request[4096];
};

static inline void exporter_answer(struct exporter *exporter, int fd)
{
    size_t number = exporter->requests++;
    const struct page *page =
        &exporter->pages[number < exporter->page_count ? number : exporter->page_count - 1];
    size_t length = page->length ? page->length : strlen(page->body);
    const char *type = page->type ? page->type : "text/plain; version=0.0.4; charset=utf-8";
    char head[512];

    if (page->silent) {
        exporter->silent_fd = fd;
        return;
    }
    int head_length =
        snprintf(head, sizeof(head),
                 "HTTP/1.1 %d X\r\nConnection: close\r\n%s%s%s%sContent-Length: %zu\r\n\r\n",
                 page->status ? page->status : 200, *type ? "Content-Type: " : "", type,
                 *type ? "\r\n" : "", page->extra ? page->extra : "", length + page->cut);
    send(fd, head, (size_t)head_length, MSG_NOSIGNAL);
    send(fd, page->body, length, MSG_NOSIGNAL);
    close(fd);
}

/* A GET's head fits one segment on loopback. */
static inline void exporter_read(void *context, int fd, uint32_t events)
{
    struct exporter *exporter = context;
    ssize_t length = recv(fd, exporter->request, sizeof(exporter->request) - 1, 0);

    (void)events;
    loop_unwatch(exporter->loop, fd);
    if (length <= 0) {
        close(fd);
        return;
    }
    exporter->request[length] = '\0';
    assert_non_null(strstr(exporter->request, "\r\n\r\n"));
    exporter_answer(exporter, fd);
}

static inline void exporter_accept(void *context, int listener, uint32_t events)
{
    struct exporter *exporter = context;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    assert_true(fd >= 0);
    assert_int_equal(loop_watch(exporter->loop, fd, EPOLLIN, exporter_read, exporter), 0);
}

static inline void exporter_start(struct exporter *exporter, struct loop *loop,
                                  const struct page *pages, size_t page_count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    *exporter =
        (struct exporter){.loop = loop, .silent_fd = -1, .pages = pages, .page_count = page_count};
    exporter->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(exporter->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(exporter->listener, 16), 0);
    getsockname(exporter->listener, (struct sockaddr *)&address, &length);
    exporter->port = ntohs(address.sin_port);
    assert_int_equal(loop_watch(loop, exporter->listener, EPOLLIN, exporter_accept, exporter), 0);
}

static inline void exporter_stop(struct exporter *exporter)
{
    loop_unwatch(exporter->loop, exporter->listener);
    close(exporter->listener);
    if (exporter->silent_fd >= 0)
        close(exporter->silent_fd);
}

#endif
