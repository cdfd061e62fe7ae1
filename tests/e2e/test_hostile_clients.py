#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Slow and hostile clients on the agent's port: scraping and sending go on, memory stays near what it
was, and /-/healthy is answered throughout. FULL=1: 1,000 clients at a time for a minute, and each of these answers
within a second; else 300 for some seconds."""

import multiprocessing
import os
import random
import socket
import time

from checks import FULL, equal, run, true
from cluster import Cluster, require_programs, wait_until
from exporter import Exporter

CLIENTS = 1000 if FULL else 300
SECONDS = 60 if FULL else 8
MEMORY = 8 << 20
HEALTHY = 1 if FULL else 5  # the kubelet's patience; that of a busy machine


def slow_head(step):
    """A header line now and then, never the end."""
    return b"GET /metrics HTTP/1.1\r\nHost: a\r\n" if step == 0 else b"X-A: b\r\n"


def silent(step):
    return b"" if step else b"G"


def huge_head(step):
    return (b"GET / HTTP/1.1\r\n" if step == 0 else b"") + b"X: " + b"x" * 20000 + b"\r\n"


def many_heads(step):
    return (b"GET / HTTP/1.1\r\n" if step == 0 else b"") + b"".join(
        b"A%d: b\r\n" % number for number in range(500)
    )


def path_tricks(step):
    paths = [
        b"/../../../../etc/passwd",
        b"/%2e%2e/%2e%2e/etc/passwd",
        b"//metrics",
        b"/-/healthy/..;/metrics",
        b"/federate?match[]=" + b"(" * 4000,
        b"/federate?" + b"match[]=up&" * 300,
        b"/" + b"a" * 9000,
        b"/%00",
        b"/-/reload",
        b"http://evil.example/metrics",
    ]
    return b"GET " + paths[step % len(paths)] + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def bad_tls(step):
    return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200)


def garbage(step):
    return os.urandom(500)


def slow_body(step):
    head = b"POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    return head if step == 0 else b"x"


def chunked_for_ever(step):
    head = b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head if step == 0 else b"1\r\nx\r\n"


def unread(step):
    """Asks for all there is and reads nothing."""
    return b'GET /federate?match[]={job!=""} HTTP/1.1\r\nHost: a\r\n\r\n' * 3


KINDS = [slow_head, silent, huge_head, many_heads, path_tricks, bad_tls, garbage]
KINDS += [slow_body, chunked_for_ever, unread]


class Crowd(multiprocessing.Process):
    """Keeps CLIENTS connections open; whoever is thrown out comes back."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.ended = multiprocessing.Event()
        self.opened = multiprocessing.Value("q", 0)

    def open(self, kind):
        client = socket.socket()
        client.setblocking(False)
        if kind is unread:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect_ex(self.address)
        self.opened.value += 1
        return [client, kind, 0]

    def turn(self, entry):
        client, kind, step = entry
        try:
            client.send(kind(step))
            if kind is not unread and client.recv(1 << 16) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            client.close()
            entry[:] = self.open(kind)
            return
        entry[2] += 1

    def run(self):
        entries = [self.open(KINDS[i % len(KINDS)]) for i in range(CLIENTS)]
        while not self.ended.is_set():
            for entry in random.sample(entries, 50):
                self.turn(entry)
            time.sleep(0.01)
        for client, _, _ in entries:
            client.close()


def healthy(address):
    """Seconds that a new connection's answer takes."""
    start = time.monotonic()
    with socket.create_connection(address, timeout=10) as probe:
        probe.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := probe.recv(4096):
            answer += piece
    true_answer = answer.startswith(b"HTTP/1.1 200") and b"is Healthy" in answer
    assert true_answer, answer
    return time.monotonic() - start


def resident(process):
    with open(f"/proc/{process.pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024


def test_hostile_clients():
    require_programs("prometheus")
    with Cluster("hostile") as cluster, Exporter(series=2000) as exporter:
        prometheus = cluster.start_prometheus()
        agent = cluster.start_edgemeter(
            f"""
global: {{scrape_interval: 1s}}
scrape_configs:
{exporter.jobs(2)}
remote_write:
  - url: {prometheus.url}/api/v1/write
    queue_config: {{batch_send_deadline: 500ms}}
""",
            metered=False,
        )
        host, port = agent.url.removeprefix("http://").split(":")
        address = (host, int(port))
        count = 'min(count_over_time(up{job=~"test.*"}[1h]))'
        wait_until("samples at the receiver", lambda: prometheus.value(count) >= 3)
        idle = resident(agent)
        before = prometheus.value(count)
        crowd = Crowd(address)
        crowd.start()
        times, memory = [], []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            times.append(healthy(address))
            memory.append(resident(agent))
            time.sleep(0.1)
        crowd.ended.set()
        crowd.join()
        print(f"    {crowd.opened.value} connections; /-/healthy asked {len(times)} times, slowest")
        print(f"    {max(times):.3f} s; memory idle {idle / 1e6:.1f} MB, most {max(memory) / 1e6:.1f} MB")
        true(f"healthy within {HEALTHY} s throughout", max(times) < HEALTHY)
        true("at most 8 MiB above idle", max(memory) - idle <= MEMORY)
        wait_until("what was scraped meanwhile", lambda: prometheus.value(count) >= before + SECONDS - 2)
        up = prometheus.value('min(avg_over_time(up{job=~"test.*"}[1h]))')
        true(f"targets up: {up:.2f} of all scrapes", up > 0.75)  # a busy machine is late for one or two
        equal("exit status", agent.stop(), 0)


if __name__ == "__main__":
    run(test_hostile_clients, metered=False)
