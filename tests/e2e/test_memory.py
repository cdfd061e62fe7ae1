#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole agent under valgrind: no leak and no wrong access, from start to end. A SAN=1 build
brings its own checker, which makes its exit status say the same."""

import os
import time

import load
from checks import FULL, equal, run, true
from cluster import EDGEMETER, Cluster, get, require_programs
from servers import agent_config, node_job, start_nginx

SECONDS = 20 if FULL else 6
REQUESTS = 1000
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "valgrind.supp")


def checker():
    with open(EDGEMETER, "rb") as program:
        if b"__asan_init" in program.read():
            return []
    require_programs("valgrind")
    return ["valgrind", "--leak-check=full", "--show-leak-kinds=all", "--error-exitcode=9",
            "--errors-for-leak-kinds=all", f"--suppressions={SUPPRESSIONS}"]


def test_no_leak():
    with Cluster("memory") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        exporter = cluster.start_exporter()
        config = agent_config(prometheus, jobs=node_job(exporter, "1s"))
        agent = cluster.start_edgemeter(config, prefix=checker())
        sent = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            load.ab(cluster, nginx.url + "/page.html", REQUESTS)
            load.ab(cluster, nginx.url + "/missing", REQUESTS, keep_alive=False)
            sent += 2 * REQUESTS
            true("its page has rows", "http_requests_total{" in get(agent.url + "/metrics"))
            time.sleep(1)
        status = agent.stop()
        if status:
            print(agent.log_text())
        equal("exit status", status, 0)
        nginx.log_lines(sent)
        equal("counted", prometheus.http_counts(nginx.cgroup_path), nginx.log_counts())


if __name__ == "__main__":
    run(test_no_leak)
