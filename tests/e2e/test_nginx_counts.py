#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nginx under keep-alive load: the global Prometheus's counts are its access log's lines."""

import time

import load
from checks import FULL, equal, run, settles
from cluster import Cluster
from servers import agent_config, start_nginx

REQUESTS = 200_000 if FULL else 30_000


def check_counts(prometheus, nginx, sent):
    matcher = f'{{cgroup="{nginx.cgroup_path}"}}'
    lines = nginx.log_lines(sent)
    settles(
        "sum(http_requests_total), the access log's lines",
        lambda: prometheus.value(f"sum(http_requests_total{matcher})"),
        lines,
    )
    for series in ("count", 'bucket{le="+Inf"}'):
        name, _, le = series.partition("{")
        labels = matcher if not le else matcher[:-1] + "," + le
        equal(
            f"sum(http_server_request_duration_seconds_{name})",
            prometheus.value(f"sum(http_server_request_duration_seconds_{name}{labels})"),
            lines,
        )
    # So that increase() gives the log's lines too.
    for labels, samples in prometheus.query(f"http_requests_total{matcher}[5m]"):
        equal(f"first sample of {labels['method']} {labels['code']}", float(samples[0][1]), 0)
    return lines


def test_known_number_of_gets():
    with Cluster("nginx") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        cluster.start_edgemeter(agent_config(prometheus))
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        equal("lines in the access log", check_counts(prometheus, nginx, REQUESTS), REQUESTS)


def test_keep_alive_http_1_1():
    with Cluster("nginx") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        cluster.start_edgemeter(agent_config(prometheus))
        answered = load.wrk(cluster, nginx.url + "/page.html")
        # wrk leaves requests behind that nginx still answers and logs.
        time.sleep(1)
        check_counts(prometheus, nginx, answered)


if __name__ == "__main__":
    run(test_known_number_of_gets, test_keep_alive_http_1_1)
