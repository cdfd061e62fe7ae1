# SPDX-License-Identifier: Apache-2.0
"""Traffic for the exactness tests in which something goes wrong: requests that are none, that end
early, or that nobody waits for."""

import functools
import random
import socket
import subprocess
import time

from checks import FULL
from cluster import require_programs
from scenarios import BIG, PAGE, in_threads
from traffic import Connection, head


def too_large_early(server, tally):
    """413 while the body still comes, or before any of it."""
    for size, wait in ((1001, 0), (50_000, 0), (900_000, 0.2)):
        for _ in range(5):
            connection = Connection(server.ipv4, tally)
            connection.send(head("POST", "/limited", (f"Content-Length: {size}",)))
            tally.heads += 1
            time.sleep(wait)
            try:
                connection.send(b"l" * size)
                connection.answer()
            except OSError:
                pass  # closed by the server meanwhile
            connection.close()


MALFORMED = [
    b"GARBAGE\r\n\r\n",
    b"GET /page.html HTTP/1.1\r\nHost: test\r\nno colon here\r\n\r\n",
    b"GET /page.html HTTP/1.1\r\nHost: test\r\nContent-Length: ten\r\n\r\n",
    b"GET /page.html HTTP/1.1\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: test\r\n\r\n",
    b"GET /page.html HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: rot13\r\n\r\n",
    b"GET /page.html HTTP/9.9\r\nHost: test\r\n\r\n",
    b"G(T /page.html HTTP/1.1\r\nHost: test\r\n\r\n",
    b"\x00\x01\x02\x03\r\n\r\n",
    b"GET /a b c HTTP/1.1\r\nHost: test\r\n\r\n",
]


def _send_and_read(server, tally, data):
    with Connection(server.ipv4, tally) as connection:
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        connection.ended()


def malformed_requests(server, tally):
    for data in MALFORMED:
        _send_and_read(server, tally, data)


def malformed_behind_good(server, tally):
    good = head("GET", PAGE)
    for data in MALFORMED:
        _send_and_read(server, tally, good * 3 + data)


def heads_too_large(server, tally):
    """414 and 400 or 431, in one go and piece by piece."""
    huge = [
        b"GET /" + b"l" * 40_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nLong: " + b"h" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\n" + b"Many: headers of a kind\r\n" * 3000 + b"\r\n",
    ]
    for data in huge:
        for piece in (len(data), 4000):
            with Connection(server.ipv4, tally) as connection:
                try:
                    for at in range(0, len(data), piece):
                        connection.send(data[at : at + piece])
                        time.sleep(0.002)
                except OSError:
                    pass
                connection.ended()


def request_timeouts(server, tally):
    """The server gives up after a second: no byte, half a line, half a head, half a body."""
    starts = [
        b"",
        b"GET /page",
        b"GET /page.html HTTP/1.1\r\nHost: te",
        head("POST", "/app/upload", ("Content-Length: 100",)) + b"half a body",
        head("GET", PAGE) + b"GET /page.html HTTP/1.1\r\nHost",
        head("GET", PAGE) + head("POST", "/app/upload", ("Content-Length: 100",)) + b"half",
    ]
    connections = []
    for start in starts:
        connections.append(Connection(server.impatient, tally))
        connections[-1].send(start)
    for connection, start in zip(connections, starts):
        if start:  # else Apache, with TCP_DEFER_ACCEPT, does not know of it for long
            connection.ended()
        connection.close()


def _abort(server, tally, chance):
    """One request that its client does not see through."""
    how = chance.choice(("nothing", "half_head", "body", "early", "first_byte", "middle", "sleep"))
    connection = Connection(server.ipv4, tally)
    end = connection.reset if chance.random() < 0.5 else connection.close
    try:
        if how == "half_head":
            connection.send(head("GET", PAGE)[: chance.randrange(1, 36)])
            tally.half_heads += 1
        elif how == "body":
            connection.send(head("POST", "/app/upload", ("Content-Length: 1000",)) + b"some of it")
            tally.heads += 1
        elif how != "nothing":
            path = {"early": PAGE, "first_byte": PAGE, "middle": BIG, "sleep": "/app/sleep/50"}[how]
            connection.request("GET", path)
            if how in ("first_byte", "middle"):
                connection.socket.recv(1 if how == "first_byte" else 30_000)
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.01)
    except OSError:
        pass  # the server was faster
    end()


def aborted_among_good(server, tally):
    """Half of the requests are seen through, the others given up in every way there is."""
    total = 10_000 if FULL else 1_000

    def client(tally, seed):
        chance = random.Random(seed)
        with Connection(server.ipv4, tally) as good:
            for _ in range(total // 4):
                _abort(server, tally, chance)
                good.exchange("GET", PAGE)

    in_threads(tally, *(functools.partial(client, seed=seed) for seed in range(4)))


def ab_wrk_and_curl_at_once(server, tally):
    require_programs("ab", "wrk", "curl")
    connections = 8
    tally.abandoned += 2 * connections  # wrk, and ab with -k, end with a request under way on each
    requests = "20000" if FULL else "2000"
    url = server.url
    commands = [
        ["ab", "-q", "-k", "-c", str(connections), "-n", requests, url + PAGE],
        ["ab", "-q", "-c", str(connections), "-n", requests, url + "/missing"],
        ["wrk", "-t1", f"-c{connections}", "-d10s" if FULL else "-d2s", url + PAGE],
        ["curl", "-s", "-o", "/dev/null", "--limit-rate", "2M", f"{url}{BIG}?[1-3]"],
        ["curl", "-s", "-o", "/dev/null", "-d", "a=b", f"{url}/upload?[1-20]"],
        ["curl", "-s", "-T", "-", f"{url}/upload", "-o", "/dev/null"],
    ]
    children = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        for child, command in zip(children, commands):
            if child.wait(900 if FULL else 120):
                raise AssertionError(f"{command} ended with {child.returncode}")
    finally:
        for child in children:  # none goes on into the next scenario
            if child.poll() is None:
                child.kill()
                child.wait()


# Every request gets an answer.
ANSWERED = (
    too_large_early,
    malformed_requests,
    malformed_behind_good,
    heads_too_large,
)
# Some do not.
BROKEN = (
    request_timeouts,
    aborted_among_good,
    ab_wrk_and_curl_at_once,
)
