# SPDX-License-Identifier: Apache-2.0
"""Traffic for the exactness tests, well-behaved: each scenario is a function of a server and a
tally, and does what its name says."""

import concurrent.futures
import email.utils
import time

from traffic import Connection, Tally, chunked, head

PAGE = "/page.html"
BIG = "/big.bin"


def in_threads(tally, *functions):
    """Calls every function with a tally of its own, all at once."""
    tallies = [Tally() for _ in functions]
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        calls = [pool.submit(call, own) for call, own in zip(functions, tallies)]
    for call, own in zip(calls, tallies):
        call.result()
        tally.add(own)


def keep_alive(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(300):
            assert connection.exchange("GET", PAGE) == 200


def one_request_per_connection(server, tally):
    for number in range(100):
        with Connection(server.ipv4, tally) as connection:
            version = "HTTP/1.0" if number % 2 else "HTTP/1.1"
            connection.exchange("GET", PAGE, ("Connection: close",), version=version)
            connection.ended()


def pipelined_16_deep(server, tally):
    paths = [PAGE, "/missing", "/empty", PAGE]
    with Connection(server.ipv4, tally) as connection:
        for _ in range(20):
            wanted = [(("GET", "HEAD")[n % 3 == 2], paths[n % 4]) for n in range(16)]
            connection.send(b"".join(head(method, path) for method, path in wanted))
            tally.heads += len(wanted)
            for method, _ in wanted:
                connection.answer(method)


def pipelined_with_bodies(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(5):
            for number in range(8):
                connection.request("POST", "/upload", body=b"p" * (number * 700 + 1))
            for _ in range(8):
                assert connection.answer() == 200


def chunked_uploads(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for number in range(20):
            chunks = [b"c" * size for size in (1, 15, 16, 1000 * number + 1, 4096)]
            trailers = ("Checksum: none",) if number % 2 else ()
            connection.send(head("POST", "/upload", ("Transfer-Encoding: chunked",)))
            data = chunked(chunks, trailers)
            half = len(data) // 2
            connection.send(data[:half])
            connection.send(data[half:])
            tally.heads += 1
            tally.sent_bodies += sum(map(len, chunks))
            assert connection.answer() == 200


def chunked_downloads(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for number in range(20):
            path = "/cgi?pieces" if server.name == "apache" and number % 2 else "/app/chunked/40"
            assert connection.exchange("GET", path) == 200


def proxied_and_cgi(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(20):
            assert connection.exchange("GET", "/app/sleep/0") == 200
            assert connection.exchange("PUT", "/upload", body=b"put") == 200


def expect_100_continue(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(10):
            connection.send(
                head("POST", "/upload", ("Expect: 100-continue", "Content-Length: 5000"))
            )
            assert connection.read_head()[0] == 100
            connection.send(b"e" * 5000)
            tally.heads += 1
            tally.sent_bodies += 5000
            assert connection.answer() == 200


def without_body(server, tally):
    """HEAD, 204, 304, and what looks like them with one."""
    now = email.utils.formatdate(time.time() + 10, usegmt=True)
    with Connection(server.ipv4, tally) as connection:
        for _ in range(10):
            assert connection.exchange("HEAD", BIG) == 200
            assert connection.exchange("HEAD", "/missing") == 404
            assert connection.exchange("GET", "/empty") == 204
            # nginx wants the file's own time, Apache one that is not in the future
            connection.request("HEAD", PAGE)
            modified = connection.read_head()[1]["last-modified"].title().replace("Gmt", "GMT")
            tally.answers += 1
            assert connection.exchange("GET", PAGE, (f"If-Modified-Since: {modified}",)) == 304
            assert connection.exchange("GET", PAGE, (f"If-Unmodified-Since: {now}",)) == 200


def ranges(server, tally):
    with Connection(server.ipv4, tally) as connection:
        for _ in range(10):
            assert connection.exchange("GET", BIG, ("Range: bytes=10-99",)) == 206
            assert connection.exchange("GET", BIG, ("Range: bytes=0-0,500000-900000",)) == 206
            assert connection.exchange("GET", BIG, ("Range: bytes=9999999-",)) == 416


def errors_404(server, tally):
    for method in 4 * ("GET", "DELETE", "OPTIONS", "PATCH", "PURGE", "get"):
        with Connection(server.ipv4, tally) as connection:
            connection.exchange(method, "/missing")


def ipv6(server, tally):
    if not server.ipv6:
        return
    with Connection(server.ipv6, tally) as connection:
        for _ in range(50):
            assert connection.exchange("GET", PAGE) == 200


def large_file(server, tally):
    with Connection(server.ipv4, tally) as connection:
        assert connection.exchange("GET", "/huge.bin") == 200


def slow_clients(server, tally):
    """A request byte by byte, a response read slowly through a small window."""

    def byte_by_byte(tally):
        with Connection(server.ipv4, tally) as connection:
            for method, body in (("GET", b""), ("POST", b"slow body")):
                headers = (f"Content-Length: {len(body)}",) if body else ()
                path = "/upload" if body else PAGE
                for byte in head(method, path, headers) + body:
                    connection.send(bytes([byte]))
                    time.sleep(0.005)
                tally.heads += 1
                tally.sent_bodies += len(body)
                assert connection.answer() == 200

    def read_slowly(tally):
        with Connection(server.ipv4, tally, receive_buffer=4096) as connection:
            connection.request("GET", BIG)
            for _ in range(20):
                connection.more(1000)
                time.sleep(0.05)
            assert connection.answer() == 200
            assert connection.exchange("GET", PAGE) == 200

    in_threads(tally, byte_by_byte, read_slowly)


# Every answer is read to its end.
COMPLETE = (
    keep_alive,
    one_request_per_connection,
    pipelined_16_deep,
    pipelined_with_bodies,
    chunked_uploads,
    chunked_downloads,
    proxied_and_cgi,
    expect_100_continue,
    without_body,
    ranges,
    errors_404,
    ipv6,
    large_file,
    slow_clients,
)
