#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests whose TCP segments come in any order, also before there is a socket, and twice: each is counted
once, with its method."""

import os

import exact
from checks import equal, run, settles
from cluster import Cluster, Unable, require_programs

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "segments_peer.py")


def test_every_order():
    require_programs("ip", "unshare")
    if not os.access("/dev/net/tun", os.W_OK):
        raise Unable("/dev/net/tun cannot be opened")
    with Cluster("segments") as cluster:
        os.makedirs(cluster.cgroup_folder("server"))
        agent = exact.start_meter(cluster, cluster.cgroup_folder())
        output = cluster.run("server", ["unshare", "--net", "python3", PEER])
        gets, posts = map(int, output.split())
        settles(
            "rows",
            lambda: dict(exact.read(agent).counts("server", cluster.cgroup_path("server"))),
            {("GET", "200"): gets, ("POST", "200"): posts},
        )
        lost = [
            (labels["reason"], value)
            for name, labels, value in exact.read(agent).series
            if name == "edgemeter_http_losses_total" and labels["reason"] != "resync" and value
        ]
        equal("losses for other reasons than the order", lost, [])


if __name__ == "__main__":
    run(test_every_order)
