#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where requests cannot be told apart by cgroup the agent says so, and scrapes all the same; where
they can it says nothing."""

from checks import equal, run, true
from cluster import Cluster, cgroup2_mount, get, wait_until
from kube_node import Exporter

METRIC = "edgemeter_http_attribution_possible"
WORDS = "only our own cgroup"


def config(exporter):
    return f"""
http_metrics: {{interval: 1s}}
scrape_configs:
  - job_name: page
    scrape_interval: 200ms
    static_configs: [{{targets: ["127.0.0.1:{exporter.port}"]}}]
"""


def possible(agent):
    page = get(f"{agent.url}/metrics/self")
    return [line for line in page.splitlines() if line.startswith(METRIC)]


def check(prefix, wanted, said):
    exporter = Exporter()
    try:
        with Cluster("attribution") as cluster:
            agent = cluster.start_edgemeter(config(exporter), prefix=prefix)
            equal("its metric", possible(agent), [f"{METRIC} {wanted}"])
            equal("how often it is said", agent.log_text().count(WORDS), said)
            wait_until("scrapes", lambda: exporter.scrapes > 3)
            true("it scrapes", True)
    finally:
        exporter.stop()


def test_whole_hierarchy():
    check([], 1, 0)


def test_own_cgroup_namespace():
    """As in a container that has not been given the host's hierarchy."""
    mount = cgroup2_mount()
    script = f'umount {mount} && mount -t cgroup2 none {mount} && exec "$@"'
    check(["unshare", "--cgroup", "--mount", "sh", "-c", script, "sh"], 0, 1)


if __name__ == "__main__":
    run(test_whole_hierarchy, test_own_cgroup_namespace)
