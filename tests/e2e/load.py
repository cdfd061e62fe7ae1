# SPDX-License-Identifier: Apache-2.0
"""Requests in known numbers: by ab and wrk, and by connections whose every response is counted."""

import http.client
import re
import socket
import threading

from cluster import require_programs


def ab(cluster, url, requests, connections=32, keep_alive=True):
    """Exactly `requests` GETs; RuntimeError when ab saw fewer answers."""
    require_programs("ab")
    argv = ["ab", "-q", "-n", str(requests), "-c", str(connections)]
    output = cluster.run("ab", argv + (["-k"] if keep_alive else []) + [url])
    complete = int(re.findall(r"Complete requests:\s+(\d+)", output)[-1])
    if complete != requests:
        raise RuntimeError(f"ab completed {complete} of {requests} requests:\n{output}")


def wrk(cluster, url, seconds=3, connections=32):
    """Keep-alive HTTP/1.1 for a while; how many responses wrk counted."""
    require_programs("wrk")
    output = cluster.run("wrk", ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", url])
    return int(re.findall(r"(\d+) requests in", output)[-1])


def request(connection, method, path):
    """One request on an http.client connection; its status."""
    body = b"edge=1" if method == "POST" else None
    connection.request(method, path, body=body)
    response = connection.getresponse()
    response.read()
    return response.status


def connect(server):
    return http.client.HTTPConnection(server.host, server.port, timeout=30)


class Clients:
    """Threads that send keep-alive GETs until told to stop, and connect anew after an error."""

    def __init__(self, server, count=8):
        self.server = server
        self.answered = 0
        self.errors = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        connection = connect(self.server)
        answered = errors = 0
        while not self._stopping.is_set():
            try:
                request(connection, "GET", "/page.html")
                answered += 1
            except (OSError, http.client.HTTPException, socket.timeout):
                connection.close()
                errors += 1
        connection.close()
        with self._lock:
            self.answered += answered
            self.errors += errors
