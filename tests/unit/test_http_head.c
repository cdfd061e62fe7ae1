/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_head: heads and chunks, whole and cut at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/http/http_head.h"

static void test_heads(void **state)
{
    static const struct {
        const char *head;
        struct http_head_fields fields;
        const char *status_text;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", {200, .content_length = -1}, "200 OK"},
        {"HTTP/1.1 200\r\n\r\n", {200, .content_length = -1}, "200"},
        {"HTTP/1.1 200 \r\n\r\n", {200, .content_length = -1}, "200"},
        {"HTTP/1.1 404 Not Found\n\n", {404, .content_length = -1}, "404 Not Found"},
        {"HTTP/1.0 200 OK\r\n\r\n", {200, .content_length = -1, .close = true}, "200 OK"},
        {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n",
         {200, .content_length = -1},
         "200 OK"},
        {"HTTP/1.1 200 OK\r\nConnection: x, close\r\n\r\n",
         {200, .content_length = -1, .close = true},
         "200 OK"},
        {"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\n", {200, .content_length = 5}, "200 OK"},
        {"HTTP/1.1 200 OK\r\nContent-Length: \t5 \r\nContent-Length: 5\r\n\r\n",
         {200, .content_length = 5},
         "200 OK"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
         {200, .content_length = -1, .chunked = true},
         "200 OK"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         {200, .content_length = -1, .chunked = true, .close = true},
         "200 OK"},
        {"HTTP/1.1 100 Continue\r\n\r\n", {100, .content_length = -1}, "100 Continue"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head_fields fields;
        const char *fault;
        size_t length = strlen(cases[i].head);
        autofree char *copy = malloc(length + 4);
        for (size_t cut = 0; cut < length; cut++) {
            autofree char *part = malloc(cut + 1); /* its own size, for the sanitizer */
            memcpy(part, cases[i].head, cut);
            assert_int_equal(http_head_parse((struct text){part, cut}, &fields, &fault), 0);
        }
        memcpy(copy, cases[i].head, length);
        memcpy(copy + length, "body", 4);
        assert_int_equal(http_head_parse((struct text){copy, length + 4}, &fields, &fault), length);
        assert_int_equal(fields.status, cases[i].fields.status);
        assert_int_equal(fields.content_length, cases[i].fields.content_length);
        assert_int_equal(fields.chunked, cases[i].fields.chunked);
        assert_int_equal(fields.close, cases[i].fields.close);
        assert_true(text_equal(fields.status_text, text_of(cases[i].status_text)));
    }
}

static void test_bad_heads(void **state)
{
    static const struct {
        const char *head, *fault;
    } cases[] = {
        {"SSH-2.0-OpenSSH\r\n", "the response is not HTTP/1"},
        {"HTTP/2 200\r\n\r\n", "the response is not HTTP/1"},
        {"HTTP/1.1200 OK\r\n", "the response is not HTTP/1"},
        {"\r\n", "the response is not HTTP/1"},
        {"HTTP/1.1 20 OK\r\n", "the response has no status"},
        {"HTTP/1.1 2000 OK\r\n", "the response has no status"},
        {"HTTP/1.1 2000\r\n", "the response has no status"},
        {"HTTP/1.1 099 OK\r\n", "the response has no status"},
        {"HTTP/1.1 abc OK\r\n", "the response has no status"},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
         "the response has a Content-Length that is none"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
         "the response has a Content-Length that is none"},
        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n",
         "the response has a Content-Length that is none"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n",
         "the response has a Content-Length that is none"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
         "the response has two Content-Lengths"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n",
         "the response has two Content-Lengths"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
         "the response has a Transfer-Encoding that was not asked for"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         "the response has a Transfer-Encoding that was not asked for"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_head_fields fields;
        const char *fault;
        assert_int_equal(http_head_parse(text_of(cases[i].head), &fields, &fault), -EBADMSG);
        assert_string_equal(fault, cases[i].fault);
    }
}

static void test_find(void **state)
{
    struct text head = TEXT("HTTP/1.1 200 OK\r\nA: 1\r\na:  2 \r\nAB: 3\r\nEmpty:\r\n\r\n");
    (void)state;
    assert_true(text_equal(http_head_find(head, "a", 0), TEXT("1")));
    assert_true(text_equal(http_head_find(head, "A", 1), TEXT("2")));
    assert_null(http_head_find(head, "A", 2).bytes);
    assert_true(text_equal(http_head_find(head, "ab", 0), TEXT("3")));
    assert_non_null(http_head_find(head, "empty", 0).bytes);
    assert_int_equal(http_head_find(head, "empty", 0).length, 0);
    assert_null(http_head_find(head, "HTTP/1.1 200 OK", 0).bytes);
}

/* The body in `out`; the result of the last step. `size` bytes come at once. */
static int decode(struct text bytes, size_t size, struct buffer *out, struct http_chunks *chunks,
                  size_t *rest)
{
    *chunks = (struct http_chunks){0};
    buffer_clear(out);
    while (bytes.length) {
        size_t length = bytes.length < size ? bytes.length : size;
        autofree char *copy = malloc(length);
        struct text piece = {copy, length}, body;
        int result;
        memcpy(copy, bytes.bytes, length);
        while ((result = http_chunks_next(chunks, &piece, &body)) > 0) {
            assert_true(body.length > 0);
            buffer_append_text(out, body);
        }
        bytes = (struct text){bytes.bytes + length, bytes.length - length};
        *rest = piece.length + bytes.length;
        if (result || chunks->state == HTTP_CHUNKS_ENDED)
            return result;
    }
    return 0;
}

static void test_chunks(void **state)
{
    static const struct {
        const char *bytes, *body;
        size_t rest;
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"5\nhello\n0\n\n", "hello", 0},
        {"000A;x=\"y\"\r\n0123456789\r\n1 \r\n!\r\n0\r\n\r\n", "0123456789!", 0},
        {"a\r\n0123456789\r\n0\r\nTrailer: x\r\nAnother: y\r\n\r\n", "0123456789", 0},
        {"1\r\n\n\r\n0\r\n\r\nHTTP/1.1", "\n", 8},
    };
    autobuffer struct buffer out;
    (void)state;
    buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t size = 1; size < 60; size++) {
            struct http_chunks chunks;
            size_t rest = 0;
            assert_int_equal(decode(text_of(cases[i].bytes), size, &out, &chunks, &rest), 0);
            assert_int_equal(chunks.state, HTTP_CHUNKS_ENDED);
            assert_int_equal(rest, cases[i].rest);
            assert_string_equal(out.bytes ? out.bytes : "", cases[i].body);
        }
    }
}

static void test_bad_chunks(void **state)
{
    static const char *const cases[] = {
        "x\r\n",
        "\r\n",
        ";\r\n",
        "-1\r\n",
        "5\r\nhelloX",
        "5\r\nhello5\r\n",
        "1234567890123456\r\n",
    };
    autobuffer struct buffer out;
    (void)state;
    buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t size = 1; size < 30; size++) {
            struct http_chunks chunks;
            size_t rest;
            assert_int_equal(decode(text_of(cases[i]), size, &out, &chunks, &rest), -EBADMSG);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),      cmocka_unit_test(test_bad_heads),
        cmocka_unit_test(test_find),       cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_bad_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
