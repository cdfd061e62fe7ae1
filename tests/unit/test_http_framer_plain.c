/* SPDX-License-Identifier: Apache-2.0 */
/* http_plain: which messages go the short way, that they count the same as byte for byte, and that
 * the general way goes on where the short one left off. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "framer_talk.h"

#define REQUEST(target, fields) "GET " target " HTTP/1.1\r\n" fields "\r\n"
#define ANSWER(status, fields) "HTTP/1.1 " status "\r\n" fields "\r\n"
#define LENGTH(text) "Content-Length: " text "\r\n"
#define LINES4 "A:\r\nB: 1\r\nC: 2\r\nD: 3\r\n"
#define LINES64                                                                                \
    LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 LINES4 \
        LINES4 LINES4 LINES4
#define X512 X64 X64 X64 X64 X64 X64 X64 X64
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* One exchange, and whether its answer is counted on the short way where each comes in one packet.
 */
static const struct {
    const char *request, *answer;
    int plain;
} cases[] = {
    {GET, OK2, 1},
    {REQUEST("/a?b", "Host: b:80\r\nHost: c\r\n"), OK2, 1},
    {REQUEST("http://a/b", "Connection: keep-alive\r\ncontent-type: x\r\n"), OK2, 1},
    {"POST /p HTTP/1.0\r\n" LENGTH("3") "\r\nabc", OK2, 1},
    {"POST /p HTTP/1.1\r\n" LENGTH("0") "\r\n", ANSWER("201 Created", LENGTH("0")), 1},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ANSWER("204", ""), 1},
    {"HEAD / HTTP/1.1\r\n\r\n", ANSWER("200 OK", LENGTH("1234567")), 1},
    {GET, ANSWER("304 Not Modified", LENGTH("7")), 1},
    {GET, ANSWER("200 OK", "CONTENT-LENGTH: 12\r\nX: " X64 X64 X64 X64 "\r\n") "hello, world", 1},
    {GET, ANSWER("200 OK", LENGTH("28")) LENGTH("9") "\r\n\r\n\r\n\r\n\n", 1},
    {REQUEST("/", "X: " X64 X64 X64 X64 X64 X64 X64 "\r\n"), OK2, 1},
    {REQUEST("/", "X: " X512 "\r\n"), OK2, 1},
    {REQUEST("/", "X: " X512 X512 X512 "\r\n"), OK2, 1},
    /* answers of the other kind */
    {GET, ANSWER("200 OK", "A:\r\nB:1\r\nC:\r\n" LENGTH("2")) "ok", 1},
    {GET, ANSWER("200 OK", "Content-Length:2\r\n") "ok", 0},
    {GET, ANSWER("200 OK", LENGTH("2") LENGTH("2")) "ok", 0},
    {GET, ANSWER("200 OK", LENGTH("2 ")) "ok", 0},
    {"HEAD / HTTP/1.1\r\n\r\n", ANSWER("200 OK", LENGTH("2\rx")), 0},
    {GET, ANSWER("200 OK", "Content-Length: 2\n") "ok", 0},
    {GET, ANSWER("200 OK", "Content-Length: 2\rX\r\n") "ok", 0},
    {GET, ANSWER("200 OK", LENGTH("2") "X: a\r\n b\r\n") "ok", 0},
    {GET, ANSWER("200 OK", "X:\r\n" LENGTH("2") "\vY: c\r\n") "ok", 0},
    {GET, ANSWER("200 OK", LENGTH("2")) "ok" OK2, 0},
    {GET, ANSWER("200 OK", "Transfer-Encoding: chunked\r\n") "2\r\nok\r\n0\r\n\r\n", 0},
    {GET, ANSWER("200 OK", LENGTH("9") "Transfer-Encoding: chunked\r\n") "2\r\nok\r\n0\r\n\r\n", 0},
    {GET, ANSWER("200 OK", "X: caf\xc3\xa9\r\n" LENGTH("2")) "ok", 0},
    {GET, ANSWER("200 OK", "X:\tb\r\n" LENGTH("2")) "ok", 0},
    {GET, ANSWER("200 OK", "X: \xff\x1f\r\n" LENGTH("2")) "ok", 0},
    {GET, ANSWER("200 OK", "X: b\r" LENGTH("3") LENGTH("2")) "ok", 0},
    {"HEAD / HTTP/1.1\r\n\r\n", ANSWER("200 OK", LENGTH("12345678")), 0},
    {"HEAD / HTTP/1.1\r\n\r\n", ANSWER("200 OK", LENGTH("")), 0},
    {GET, ANSWER("100 Continue", "") ANSWER("200 OK", LENGTH("2")) "ok", 0},
    {GET, "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 0},
    {GET, ANSWER("200 OK", "X: " X512 X512 "\r\n" LENGTH("2")) "ok", 1},
    {GET, ANSWER("200 OK", LINES64 LENGTH("2") LINES64) "ok", 1},
    {GET, ANSWER("200 OK", LINES64 LINES64 LENGTH("2") LINES64) "ok", 0},
    {GET, ANSWER("200 OK", LENGTH("2") "X: " X512 X512 X512 "\r\n") "ok", 0},
    {"HEAD / HTTP/1.1\r\n\r\n", ANSWER("200 OK", LENGTH("9") "X: " X512 X512 X512 "\r\n"), 0},
    /* and requests, after which the answer may be plain */
    {"BREW / HTTP/1.1\r\n\r\n", OK2, 1},
    {"GET / HTTP/1.1\n\n", OK2, 1},
    {"\r\n" GET, OK2, 1},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", OK2, 0},
};

static void say(uint8_t direction, const char *text, int cut)
{
    uint32_t length = strlen(text);

    if (cut)
        say_bytes(direction, text, cut);
    say_bytes(direction, text + cut, length - cut);
}

/* The exchange between two others, its packets cut before the byte `cut`; 0: not cut. */
static unsigned play(size_t number, int cut)
{
    begin();
    ask(GET);
    answer(OK2);
    unsigned before = framer.plain;
    say(HTTP_INGRESS, cases[number].request, cut);
    say(HTTP_EGRESS, cases[number].answer, cut);
    unsigned plain = framer.plain - before;
    ask(GET);
    answer(OK2);
    return plain;
}

static int rows_are(const struct http_exchange *rows, unsigned count)
{
    if (framer.row_count != count)
        return 0;
    for (unsigned i = 0; i < count; i++)
        if (memcmp(&rows[i].key, &framer.rows[i].key, sizeof(rows[i].key)) ||
            rows[i].request_bytes != framer.rows[i].request_bytes ||
            rows[i].response_bytes != framer.rows[i].response_bytes)
            return 0;
    return 1;
}

static void test_the_same_rows(void **state)
{
    static struct http_exchange rows[8];
    uint64_t outcomes[HTTP_OUTCOMES];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (play(i, 0) != (unsigned)cases[i].plain)
            fail_msg("case %zu goes the wrong way:\n%s%s", i, cases[i].request, cases[i].answer);
        unsigned count = framer.row_count;
        assert_true(count > 1 && count <= 8);
        memcpy(rows, framer.rows, count * sizeof(rows[0]));
        memcpy(outcomes, framer.outcomes, sizeof(outcomes));
        for (int cut = 1; cut < 15; cut++) {
            play(i, cut);
            if (!rows_are(rows, count) || memcmp(outcomes, framer.outcomes, sizeof(outcomes)))
                fail_msg("case %zu counts else when cut at %d:\n%s%s", i, cut, cases[i].request,
                         cases[i].answer);
        }
    }
}

/* A head of `length` bytes, whose last field is `last`. */
static const char *head_of(uint32_t length, const char *start, const char *last)
{
    static char text[2 * HTTP_PLAIN_BYTES];
    int filler = length - strlen(start) - strlen("X: \r\n") - strlen(last) - strlen("\r\n");

    assert_true(filler > 0 && length < sizeof(text));
    sprintf(text, "%sX: %0*d\r\n%s\r\n", start, filler, 0, last);
    assert_int_equal(strlen(text), length);
    return text;
}

/* Up to the longest that goes the short way, and beyond: the fields at its end are read. */
static void test_longest_heads(void **state)
{
    (void)state;
    begin();
    ask(REQUEST("/r", "Host: edge.example\r\n"));
    answer("HTTP/1.1 200 OK\r\n" LENGTH("0") "\r\n");
    struct http_row_key key = framer.rows[0].key;
    for (uint32_t length = HTTP_PLAIN_BYTES - 80; length < HTTP_PLAIN_BYTES + 80; length++) {
        unsigned before = framer.plain;
        uint64_t loaded = framer.bytes_loaded;
        ask(head_of(length, "GET /r HTTP/1.1\r\n", "Host: edge.example\r\n"));
        assert_true((framer.bytes_loaded - loaded == length) == (length <= HTTP_PLAIN_BYTES));
        answer(head_of(length, "HTTP/1.1 200 OK\r\n", "Content-Length: 0\r\n"));
        assert_int_equal(framer.plain - before, length <= HTTP_PLAIN_BYTES);
        expect(framer.row_count - 1, HTTP_METHOD_GET, 200, 0, 0);
        assert_memory_equal(&framer.rows[framer.row_count - 1].key, &key, sizeof(key));
    }
}

/* More plain answers than sequence numbers that can be told apart, then a retransmission and a
 * hole. */
static void test_general_goes_on(void **state)
{
    static char text[65536];
    uint32_t length;

    (void)state;
    memset(text, 'x', sizeof(text));
    length = snprintf(text, sizeof(text), ANSWER("200 OK", LENGTH("65000")));
    text[length] = 'x';
    length += 65000;
    begin();
    for (int i = 0; i < 34000; i++) { /* over 2 GiB */
        ask(GET);
        say_bytes(HTTP_EGRESS, text, length);
        expect(0, HTTP_METHOD_GET, 200, 0, 65000);
        framer.row_count = 0;
        framer.outcomes[HTTP_HEAD_SEEN] = framer.outcomes[HTTP_HEAD_COUNTED] = 0;
    }
    assert_true(framer.plain > 33000);
    say_at(HTTP_EGRESS, -(int32_t)length, text, length);
    assert_int_equal(framer.row_count, 0);
    ask(GET);
    say(HTTP_EGRESS, OK2, 20);
    expect_gets(1);
    ask(GET GET);
    answer(OK2 OK2);
    expect_gets(3);
    expect_outcome(HTTP_LOSS_RESYNC, 0);
    ask(GET);
    pass_by(HTTP_EGRESS, 10);
    answer(OK2);
    expect_gets(4);
    expect_outcome(HTTP_LOSS_RESYNC, 1);
}

/* Nothing plain may be taken for granted once both directions are given up. */
static void test_tunnel_after_plain(void **state)
{
    (void)state;
    begin();
    ask(GET);
    answer(OK2);
    ask(GET);
    answer(OK2);
    assert_int_equal(framer.plain, 1);
    ask("CONNECT a:1 HTTP/1.1\r\n\r\n");
    answer(ANSWER("200 OK", LENGTH("0")));
    ask(GET);
    answer(OK2);
    assert_int_equal(framer.plain, 1);
    assert_int_equal(framer.row_count, 3);
    expect(2, HTTP_METHOD_CONNECT, 200, 0, 0);
    expect_outcome(HTTP_LOSS_TUNNEL, 1);
}

/* ---- heads that come again ---- */

#define AGAIN "HTTP/1.1 200 OK\r\nX: " X64 X64 "\r\nContent-Length: 2\r\nAge: 77777777\r\n\r\n"

/* Of the exchange counted last. */
static int last_status(void)
{
    return framer.rows[framer.row_count - 1].key.status;
}

static int last_bytes(void)
{
    return (int)framer.rows[framer.row_count - 1].response_bytes;
}

static void exchange(const char *request, const char *reply)
{
    unsigned count = framer.row_count;

    ask(request);
    answer(reply);
    assert_int_equal(framer.row_count, count + 1);
}

/* An answer of AGAIN is remembered, wrongly: with another status. */
static void remember_299(void)
{
    begin();
    exchange(GET, OK2); /* a connection's first goes the long way */
    exchange(GET, AGAIN "ok");
    assert_int_equal(last_status(), 200);
    framer.memos[1].says += 99ull << HTTP_PLAIN_CODE;
}

/* What is remembered is taken where all bytes are equal, and nowhere else. */
static void test_head_comes_again(void **state)
{
    char reply[] = AGAIN "ok";

    (void)state;
    remember_299();
    exchange(GET, reply);
    assert_int_equal(last_status(), 299);
    for (size_t i = 0; i < strlen(AGAIN); i++) {
        remember_299();
        reply[i] ^= 1;
        ask(GET);
        answer(reply);
        reply[i] ^= 1;
        for (unsigned row = 0; row < framer.row_count; row++)
            if (framer.rows[row].key.status == 299)
                fail_msg("another byte %zu is not seen", i);
    }
}

/* What another packet may have written over is not remembered. */
static void test_interrupted_while_remembering(void **state)
{
    (void)state;
    begin();
    exchange(GET, OK2);
    framer.interrupted = 1;
    exchange(GET, AGAIN "ok");
    assert_int_equal(framer.memos[1].length, 0);
    framer.interrupted = 0;
    framer.memos[1].differed = 0;
    exchange(GET, AGAIN "ok");
    assert_int_equal(framer.memos[1].length, strlen(AGAIN));
}

/* Whether a body is all there, the packet says, not the head. */
static void test_head_comes_again_without_body(void **state)
{
    (void)state;
    begin();
    exchange(GET, OK2);
    exchange(GET, AGAIN "ok");
    unsigned plain = framer.plain;
    ask(GET);
    answer(AGAIN);
    assert_int_equal(framer.row_count, 2);
    answer("ok");
    assert_int_equal(framer.row_count, 3);
    assert_int_equal(last_bytes(), 2);
    assert_int_equal(framer.plain, plain);
    exchange("HEAD / HTTP/1.1\r\nHost: a.b.example\r\n\r\n", AGAIN);
    assert_int_equal(last_bytes(), 0);
    assert_int_equal(framer.rows[3].key.method, HTTP_METHOD_HEAD);
}

/* Every request has its own route and host, whatever came before. */
static void test_requests_that_differ(void **state)
{
    static const char *const requests[] = {
        REQUEST("/aaaaaaaa", "Host: one.example\r\n"),
        REQUEST("/aaaaaaab", "Host: one.example\r\n"),
        REQUEST("/aaaaaaaa", "Host: two.example\r\n"),
        REQUEST("/aaaaaaaa", "Host: one.example\r\n"),
    };
    struct http_row_key keys[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(); /* nothing is remembered */
        exchange(requests[i], OK2);
        keys[i] = framer.rows[0].key;
    }
    begin();
    exchange(GET, OK2);
    for (int i = 0; i < 12; i++) {
        exchange(requests[i % 4], OK2);
        assert_memory_equal(&keys[i % 4], &framer.rows[1 + i].key, sizeof(keys[0]));
    }
    assert_int_equal(framer.plain, 12);
    assert_memory_equal(&keys[0], &keys[3], sizeof(keys[0]));
    assert_true(keys[0].route != keys[1].route && keys[0].host != keys[2].host);
}

/* Of heads that all differ few are remembered; who finds another one writing leaves it be. */
static void test_memo_is_seldom_written(void **state)
{
    char reply[128];
    unsigned written = 0;

    (void)state;
    begin();
    for (int i = 0; i < 4 * HTTP_MEMO_EVERY; i++) {
        struct http_memo before = framer.memos[1];
        sprintf(reply, "HTTP/1.1 200 OK\r\nServer: edge\r\nAge: %d\r\nContent-Length: 0\r\n\r\n",
                i);
        exchange(GET, reply);
        written += memcmp(before.bytes, framer.memos[1].bytes, sizeof(before.bytes)) != 0;
    }
    assert_int_equal(written, 4);
    framer.memos[1].writers = 1;
    framer.memos[1].differed = 0;
    struct http_memo before = framer.memos[1];
    exchange(GET, AGAIN "ok");
    before.differed = 1;
    assert_memory_equal(&before, &framer.memos[1], sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_rows),
        cmocka_unit_test(test_longest_heads),
        cmocka_unit_test(test_general_goes_on),
        cmocka_unit_test(test_tunnel_after_plain),
        cmocka_unit_test(test_head_comes_again),
        cmocka_unit_test(test_interrupted_while_remembering),
        cmocka_unit_test(test_head_comes_again_without_body),
        cmocka_unit_test(test_requests_that_differ),
        cmocka_unit_test(test_memo_is_seldom_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
