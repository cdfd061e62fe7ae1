#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is metered of a real nginx is its access log."""

from checks import run
from cluster import Cluster
from exact import check_all, start_meter
from exact_servers import start_backend, start_exact_nginx


def test_nginx():
    with Cluster("exact-nginx") as cluster:
        backend = start_backend(cluster)
        nginx = start_exact_nginx(cluster, backend.port)
        agent = start_meter(cluster, cluster.cgroup_folder("nginx"))
        check_all(agent, nginx)


if __name__ == "__main__":
    run(test_nginx)
