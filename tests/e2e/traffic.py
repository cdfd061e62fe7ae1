# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand over a socket: every byte, segment and end of a connection as the test wants it,
and a tally of what went over it, to compare with what server and agent say."""

import dataclasses
import socket
import struct


@dataclasses.dataclass
class Tally:
    """What the clients of a scenario saw."""

    heads: int = 0  # sent whole
    half_heads: int = 0  # which a server may answer or not
    abandoned: int = 0  # at most so many more, which a server may not even have read
    answers: int = 0
    sent: int = 0
    received: int = 0
    sent_bodies: int = 0
    received_bodies: int = 0

    def add(self, other):
        for field in dataclasses.fields(self):
            name = field.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


def head(method, path, headers=(), version="HTTP/1.1"):
    lines = [f"{method} {path} {version}", "Host: test", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunked(chunks, trailers=()):
    """The chunks with an extension on every second one, the end and the trailers."""
    encoded = b"".join(
        b"%x%s\r\n%s\r\n" % (len(chunk), b";name=value" if number % 2 else b"", chunk)
        for number, chunk in enumerate(chunks)
    )
    return encoded + b"0\r\n" + b"".join(line.encode() + b"\r\n" for line in trailers) + b"\r\n"


class Connection:
    def __init__(self, address, tally, receive_buffer=None):
        self.tally = tally
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)
        self.tally.sent += len(data)

    def request(self, method, path, headers=(), body=b"", version="HTTP/1.1"):
        if body:
            headers = (*headers, f"Content-Length: {len(body)}")
        self.send(head(method, path, headers, version) + body)
        self.tally.heads += 1
        self.tally.sent_bodies += len(body)

    def more(self, size=65536):
        """False at the end of what the server sends."""
        data = self.socket.recv(size)
        self.tally.received += len(data)
        self.buffer += data
        return bool(data)

    def until(self, separator):
        while separator not in self.buffer:
            if not self.more():
                raise ConnectionError(f"closed before an answer's end: {self.buffer[:80]!r}")
        found, _, self.buffer = self.buffer.partition(separator)
        return found

    def take(self, length):
        self.tally.received_bodies += length
        while length > len(self.buffer):
            length -= len(self.buffer)
            self.buffer = b""
            if not self.more():
                raise ConnectionError("closed within a body")
        self.buffer = self.buffer[length:]

    def read_head(self):
        """The status and the fields of the next answer; interim ones too."""
        start, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in lines)
        return int(start.split()[1]), {name: value.strip() for name, value in fields.items()}

    def answer(self, method="GET"):
        """Reads one whole answer; its status."""
        status = 100
        while status < 200:
            status, fields = self.read_head()
        self.tally.answers += 1
        if method == "HEAD" or status in (204, 304):
            return status
        if fields.get("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                self.take(size)
                self.until(b"\r\n")
            while self.until(b"\r\n"):
                pass
        elif "content-length" in fields:
            self.take(int(fields["content-length"]))
        else:
            while self.more():
                pass
            self.take(len(self.buffer))
        return status

    def exchange(self, method, path, headers=(), body=b"", version="HTTP/1.1"):
        self.request(method, path, headers, body, version)
        return self.answer(method)

    def ended(self):
        """Reads until the server has closed."""
        try:
            while self.more():
                pass
        except ConnectionResetError:
            pass

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
