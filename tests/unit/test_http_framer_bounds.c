/* SPDX-License-Identifier: Apache-2.0 */
/* http_framer: lines and heads of every length at every place of the window, pipelines, the stated
 * bounds of a packet and of a connection, and what is read of a target and a host. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "framer_talk.h"

/* Heads that end at every place of the window, and two more in the same packet. */
static void test_heads_of_every_length(void **state)
{
    static char text[8192];

    (void)state;
    for (uint32_t filler = 0; filler < 3000; filler++) {
        begin();
        ask(text_of(text, "GET / HTTP/1.1\r\nCookie: ", 'x', filler, "\r\n\r\n" GET GET));
        answer(text_of(text, "HTTP/1.1 200 OK\r\nX: ", 'x', filler,
                       "\r\nContent-Length: 2\r\n\r\nok" OK2 OK2));
        expect_gets(3);
        expect_outcome(HTTP_LOSS_RESYNC, 0);
    }
}

static void test_chunks_of_every_length(void **state)
{
    static char text[8192];

    (void)state;
    for (uint32_t filler = 1; filler < 3000; filler++) {
        char before[128];
        begin();
        ask(GET GET);
        snprintf(before, sizeof(before),
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", filler);
        answer(text_of(text, before, '\n', filler, "\r\n1\r\nx\r\n0\r\nT: u\r\n\r\n" OK2));
        assert_int_equal(framer.row_count, 2);
        expect(0, HTTP_METHOD_GET, 200, 0, filler + 1);
        expect_outcome(HTTP_LOSS_RESYNC, 0);
    }
}

/* Of a line over several packets only the beginning and the end are kept: whatever stood before it.
 */
static void test_long_lines_over_packets(void **state)
{
    static char text[16384];

    (void)state;
    for (uint32_t before = 0; before < 20; before++) {
        for (uint32_t filler = 200; filler < 290; filler++) {
            char blank[32];
            begin();
            memset(blank, '\n', before);
            strcpy(blank + before, "GET /");
            ask(text_of(text, blank, 'a', filler, " HTTP/1.1"));
            ask("\r\n\r\n");
            answer(OK2);
            expect_gets(1);
        }
    }
    begin();
    ask(text_of(text, "GET /", 'a', 10000, ""));
    ask(text_of(text, "", 'b', 10000, " HTTP/1."));
    ask("1");
    ask(text_of(text, "\r\nCookie: ", 'c', 10000, ""));
    ask(text_of(text, "", 'c', 10000, ""));
    ask(text_of(text, "\r\nTransfer-Encoding: ", 'c', 300, ""));
    ask(", chun");
    ask("ked");
    ask("\r\n\r\n1\r\nx\r\n0\r\n\r\n" GET);
    answer(OK2 OK2);
    assert_int_equal(framer.row_count, 2);
    expect(0, HTTP_METHOD_GET, 200, 1, 2);
    expect_outcome(HTTP_LOSS_RESYNC, 0);
}

/* The last step of a scan may be one beyond the bytes held. */
static void test_many_short_lines(void **state)
{
    static char text[2048];

    (void)state;
    for (uint32_t lines = 0; lines < 1030; lines++) {
        begin();
        ask(text_of(text, "", '\n', lines, "GET / HTTP"));
        ask("/1.1\r\n\r\n");
        answer(OK2);
        expect_gets(1);
    }
}

/* What was asked long ago in the same slot says nothing of an answer that was not asked for. */
static void test_answer_to_nothing_after_heads(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < HTTP_MAX_OUTSTANDING; i++) {
        ask("HEAD / HTTP/1.1\r\n\r\n");
        answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    }
    answer("HTTP/1.1 408 Timeout\r\nContent-Length: 4\r\n\r\nslow");
    ask(GET);
    answer(OK2);
    expect(HTTP_MAX_OUTSTANDING, HTTP_METHOD_GET, 200, 0, 2);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 1);
    expect_outcome(HTTP_LOSS_RESYNC, 0);
}

static void test_pipelines(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < HTTP_MAX_OUTSTANDING; i++)
        ask(GET);
    for (int i = 0; i < HTTP_MAX_OUTSTANDING; i++)
        answer(OK2);
    expect_gets(HTTP_MAX_OUTSTANDING);
    for (int i = 0; i < HTTP_MAX_OUTSTANDING + 1; i++)
        ask(GET);
    answer(OK2);
    ask(GET); /* not stored either, so that answers stay in order */
    for (int i = 0; i < HTTP_MAX_OUTSTANDING + 1; i++)
        answer(OK2);
    expect_gets(2 * HTTP_MAX_OUTSTANDING);
    expect_outcome(HTTP_HEAD_TOO_MANY, 2);
    ask(GET);
    answer(OK2);
    expect_gets(2 * HTTP_MAX_OUTSTANDING + 1);
    for (int i = 0; i < HTTP_MAX_OUTSTANDING + 3; i++)
        ask(GET);
    framer_end(&framer, now);
    expect_outcome(HTTP_HEAD_UNANSWERED, HTTP_MAX_OUTSTANDING);
    expect_outcome(HTTP_HEAD_TOO_MANY, 5);
}

/* 16 requests of one packet and their answers, and 64 chunks of one packet, are inside the bounds.
 */
static void test_bounds_of_a_packet(void **state)
{
    static char text[PACKET];
    uint32_t length = 0;

    (void)state;
    begin();
    for (int i = 0; i < 16; i++)
        length +=
            sprintf(text + length, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n%1000s", "");
    say_bytes(HTTP_INGRESS, text, length);
    length = 0;
    for (int i = 0; i < 16; i++)
        length +=
            sprintf(text + length, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n%3000s", "");
    say_bytes(HTTP_EGRESS, text, length);
    assert_int_equal(framer.row_count, 16);
    for (int i = 0; i < 16; i++)
        expect(i, HTTP_METHOD_POST, 200, 1000, 3000);
    ask(GET);
    length = sprintf(text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 64; i++)
        length += sprintf(text + length, "3e8\r\n%1000s\r\n", "");
    length += sprintf(text + length, "0\r\n\r\n");
    say_bytes(HTTP_EGRESS, text, length);
    assert_int_equal(framer.row_count, 17);
    expect(16, HTTP_METHOD_GET, 200, 0, 64000);
    expect_outcome(HTTP_LOSS_BOUND, 0);
}

/* 16 answers and 64 chunks together. */
static void test_heads_and_chunks_of_a_packet(void **state)
{
    static char text[PACKET];
    uint32_t length = 0;

    (void)state;
    begin();
    for (int i = 0; i < 16; i++)
        ask(GET);
    for (int i = 0; i < 15; i++)
        length += sprintf(text + length, OK2);
    length += sprintf(text + length, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 63; i++)
        length += sprintf(text + length, "384\r\n%900s\r\n", "");
    length += sprintf(text + length, "0\r\n\r\n");
    say_bytes(HTTP_EGRESS, text, length);
    assert_int_equal(framer.row_count, 16);
    expect(15, HTTP_METHOD_GET, 200, 0, 63 * 900);
    expect_outcome(HTTP_LOSS_BOUND, 0);
}

static void test_beyond_the_bounds_of_a_packet(void **state)
{
    static char text[PACKET];
    uint32_t length = 0;

    (void)state;
    begin();
    ask(GET);
    length = sprintf(text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        length += sprintf(text + length, "1e\r\n%30s\r\n", "");
    say_bytes(HTTP_EGRESS, text, length);
    expect_outcome(HTTP_LOSS_BOUND, 1);
    assert_int_equal(framer.row_count, 1);
    say_at(HTTP_EGRESS, -(int32_t)length, text, length); /* the same again */
    assert_int_equal(framer.row_count, 1);
    expect_outcome(HTTP_HEAD_REQUEST_UNSEEN, 0);
    answer("0\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        ask(GET);
        answer(OK2);
        expect(i + 1, HTTP_METHOD_GET, 200, 0, 2);
    }
    expect_outcome(HTTP_LOSS_BOUND, 1);
}

static void expect_place(const char *target, const char *host, const char *path, const char *name)
{
    char text[1024];
    uint16_t route = path ? framer_place_number((const uint8_t *)path, strlen(path)) : 0;
    uint16_t number = name ? framer_place_number((const uint8_t *)name, strlen(name)) : 0;

    begin();
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nAccept: *\r\nhOST:%s\r\nA: b\r\n\r\n", target,
             host);
    ask(text);
    answer(OK2);
    for (size_t i = 0; text[i]; i++)
        say_bytes(HTTP_INGRESS, text + i, 1);
    answer(OK2);
    assert_int_equal(framer.row_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(framer.rows[i].key.route, route);
        assert_int_equal(framer.rows[i].key.host, number);
    }
}

static void test_places(void **state)
{
    char longest[] = "/123456789abcdef/123456789abcdef/123456789abcdef/123456789abcdef"
                     "/123456789abcdef/123456789abcdef/123456789abcdef/123456789abcdef";
    char longer[256];

    (void)state;
    expect_place("/", " a", "/", "a");
    expect_place("/x?y=/z", " Shop.Example:8080 ", "/x?y=/z", "shop.example");
    expect_place("http://h/x/y", "\t a \t", "/x/y", "a");
    expect_place("http://h", " ", NULL, NULL);
    expect_place("*", "", NULL, NULL);
    expect_place("/a b", " A_[]", "/a b", "a_[]");
    expect_place(longest, " a", longest, "a");
    snprintf(longer, sizeof(longer), "%s/and/more", longest);
    expect_place(longer, " a", longest, "a");
    memset(longer, 'x', sizeof(longer)); /* of a request line the first 240 bytes are looked at */
    memcpy(longer, "http://", 7);
    longer[158] = '/';
    longer[255] = 0;
    char known[128] = {0};
    memcpy(known, longer + 158, 240 - 4 - 158);
    expect_place(longer, " a", known, "a");
    snprintf(longer, sizeof(longer), "http://%063u/x", 7);
    expect_place(longer, " 123456789.123456789.123456789.123456789.123456789.123456789.123", "/x",
                 "123456789.123456789.123456789.123456789.123456789.123456789.123");
    expect_place("/", " 123456789.123456789.123456789.123456789.123456789.123456789.1234", "/",
                 NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_of_every_length),
        cmocka_unit_test(test_chunks_of_every_length),
        cmocka_unit_test(test_long_lines_over_packets),
        cmocka_unit_test(test_many_short_lines),
        cmocka_unit_test(test_answer_to_nothing_after_heads),
        cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_bounds_of_a_packet),
        cmocka_unit_test(test_heads_and_chunks_of_a_packet),
        cmocka_unit_test(test_beyond_the_bounds_of_a_packet),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
