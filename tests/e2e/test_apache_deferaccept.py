#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Apache sets TCP_DEFER_ACCEPT: a connection's first request arrives on the listening socket."""

import ctypes

import load
from checks import FULL, run, settles
from cluster import Cluster, Unable, require_programs
from servers import agent_config, start_apache

REQUESTS = 20_000 if FULL else 4_000


def test_keep_alive_and_one_connection_each():
    with Cluster("apache") as cluster:
        prometheus = cluster.start_prometheus()
        apache = start_apache(cluster)
        cluster.start_edgemeter(agent_config(prometheus))
        for turn, keep_alive in enumerate((True, False), start=1):
            load.ab(cluster, apache.url + "/page.html", REQUESTS, keep_alive=keep_alive)
            # Apache may close a kept connection as ab sends on it: ab tries again, the log knows once.
            assert apache.log_lines(turn * REQUESTS) > 0.99 * turn * REQUESTS, "Apache answered too few requests"
            settles(
                f"counted, {'keep-alive' if keep_alive else 'one connection each'}",
                lambda: prometheus.http_counts(apache.cgroup_path),
                apache.log_counts(),
            )


def test_a_port_redirected():
    """Behind NAT an answer's packets have other addresses than their socket, the request's have not."""
    require_programs("ip", "iptables")
    assert ctypes.CDLL(None).unshare(0x40000000) == 0, "no network namespace of its own"
    with Cluster("apache-nat") as cluster:
        cluster.run("ip", ["ip", "link", "set", "lo", "up"])
        prometheus = cluster.start_prometheus()
        apache = start_apache(cluster)
        cluster.start_edgemeter(agent_config(prometheus))
        nat = "iptables -t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports".split()
        try:
            cluster.run("iptables", [*nat, str(apache.port)])
        except RuntimeError as error:
            raise Unable(f"no NAT here: {error}") from error
        load.ab(cluster, "http://127.0.0.1:81/page.html", 500, keep_alive=False)
        assert apache.log_lines(500) == 500
        settles("counted", lambda: prometheus.http_counts(apache.cgroup_path), apache.log_counts())


if __name__ == "__main__":
    run(test_keep_alive_and_one_connection_each, test_a_port_redirected)
