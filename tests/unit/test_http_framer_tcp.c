/* SPDX-License-Identifier: Apache-2.0 */
/* http_framer and TCP: holes, reordering, retransmission, bodies beyond 4 GiB, streams begun in the
 * middle, and what costs nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "framer_talk.h"

/* Packets of a body are passed over without a look at them, and so is what is not HTTP. */
static void test_cheap(void **state)
{
    static char text[PACKET];

    (void)state;
    begin();
    memset(text, '\n', sizeof(text));
    ask("POST / HTTP/1.1\r\nContent-Length: 655360000\r\n\r\n");
    unsigned packets = framer.packets;
    uint64_t loaded = framer.bytes_loaded;
    for (int i = 0; i < 9999; i++)
        say_bytes(HTTP_INGRESS, text, sizeof(text));
    assert_int_equal(framer.packets, packets);
    say_bytes(HTTP_INGRESS, text, sizeof(text));
    assert_int_equal(framer.bytes_loaded, loaded);
    ask(GET);
    answer(OK2 OK2);
    expect(0, HTTP_METHOD_POST, 200, 655360000, 2);
    expect(1, HTTP_METHOD_GET, 200, 0, 2);
    begin();
    ask("*1\r\n$4\r\nPING\r\n");
    answer("+PONG\r\n");
    packets = framer.packets;
    for (int i = 0; i < 100; i++) {
        ask("*1\r\n$4\r\nPING\r\n");
        answer("+PONG\r\n");
    }
    assert_int_equal(framer.packets, packets);
    expect_outcome(HTTP_CONNECTION_NOT_HTTP, 1);
    expect_outcome(HTTP_LOSS_RESYNC, 0);
}

static void test_five_gigabytes(void **state)
{
    static char text[PACKET];
    const uint64_t length = 5ull << 30;

    (void)state;
    for (int direction = 0; direction < HTTP_DIRECTIONS; direction++) {
        begin();
        ask(direction == HTTP_INGRESS ? "PUT / HTTP/1.1\r\nContent-Length: 5368709120\r\n\r\n"
                                      : "PUT / HTTP/1.1\r\n\r\n");
        if (direction == HTTP_EGRESS)
            answer("HTTP/1.1 200 OK\r\nContent-Length: 5368709120\r\n\r\n");
        unsigned packets = framer.packets;
        for (uint64_t sent = 0; sent < length; sent += PACKET) {
            say_bytes(direction, text, PACKET);
            if (sent % (1u << 28) == 0) /* old bytes again */
                say_at(direction, -PACKET, text, PACKET);
        }
        assert_true(framer.packets - packets < 12);
        if (direction == HTTP_INGRESS)
            answer(OK2);
        assert_int_equal(framer.row_count, 1);
        expect(0, HTTP_METHOD_PUT, 200, direction == HTTP_INGRESS ? length : 0,
               direction == HTTP_INGRESS ? 2 : length);
        ask(GET);
        answer(OK2);
        expect(1, HTTP_METHOD_GET, 200, 0, 2);
        expect_outcome(HTTP_LOSS_RESYNC, 0);
    }
}

/* A chunk of 5 GiB as well, cut off: what came is what counts. */
static void test_large_body_cut_short(void **state)
{
    static char text[PACKET];

    (void)state;
    begin();
    ask(GET);
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n140000000\r\n");
    for (uint64_t sent = 0; sent < 3ull << 30; sent += PACKET)
        say_bytes(HTTP_EGRESS, text, PACKET);
    framer_end(&framer, now);
    assert_int_equal(framer.row_count, 1);
    expect(0, HTTP_METHOD_GET, 200, 0, 3ull << 30);
}

static void test_holes(void **state)
{
    static char text[PACKET];

    (void)state;
    begin(); /* in a body: the head of the next message is where it was announced */
    ask("POST / HTTP/1.1\r\nContent-Length: 3000\r\n\r\n");
    pass_by(HTTP_INGRESS, 1000);
    say_bytes(HTTP_INGRESS, text, 1000);
    say_at(HTTP_INGRESS, -2000, text, 1000);
    say_bytes(HTTP_INGRESS, text, 1000);
    ask(GET);
    answer(OK2 OK2);
    expect(0, HTTP_METHOD_POST, 200, 3000, 2);
    expect(1, HTTP_METHOD_GET, 200, 0, 2);
    expect_outcome(HTTP_LOSS_RESYNC, 0);

    begin(); /* a request's head never comes by: found again at the next head */
    ask(GET);
    answer(OK2);
    pass_by(HTTP_INGRESS, sizeof(GET) - 1);
    answer(OK2);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 1);
    ask(GET);
    answer(OK2);
    expect_gets(2);
    expect_outcome(HTTP_LOSS_RESYNC, 1);

    begin(); /* the same, and the segment comes late, from then on all is as it was */
    ask(GET);
    pass_by(HTTP_INGRESS, sizeof(GET) - 1);
    ask(GET);
    say_at(HTTP_INGRESS, -2 * (int)(sizeof(GET) - 1), GET, sizeof(GET) - 1);
    answer(OK2 OK2);
    ask(GET);
    answer(OK2);
    expect_gets(3);
    expect_outcome(HTTP_LOSS_RESYNC, 1);
}

/* An answer's head comes behind the rest of it: its end has gone by when it is read. */
static void test_head_overtaken_by_its_body(void **state)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n";
    static char text[PACKET];
    const int32_t length = sizeof(head) - 1;

    (void)state;
    begin();
    ask(GET);
    say_at(HTTP_EGRESS, length, text, 3000);
    say_at(HTTP_EGRESS, 0, head, length);
    assert_int_equal(framer.row_count, 1);
    expect(0, HTTP_METHOD_GET, 200, 0, 3000);
    pass_by(HTTP_EGRESS, length + 3000);
    ask(GET);
    answer(OK2);
    expect(1, HTTP_METHOD_GET, 200, 0, 2);
}

/* What has been looked at is not looked at again where the position was lost behind it. */
static void test_retransmitted_while_lost(void **state)
{
    static const char request[] = GET;
    const int32_t length = sizeof(request) - 1;

    (void)state;
    begin();
    ask(request);
    ask("nonsense\r\n");
    say_at(HTTP_INGRESS, -10 - length, request, length);
    say_at(HTTP_INGRESS, -10 - length, request, length);
    answer(OK2);
    framer_end(&framer, now);
    expect_gets(1);
    expect_outcome(HTTP_LOSS_RESYNC, 1);
}

/* A position that was lost long ago says nothing. */
static void test_lost_for_gigabytes(void **state)
{
    static char text[PACKET];

    (void)state;
    begin();
    ask(GET "nonsense\r\n");
    answer(OK2);
    for (uint64_t sent = 0; sent < 5ull << 29; sent += PACKET)
        say_bytes(HTTP_INGRESS, text, PACKET);
    ask(GET);
    answer(OK2);
    expect_gets(2);
}

static void test_late(void **state)
{
    (void)state;
    begin_late();
    ask("the end of a body");
    answer(OK2);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 1);
    for (int i = 0; i < 3; i++) {
        ask(GET);
        answer(OK2);
    }
    expect_gets(3);

    begin_late();
    answer("the end of an answer that was not seen");
    for (int i = 0; i < 3; i++) {
        ask(GET);
        answer(OK2);
    }
    expect_gets(3);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 0);
    expect_outcome(HTTP_LOSS_RESYNC, 0);
}

/* Some clients send empty lines before a request. */
static void test_found_behind_empty_lines(void **state)
{
    static const char *const requests[] = {"\r\n" GET, "\n" GET, "\r\n\r\n" GET,
                                           "\n\r\n\n\r\n" GET};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        begin_late();
        ask(requests[i]);
        answer(OK2);
        ask(GET);
        answer(OK2);
        expect_gets(2);
        expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 0);
    }

    begin_late();
    ask(GET);
    answer(OK2);
    ask("nonsense\r\n");
    ask("\n\npurge / HTTP/1.1\r\n\r\n");
    answer(OK2);
    assert_int_equal(framer.row_count, 2);
    expect(1, HTTP_METHOD_OTHER, 200, 0, 2);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 0);
}

/* Which side asks is known with the first head that is complete, whatever began before it. */
static void test_both_sides_begin(void **state)
{
    (void)state;
    begin();
    ask("GET / HTTP/1.1\r\nHos");
    answer(GET);
    ask("t: a\r\n\r\n" OK2);
    framer_end(&framer, now);
    expect_outcome(HTTP_HEAD_SEEN, 1);
    assert_int_equal(framer.row_count, 1);
    expect(0, HTTP_METHOD_GET, 200, 0, 2);
    assert_int_equal(framer.rows[0].key.role, HTTP_ROLE_CLIENT);

    begin();
    ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    answer("HTTP/1.1 204 No Content\r\n\r\n");
    ask("k");
    expect_outcome(HTTP_HEAD_SEEN, 1);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cheap),
        cmocka_unit_test(test_five_gigabytes),
        cmocka_unit_test(test_large_body_cut_short),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_head_overtaken_by_its_body),
        cmocka_unit_test(test_retransmitted_while_lost),
        cmocka_unit_test(test_lost_for_gigabytes),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_found_behind_empty_lines),
        cmocka_unit_test(test_both_sides_begin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
