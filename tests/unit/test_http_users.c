/* SPDX-License-Identifier: Apache-2.0 */
/* A connection ends on one CPU while a packet of it is looked at on another: whatever comes first,
 * a request is counted once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "framer_harness.h"

#define FIRST_REQUEST 1000u
#define FIRST_ANSWER 5000u

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct framer framer;
static struct http_frame frame_of_end;
static unsigned hook, end_hook; /* passed, and the one at which the connection ends */

/* As connection_settle() in bpf/. */
static void settle(void)
{
    if (framer.connection.turn.settled)
        return;
    framer.connection.turn.settled = 1;
    framer.meanwhile = NULL;
    memset(&frame_of_end.packet, 0, sizeof(frame_of_end.packet));
    frame_of_end.packet.now_ns = 3;
    http_connection_end(&framer.connection, &frame_of_end);
}

static void end(void)
{
    http_enter_at_end(&framer.connection);
    if (http_leave(&framer.connection))
        settle();
}

static void end_at_hook(struct framer *unused)
{
    (void)unused;
    if (hook++ == end_hook)
        end();
}

static void take(uint8_t direction, uint32_t sequence, const char *bytes)
{
    if (http_enter(&framer.connection))
        feed(&framer, direction, sequence, bytes, (uint32_t)strlen(bytes), 0, 2);
    if (http_leave(&framer.connection))
        settle();
}

static void begin(void)
{
    const uint32_t next[] = {[HTTP_INGRESS] = FIRST_ANSWER, [HTTP_EGRESS] = FIRST_REQUEST};

    framer_reset_at(&framer, next);
    hook = 0;
}

static void expect_one_row(uint16_t status)
{
    assert_true(framer.connection.turn.settled);
    assert_int_equal(framer.row_count, 1);
    assert_int_equal(framer.rows[0].key.status, status);
    framer_check(&framer);
    assert_int_equal(framer_waiting(&framer), 0);
}

/* Of a first packet, and of one that goes the short way. */
static void test_the_end_amid_an_answer(void **state)
{
    (void)state;
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        unsigned passed = 0;
        for (end_hook = 0; end_hook <= passed; end_hook++) {
            begin();
            feed(&framer, HTTP_EGRESS, FIRST_REQUEST, request, sizeof(request) - 1, 0, 1);
            framer.connection.turn.idle[HTTP_INGRESS] = is_plain;
            framer.connection.idle_next[HTTP_INGRESS] = FIRST_ANSWER;
            framer.meanwhile = end_at_hook;
            take(HTTP_INGRESS, FIRST_ANSWER, answer);
            if (!framer.connection.turn.settled)
                end();
            else
                passed++;
            expect_one_row(200);
            assert_int_equal(framer.plain, is_plain);
        }
        assert_true(passed >= 2);
    }
}

static void test_the_end_amid_a_request(void **state)
{
    unsigned passed = 0;

    (void)state;
    for (end_hook = 0; end_hook <= passed; end_hook++) {
        begin();
        framer.meanwhile = end_at_hook;
        take(HTTP_INGRESS, FIRST_ANSWER, request);
        if (!framer.connection.turn.settled)
            end();
        else
            passed++;
        expect_one_row(0);
    }
    assert_true(passed >= 2);
}

/* No answer is looked at behind the end, and an end that is told twice is counted once. */
static void test_behind_the_end_nothing_is_counted(void **state)
{
    struct http_connection *connection = &framer.connection;

    (void)state;
    begin();
    feed(&framer, HTTP_EGRESS, FIRST_REQUEST, request, sizeof(request) - 1, 0, 1);
    assert_true(http_enter(connection));
    for (int i = 0; i < 2; i++) {
        http_enter_at_end(connection);
        assert_false(http_leave(connection)); /* one is still inside */
    }
    take(HTTP_INGRESS, FIRST_ANSWER, answer);
    assert_int_equal(framer.row_count, 0);
    assert_true(http_leave(connection));
    settle();
    expect_one_row(0);
    end();
    take(HTTP_INGRESS, FIRST_ANSWER, answer);
    expect_one_row(0);
}

static int set_up(void **state)
{
    (void)state;
    framer_new(&framer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    framer_free(&framer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_amid_an_answer),
        cmocka_unit_test(test_the_end_amid_a_request),
        cmocka_unit_test(test_behind_the_end_nothing_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
