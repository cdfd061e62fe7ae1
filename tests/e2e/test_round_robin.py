#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""round_robin_dns: the connections of a remote's shards go to all addresses of its name. The agent gets an
/etc/hosts of its own for that."""

import http.server
import os
import threading

from checks import run
from cluster import Cluster, Unable, free_port, wait_until
from exporter import Exporter


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host, port):
        self.requests = 0
        super().__init__((host, port), Taker)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def all_of(hosts):
    """A server on each, on one port."""
    for _ in range(20):
        port, servers = free_port(), []
        try:
            for host in hosts:
                servers.append(Server(host, port))
            return servers
        except OSError as error:
            reason = error
            for server in servers:
                server.shutdown()
                server.server_close()
    raise Unable(f"no port that is free on all of {hosts}: {reason}")


def test_all_addresses():
    if os.geteuid() != 0:
        raise Unable("not root: the agent needs an /etc/hosts of its own")
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    servers = all_of(hosts)
    with Cluster("robin") as cluster, Exporter(200) as exporter:
        names = cluster.write("hosts", "".join(f"{host} robin.test\n" for host in hosts))
        mount = f'mount --make-rprivate / && mount --bind {names} /etc/hosts && exec "$@"'
        cluster.start_edgemeter(
            f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{exporter.jobs(2)}"
            f"remote_write:\n  - url: http://robin.test:{servers[0].server_address[1]}/\n"
            "    round_robin_dns: true\n"
            "    queue_config: {min_shards: 30, max_shards: 30, batch_send_deadline: 200ms}\n",
            prefix=["unshare", "--mount", "sh", "-c", mount, "sh"],
            metered=False,
        )
        wait_until("requests to all", lambda: all(server.requests for server in servers), 60)
        print(f"    requests: {[server.requests for server in servers]}", flush=True)
    for server in servers:
        server.shutdown()


if __name__ == "__main__":
    run(test_all_addresses, metered=False)
