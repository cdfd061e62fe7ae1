#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The global Prometheus is down during traffic: all of it arrives when it is back."""

import time

import load
from checks import FULL, equal, run, settles, true
from cluster import Cluster
from servers import agent_config, node_job, start_nginx

OUTAGE_SECONDS = 20 if FULL else 5
ROUNDS = 5
REQUESTS = 500
INTERVAL_SECONDS = 1


def longest_gap(prometheus, selector):
    samples = prometheus.query(f"{selector}[5m]")[0][1]
    times = [when for when, _ in samples]
    return max(b - a for a, b in zip(times, times[1:]))


def test_nothing_is_lost():
    with Cluster("outage") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        exporter = cluster.start_exporter()
        jobs = node_job(exporter, f"{INTERVAL_SECONDS}s")
        cluster.start_edgemeter(agent_config(prometheus, f"{INTERVAL_SECONDS}s", jobs=jobs))

        def counted():
            return prometheus.http_counts(nginx.cgroup_path)

        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        equal("lines in the access log", nginx.log_lines(REQUESTS), REQUESTS)
        settles("before the outage", counted, nginx.log_counts())
        prometheus.stop()
        for _ in range(ROUNDS):
            load.ab(cluster, nginx.url + "/page.html", REQUESTS)
            time.sleep(OUTAGE_SECONDS / ROUNDS)
        prometheus.start()
        prometheus.wait_up()
        load.ab(cluster, nginx.url + "/moved", REQUESTS)
        sent = (ROUNDS + 2) * REQUESTS
        equal("lines in the access log", nginx.log_lines(sent), sent)
        settles("after the outage", counted, nginx.log_counts())
        # Not only the last value: every sample taken during the outage.
        for selector in (
            f'http_requests_total{{cgroup="{nginx.cgroup_path}",code="200"}}',
            'up{job="node"}',
        ):
            gap = longest_gap(prometheus, selector)
            # A busy machine may be late for a sample or two.
            true(f"no gap in {selector}: at most {gap:.1f} s", gap < 0.8 * OUTAGE_SECONDS)


if __name__ == "__main__":
    run(test_nothing_is_lost)
