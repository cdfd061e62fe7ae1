#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run by test_segment_order.py in a network namespace of its own: an HTTP server on real sockets,
and behind a tun device a client that makes its TCP segments itself. Sends each request in every
order of its segments, with and without an ACK that ends the handshake, with and without every
segment twice: where there was no such ACK, the first segment reaches the listening socket, before
there is another. Prints how many GETs and POSTs were answered."""

import fcntl
import itertools
import os
import select
import socket
import struct
import subprocess
import threading

SERVER, CLIENT, PORT = "192.0.2.1", "192.0.2.2", 8080
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SYN, RST, ACK = 2, 4, 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE = 20

# In three segments: cut between lines, within them, and before line ends alone.
REQUESTS = (
    (b"GET /a HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n", b"\r\n"),
    (b"GET /b HTTP/1.1\r\nHost: a", b"\r\nAccept: */*", b"\r\n\r\n"),
    (b"GET /c HTTP/1.1\r", b"\nHost: a\r\n\r", b"\n"),
    (b"GET /ccccccccccccccccc", b"dddddddd", b"eeee HTTP/1.1\r\nHost: a\r\n\r\n"),
    (b"POST /e HTTP/1.1\r\nContent-Length: 6\r\n\r\n", b"abc", b"def"),
    (b"POST /f HTTP/1.1\r\nContent-Length: 6\r\n\r\na\n", b"\r\n", b"\r\n"),
)


def tun_open():
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
    for command in (f"address add {SERVER}/24 dev wire", "link set dev wire up"):
        subprocess.run(["ip", *command.split()], check=True)
    return tun


def answer(connection):
    """One connection, a request after the other."""
    text = b""
    while piece := connection.recv(4096):
        text += piece
        head, end, body = text.partition(b"\r\n\r\n")
        if end and len(body) == (6 if head.startswith(b"POST") else 0):
            connection.sendall(ANSWER)
            text = b""


def serve(listener):
    while True:
        with listener.accept()[0] as connection:
            try:
                answer(connection)
            except ConnectionResetError:
                pass


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Client:
    """One connection from a port of its own. Numbers count from the SYN."""

    def __init__(self, tun, port, ends_handshake):
        self.tun, self.port = tun, port
        self.first = port * 0x9E3779B1 & 0xFFFFFFFF
        self.sent, self.acknowledged = 1, 0
        self.send(0, b"", SYN)
        self.receive()
        if ends_handshake:
            self.send(1, b"", ACK)

    def send(self, number, payload, flags=ACK):
        addresses = socket.inet_aton(CLIENT) + socket.inet_aton(SERVER)
        tcp = struct.pack(
            "!HHIIBBHHH",
            self.port,
            PORT,
            (self.first + number) & 0xFFFFFFFF,
            self.acknowledged,
            5 << 4,
            flags,
            65535,
            0,
            0,
        )
        pseudo = addresses + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp + payload))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
        ip = struct.pack("!BBHIBBH", 0x45, 0, 40 + len(payload), 0, 64, socket.IPPROTO_TCP, 0)
        ip = ip[:10] + struct.pack("!H", checksum(ip + addresses)) + addresses
        os.write(self.tun, ip + tcp + payload)

    def receive(self):
        """The payload of the next packet of this connection that carries some, or its SYN."""
        while select.select([self.tun], [], [], PATIENCE)[0]:
            packet = os.read(self.tun, 65536)
            if packet[0] != 0x45 or packet[9] != socket.IPPROTO_TCP:
                continue
            to, number, flags = struct.unpack("!HI5xB", packet[22:34])
            payload = packet[20 + (packet[32] >> 4) * 4 :]
            if to != self.port or not (payload or flags & SYN):
                continue
            self.acknowledged = (number + len(payload) + bool(flags & SYN)) & 0xFFFFFFFF
            return payload
        raise TimeoutError(f"the server said nothing in {PATIENCE} s")

    def ask(self, pieces, order, times):
        ends = list(itertools.accumulate(map(len, pieces), initial=self.sent))
        for i in order:
            for _ in range(times):
                self.send(ends[i], pieces[i])
        self.sent = ends[-1]
        if self.receive() != ANSWER:
            raise RuntimeError("another answer than the server's")


def main():
    tun = tun_open()
    listener = socket.create_server((SERVER, PORT))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    orders = list(itertools.permutations(range(3)))
    cases = list(itertools.product(REQUESTS, orders, (True, False), (1, 2)))
    counts = {"GET": 0, "POST": 0}
    for port, (request, order, ends_handshake, times) in enumerate(cases, start=10000):
        client = Client(tun, port, ends_handshake)
        for pieces, turn in ((request, order), (REQUESTS[port % 6], orders[port // 6 % 6])):
            client.ask(pieces, turn, times)
            counts[pieces[0].split()[0].decode()] += 1
        client.send(client.sent, b"", RST | ACK)
    print(counts["GET"], counts["POST"])


if __name__ == "__main__":
    main()
