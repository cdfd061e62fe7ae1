/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, said byte by byte: what both sides say, at which distance from what TCP expects,
 * and what must have been counted of it. For tests with cmocka; included once by each. */
#ifndef EDGEMETER_TESTS_FRAMER_TALK_H
#define EDGEMETER_TESTS_FRAMER_TALK_H

#include "framer_harness.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define PACKET 65536

static struct framer framer;
static uint32_t next[HTTP_DIRECTIONS];
static uint64_t now;

static inline int set_up(void **state)
{
    (void)state;
    framer_new(&framer);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    framer_free(&framer);
    return 0;
}

static inline void begin(void)
{
    next[HTTP_INGRESS] = 1000;
    next[HTTP_EGRESS] = 0u - 10;
    now = 1000;
    framer_reset_at(&framer, next);
}

static inline void begin_late(void)
{
    next[HTTP_INGRESS] = 3000000000u;
    next[HTTP_EGRESS] = 5;
    now = 1000;
    framer_reset_late(&framer);
}

/* Bytes at some distance from the next expected one; they do not count as sent. */
static inline void say_at(uint8_t direction, int32_t distance, const char *text, uint32_t length)
{
    feed(&framer, direction, next[direction] + distance, text, length, 0, ++now);
}

static inline void say_bytes(uint8_t direction, const char *text, uint32_t length)
{
    say_at(direction, 0, text, length);
    next[direction] += length;
}

static inline void ask(const char *text)
{
    say_bytes(HTTP_INGRESS, text, strlen(text));
}

static inline void answer(const char *text)
{
    say_bytes(HTTP_EGRESS, text, strlen(text));
}

static inline void pass_by(uint8_t direction, uint32_t bytes)
{
    next[direction] += bytes;
}

static inline void expect(unsigned index, uint8_t method, uint16_t status, uint64_t request_bytes,
                          uint64_t response_bytes)
{
    assert_true(index < framer.row_count);
    const struct http_exchange *row = &framer.rows[index];
    assert_int_equal(row->key.method, method);
    assert_int_equal(row->key.status, status);
    assert_int_equal(row->request_bytes, request_bytes);
    assert_int_equal(row->response_bytes, response_bytes);
}

static inline void expect_gets(unsigned count)
{
    assert_int_equal(framer.row_count, count);
    for (unsigned i = 0; i < count; i++)
        expect(i, HTTP_METHOD_GET, 200, 0, 2);
}

static inline void expect_outcome(unsigned outcome, uint64_t count)
{
    assert_int_equal(framer.outcomes[outcome], count);
}

static inline char *text_of(char *to, const char *before, char fill, uint32_t count,
                            const char *after)
{
    size_t length = strlen(before);

    memcpy(to, before, length);
    memset(to + length, fill, count);
    strcpy(to + length + count, after);
    return to;
}

#endif
