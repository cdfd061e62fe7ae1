#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two agents on one host, the second started and stopped while connections are open."""

import load
from checks import equal, run, settles
from cluster import Cluster
from servers import agent_config, start_nginx

CONNECTIONS = 16
REQUESTS = 50  # on each connection, in each turn
TURN = CONNECTIONS * REQUESTS


def test_each_counts_once():
    with Cluster("two") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        connections = [load.connect(nginx) for _ in range(CONNECTIONS)]

        def turn():
            for connection in connections * REQUESTS:
                status = load.request(connection, "GET", "/page.html")
                if status != 200:
                    raise AssertionError(f"nginx answered {status}")

        def counted():
            return [
                prometheus.http_counts(nginx.cgroup_path, agent=name)[("get", "200")]
                for name in ("first", "second")
            ]

        def start(name):
            config = agent_config(prometheus, external_labels=f"agent: {name}")
            return cluster.start_edgemeter(config, name=name)

        turn()  # opens the connections before any agent is there
        first = start("first")
        turn()
        settles("one agent", counted, [TURN, 0])
        second = start("second")
        turn()
        settles("two agents", counted, [2 * TURN, TURN])
        equal("exit of the second agent", second.stop(), 0)
        turn()
        settles("one agent again", counted, [3 * TURN, TURN])
        equal("exit of the first agent", first.stop(), 0)
        equal("lines in the access log", nginx.log_lines(4 * TURN), 4 * TURN)
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    run(test_each_counts_once)
