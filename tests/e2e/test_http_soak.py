#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mixed traffic for half an hour (by default for seconds): every kind of request that the exactness
tests have, again and again in another order. Rows, log and account stay equal, the global Prometheus
has as many requests in the end, and neither memory nor the number of rows grows."""

import random
import time

from checks import FULL, run, settles, true
from cluster import Cluster
from exact import ALL, check_all, read
from exact_servers import start_backend, start_exact_apache
from scenarios import COMPLETE, slow_clients

SECONDS = 1800 if FULL else 20
# The slow ones only where there is time.
SCENARIOS = ALL if FULL else [scenario for scenario in COMPLETE if scenario is not slow_clients]
GROWTH_KIB = 2048
GROWTH_ROWS = 4  # an answer that is seldom given


def config(prometheus, cgroup_root):
    return f"""
http_metrics:
  cgroup_root: {cgroup_root}
  interval: 1s
  roles: [server]
remote_write:
  - url: {prometheus.url}/api/v1/write
"""


def rss_kib(agent):
    with open(f"/proc/{agent.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def state(agent, server):
    return rss_kib(agent), len(read(agent).rows("server", server.cgroup_path))


def test_soak():
    with Cluster("soak") as cluster:
        prometheus = cluster.start_prometheus()
        backend = start_backend(cluster)
        apache = start_exact_apache(cluster, "event", backend_port=backend.port)
        text = config(prometheus, cluster.cgroup_folder("apache"))
        agent = cluster.start_edgemeter(text, metered=False)
        dice = random.Random(1)
        end = time.monotonic() + SECONDS

        counted, rounds = check_all(agent, apache, SCENARIOS), 1
        rss, rows = state(agent, apache)
        while time.monotonic() < end:
            counted += check_all(agent, apache, dice.sample(SCENARIOS, len(SCENARIOS)))
            rounds += 1
            print(f"    round {rounds}: {state(agent, apache)} KiB and rows", flush=True)
        later_rss, later_rows = state(agent, apache)
        settles(
            "requests at the global Prometheus",
            lambda: prometheus.value("sum(http_server_request_duration_seconds_count)"),
            counted,
        )
        true(f"{rows} rows before, {later_rows} after", later_rows <= rows + GROWTH_ROWS)
        true(f"{rss} KiB before, {later_rss} after", later_rss <= rss + GROWTH_KIB)


if __name__ == "__main__":
    run(test_soak)
