#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""IPv6 is counted as IPv4 is, and the client's side of a request in the client's own cgroup."""

import os

import load
from checks import equal, run, settles
from cluster import Cluster, Unable
from servers import agent_config, start_nginx

REQUESTS = 1000


def check(host):
    with Cluster("client") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster, host)
        cluster.start_edgemeter(agent_config(prometheus))
        for path, keep_alive in (("/page.html", True), ("/missing", False)):
            load.ab(cluster, nginx.url + path, REQUESTS, keep_alive=keep_alive)
        equal("lines in the access log", nginx.log_lines(2 * REQUESTS), 2 * REQUESTS)
        settles(
            "server, http_requests_total",
            lambda: prometheus.http_counts(nginx.cgroup_path),
            nginx.log_counts(),
        )
        for role, name in (("server", "nginx"), ("client", "ab")):
            cgroup = cluster.cgroup_path(name)
            rows = prometheus.query(
                "sum by (http_request_method, http_response_status_code)"
                f'(http_{role}_request_duration_seconds_count{{cgroup="{cgroup}"}})'
            )
            counts = {
                (m["http_request_method"], m["http_response_status_code"]): value
                for m, value in rows
            }
            equal(f"{role} rows", counts, {("GET", "200"): REQUESTS, ("GET", "404"): REQUESTS})


def test_ipv4():
    check("127.0.0.1")


def test_ipv6():
    if not os.path.exists("/proc/net/if_inet6"):
        raise Unable("no IPv6 on this host")
    check("::1")


if __name__ == "__main__":
    run(test_ipv4, test_ipv6)
