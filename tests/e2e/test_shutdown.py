#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT: detach, drain, send, exit 0; what was counted so far is not lost."""

import signal
import subprocess

import load
from checks import equal, run, true
from cluster import Cluster, require_programs
from servers import agent_config, node_job, start_nginx

REQUESTS = 1000


def check_signal(number):
    require_programs("bpftool")
    with Cluster("shutdown") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        # No drain in the test's time but the last one.
        agent = cluster.start_edgemeter(agent_config(prometheus, interval="5m"))
        links = agent.bpf_links()
        true(f"BPF links while it runs: {links}", links)
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        equal(f"exit status after {number.name}", agent.stop(number), 0)
        equal("lines in the access log", nginx.log_lines(REQUESTS), REQUESTS)
        equal("counted", prometheus.http_counts(nginx.cgroup_path), nginx.log_counts())
        for link in links:
            shown = subprocess.run(
                ["bpftool", "link", "show", "id", link], capture_output=True, check=False
            )
            true(f"link {link} is gone", shown.returncode != 0)


def test_sigterm():
    check_signal(signal.SIGTERM)


def test_sigint():
    check_signal(signal.SIGINT)


def test_while_scraping():
    with Cluster("shutdown") as cluster:
        prometheus = cluster.start_prometheus()
        exporter = cluster.start_exporter()
        config = agent_config(prometheus, jobs=node_job(exporter, "1s"))
        agent = cluster.start_edgemeter(config)
        agent.wait_ready("a scrape", lambda: prometheus.value('up{job="node"}'))
        equal("exit status", agent.stop(), 0)
        # Prometheus writes no stale markers at its end: the last values stay.
        equal("up", prometheus.value('up{job="node"}'), 1)


def test_while_the_remote_is_down():
    with Cluster("shutdown") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        agent = cluster.start_edgemeter(agent_config(prometheus))
        prometheus.stop()
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        equal("exit status", agent.stop(timeout=90), 0)


if __name__ == "__main__":
    run(test_sigterm, test_sigint, test_while_scraping, test_while_the_remote_is_down)
