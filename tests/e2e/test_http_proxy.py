#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Apache as a reverse proxy in front of nginx: server rows for Apache, client rows for Apache and
server rows for nginx are all the logs; over a unix socket there is nothing to count between."""

from collections import Counter

from checks import equal, run
from cluster import Cluster, wait_until
from exact import log_lines, method_of, read, start_meter
from exact_servers import start_exact_apache, start_exact_nginx
from scenarios import in_threads
from traffic import Connection, Tally, chunked, head


def traffic(server):
    """Every kind of request that a proxy hands on; what its clients saw."""

    def client(tally):
        with Connection(server.ipv4, tally) as connection:
            for _ in range(50):
                connection.exchange("GET", "/page.html")
                connection.exchange("HEAD", "/page.html")
                connection.exchange("GET", "/missing")
                connection.exchange("GET", "/empty")
                connection.exchange("POST", "/page.html", body=b"refused")
                connection.exchange("GET", "/big.bin", ("Range: bytes=5-5000",))
            for number in range(4):
                connection.exchange("GET", "/big.bin")
                # In one piece: an answer may come before the end of a body that comes later.
                start = head("PUT", "/page.html", ("Transfer-Encoding: chunked",))
                connection.send(start + chunked([b"a" * 1000, b"b" * (number + 1)]))
                tally.heads += 1
                tally.sent_bodies += 1001 + number
                connection.answer()
            connection.send(head("GET", "/page.html") * 16)
            tally.heads += 16
            for _ in range(16):
                connection.answer()

    tally = Tally()
    in_threads(tally, client, client, client)
    return tally


def logged(server):
    return Counter((method_of(line), line.status) for line in log_lines(server))


def total(rows, field):
    return sum(getattr(row, field) for row in rows.values())


def check(proxies, through_tcp, mpm="event"):
    with Cluster("proxy") as cluster:
        nginx = start_exact_nginx(cluster)
        apache = start_exact_apache(cluster, mpm, proxies(nginx))
        agent = start_meter(cluster, cluster.cgroup_folder(), roles="[server, client]")
        tally = traffic(apache)
        wait_until("Apache's log", lambda: sum(logged(apache).values()) >= tally.heads)
        equal("lines in Apache's log", sum(logged(apache).values()), tally.heads)
        wait_until("nginx's log", lambda: sum(logged(nginx).values()) >= tally.heads)
        apache.stop()  # with it end its connections to nginx
        reading = read(agent)
        heads = reading.outcomes("heads")
        equal("Apache's server rows", reading.counts("server", apache.cgroup_path), logged(apache))
        between = logged(nginx) if through_tcp else Counter()
        equal("Apache's client rows", reading.counts("client", apache.cgroup_path), between)
        equal("nginx's server rows", reading.counts("server", nginx.cgroup_path), between)
        equal("nginx's client rows", reading.counts("client", nginx.cgroup_path), Counter())
        equal("lines in nginx's log", sum(logged(nginx).values()), tally.heads)
        rows = reading.rows("server", apache.cgroup_path)
        equal("request body bytes", total(rows, "request_bytes"), tally.sent_bodies)
        equal("response body bytes", total(rows, "response_bytes"), tally.received_bodies)
        if through_tcp:
            for role, server in (("client", apache), ("server", nginx)):
                rows = reading.rows(role, server.cgroup_path)
                equal(
                    f"{server.name}, {role}: response body bytes",
                    total(rows, "response_bytes"),
                    tally.received_bodies,
                )
        print(f"    heads: {dict(heads)}", flush=True)
        equal("heads seen", reading.seen("heads"), sum(heads.values()))
        equal("heads counted", heads["counted"], (3 if through_tcp else 1) * tally.heads)


def test_keep_alive_to_the_backend():
    check(lambda nginx: f"ProxyPass / http://127.0.0.1:{nginx.port}/", True)


def test_one_connection_each_to_the_backend():
    check(lambda nginx: f"ProxyPass / http://127.0.0.1:{nginx.port}/ disablereuse=on", True)


def test_prefork():
    check(lambda nginx: f"ProxyPass / http://127.0.0.1:{nginx.port}/", True, "prefork")


def test_unix_socket_backend():
    check(lambda nginx: f"ProxyPass / unix:{nginx.unix}|http://backend/", False)


if __name__ == "__main__":
    run(
        test_keep_alive_to_the_backend,
        test_one_connection_each_to_the_backend,
        test_prefork,
        test_unix_socket_backend,
    )
