#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Targets that no scraper should suffer from, one for each path: python3 bad_targets.py PORT."""

import ctypes
import gzip
import signal
import socket
import socketserver
import struct
import sys
import time

TEXT = "text/plain; version=0.0.4; charset=utf-8"
GZIP = "Content-Encoding: gzip\r\n"
PIECE = 1 << 16


def head(length, status="200 OK", extra="", content_type=TEXT):
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}Content-Length: {length}\r\n\r\n"
    ).encode()


def page(body, **kind):
    body = body.encode() if isinstance(body, str) else body
    return lambda send: send(head(len(body), **kind) + body)


def for_ever(make_piece):
    """A chunked body without an end, some megabytes a second: the machine is others' too."""

    def answer(send):
        send(f"HTTP/1.1 200 OK\r\nContent-Type: {TEXT}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        number = 0
        while True:
            piece = make_piece(number).encode()
            send(b"%x\r\n%s\r\n" % (len(piece), piece))
            number += 1
            time.sleep(0.005)

    return answer


def drip(send):
    send(head(1000))
    for _ in range(1000):
        send(b"#")
        time.sleep(0.2)


def hang(_):
    time.sleep(3600)


def cut(_):
    pass


def endless_head(send):
    send(b"HTTP/1.1 200 OK\r\n")
    while True:
        send(b"X-More: " + b"x" * 1000 + b"\r\n")


def bomb(text, layers, extra):
    """`text` a million times and more, packed."""
    packed = text * (64 * 1024 * 1024 // len(text))
    for _ in range(layers):
        packed = gzip.compress(packed, 9)
    return lambda send: send(head(len(packed), extra=extra) + packed)


def reset(send):
    send(head(1000) + b"a 1\n")
    return "reset"


def chunked(text, extra=""):
    """A head that announces chunks, then `text` as it stands."""
    start = f"HTTP/1.1 200 OK\r\nContent-Type: {TEXT}\r\nTransfer-Encoding: chunked\r\n{extra}\r\n"
    return lambda send: send((start + text).encode())


def endless(start, piece):
    def answer(send):
        send(start)
        while True:
            send(piece * 100)
            time.sleep(0.005)

    return answer


def surplus(send):
    """A response that nobody asked for, behind the one that was."""
    send(head(7) + b"good 1\n" + head(7) + b"evil 1\n")


def redirect(to):
    return page("", status="302 Found", extra=f"Location: {to}\r\n")


SERIES = "".join(f'a{{number="{number}"}} {number}\n' for number in range(1000))

ANSWERS = {
    "/good": page("good 1\n"),
    "/malformed": page("good 1\nthis is no metric\n"),
    "/number": page("good 1\nbad 1e400\n"),
    "/utf8": page(b'a{b="\xff\xfe"} 1\n'),
    "/nul": page(b"a\0b 1\n"),
    "/carriage": page("a 1\r\n"),
    "/duplicates": page("a 1\n" * 500),
    "/long-line": page("# " + "x" * 10_000_000 + "\na 1\n"),
    "/long-name": page("a" * 10_000_000 + " 1\n"),
    "/labels": page("a{" + ",".join(f'l{i}="v"' for i in range(10_000)) + "} 1\n"),
    "/endless-lines": for_ever(lambda number: f"a{number} 1\n" * 100),
    "/endless-series": for_ever(lambda number: "".join(f"a{number}_{i} 1\n" for i in range(100))),
    "/endless-line": for_ever(lambda _: "x" * PIECE),
    "/endless-comments": for_ever(lambda _: "# nothing\n" * (PIECE // 10)),
    "/endless-newlines": for_ever(lambda _: "\n" * PIECE),
    "/endless-head": endless_head,
    "/drip": drip,
    "/hang": hang,
    "/cut": cut,
    "/reset": reset,
    "/length": lambda send: send(head(100_000) + b"a 1\n"),
    "/bomb-newlines": bomb(b"\n", 1, GZIP),
    "/bomb-lines": bomb(b"a 1\n", 1, GZIP),
    "/bomb-zeros": bomb(b"\0", 1, GZIP),
    "/bomb-chain": bomb(b"\n", 2, "Content-Encoding: gzip, gzip\r\n"),
    "/bomb-headers": bomb(b"\n", 2, GZIP + GZIP),
    "/gzip-cut": page(gzip.compress(SERIES.encode())[:-20], extra=GZIP),
    "/gzip-none": page("a 1\n", extra=GZIP),
    "/loop": page("", status="302 Found", extra="Location: /loop\r\n"),
    "/status": page("oops", status="500 Internal Server Error"),
    "/html": page("<html></html>", content_type="text/html"),
    "/samples": page(SERIES),
    "/continue": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "/upgrade": page("a 1\n", status="101 Switching Protocols"),
    "/no-head": lambda send: send(b"a 1\nb 2\n" * 10),
    "/no-version": lambda send: send(b"HTTP/9.9 200 OK\r\nContent-Length: 4\r\n\r\na 1\n"),
    "/no-status": lambda send: send(b"HTTP/1.1 \r\n\r\na 1\n"),
    "/chunk-huge": chunked("ffffffffffffffff\r\na 1\n"),
    "/chunk-beyond": chunked("10000000000000000\r\na 1\n"),
    "/chunk-negative": chunked("-4\r\na 1\n\r\n0\r\n\r\n"),
    "/chunk-none": chunked("a 1\nb 2\n\r\n"),
    "/chunk-extension": endless(chunked("4;")(bytes), b"x=y;"),
    "/trailers": endless(chunked("4\r\na 1\n\r\n0\r\n")(bytes), b"X-More: y\r\n"),
    "/length-twice": page("a 1\n", extra="Content-Length: 4000\r\n"),
    "/length-negative": lambda send: send(head(-4) + b"a 1\n"),
    "/length-beyond": lambda send: send(head(18446744073709551620) + b"a 1\n"),
    "/header-nul": page("a 1\n", extra="X-A: b\0c\r\n"),
    "/surplus": surplus,
    "/redirect-file": redirect("file:///etc/hostname"),
    "/redirect-gopher": redirect("gopher://127.0.0.1:1/"),
    "/redirect-nowhere": redirect(""),
    "/redirect-garbage": redirect("http://[::1"),
}


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no child outlives the server
        try:
            while request := self.read_head():
                path = request.split()[1].split("?")[0]
                answer = ANSWERS.get(path, page("", status="404 Not Found"))
                if answer(self.request.sendall) == "reset":
                    linger = struct.pack("ii", 1, 0)
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                if answer in (cut, ANSWERS["/length"]):
                    return
        except OSError:
            pass  # the scraper has had enough

    def read_head(self):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = self.request.recv(65536)
            if not piece:
                return ""
            request += piece
        return request.decode()


class Server(socketserver.ForkingTCPServer):
    """A process for each connection: none waits for another's."""

    allow_reuse_address = True
    request_queue_size = 128
    max_children = 200
    block_on_close = False


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
