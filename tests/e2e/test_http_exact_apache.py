#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is metered of a real Apache is its access log, under both MPMs."""

from checks import run
from cluster import Cluster
from exact import check_all, start_meter
from exact_servers import start_backend, start_exact_apache


def check(mpm):
    with Cluster(f"exact-{mpm}") as cluster:
        backend = start_backend(cluster)
        apache = start_exact_apache(cluster, mpm, backend_port=backend.port)
        agent = start_meter(cluster, cluster.cgroup_folder("apache"))
        check_all(agent, apache)


def test_event():
    check("event")


def test_prefork():
    check("prefork")


if __name__ == "__main__":
    run(test_event, test_prefork)
