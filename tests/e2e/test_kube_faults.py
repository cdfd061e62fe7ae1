#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An API server that is away, refuses, is overloaded or answers garbage: each is said once, what is
known goes on being scraped, and everything is right again by itself afterwards."""

import time

from checks import FULL, equal, run, true
from cluster import Cluster, wait_until
from kube_node import AGENT, Node

AGAIN = "the Kubernetes API server answers again"


def trouble(node, words, begin, end, seconds=2.0):
    """One fault from its begin to its end: a pod comes and one goes meanwhile."""
    start = len(node.said())
    failures = node.metric("prometheus_sd_kubernetes_failures_total")
    begin()
    node.api.cut()
    wait_until(f"a word of {words}", lambda: len(node.said()) > start, 60)
    node.put("new")
    node.delete("first")
    time.sleep(seconds)  # tried again and again, said once
    node.scrapes_go_on()
    equal("still scraped", node.targets(), ["first"])
    end()
    node.wait_targets("new")
    wait_until("its end", lambda: node.said()[-1] == AGAIN, 60)
    said = node.said()[start:]
    true(f"said once: {said}", len(said) == 2 and words in said[0])
    true("counted", node.metric("prometheus_sd_kubernetes_failures_total") > failures)
    node.put("first")
    node.delete("new")
    node.wait_targets("first")


def test_refusals():
    with Cluster("faults") as cluster, Node(cluster).start() as node:
        node.wait_targets("first")
        api = node.api
        trouble(node, "cannot answer", lambda: api.fail(500), api.heal)
        trouble(node, "cannot answer", lambda: api.fail(503), api.heal)
        trouble(node, "not its API", lambda: api.garble("<html>no</html>", 1000), api.heal)
        trouble(node, "not its API", lambda: api.garble('{"a":{"b"}}\n', 1000), api.heal)
        trouble(node, "not its API", lambda: api.garble('{"type":"NEW","object":{}}', 9), api.heal)
        grants = set(api.grants)
        trouble(node, "forbids us", api.grants.clear, lambda: api.grants.update(grants))
        trouble(
            node,
            "does not accept our token",
            lambda: api.expire_tokens(AGENT),
            lambda: cluster.write("token", api.new_token(AGENT)),
        )
        node.wait_watches(1)


def test_overload():
    with Cluster("overload") as cluster, Node(cluster).start() as node:
        node.wait_targets("first")
        first = len(node.api.requests)
        trouble(
            node,
            "overloaded",
            lambda: node.api.fail(429, headers={"Retry-After": "3"}),
            node.api.heal,
            seconds=7,
        )
        times = [r.time for r in node.api.requests[first:] if r.status == 429]
        least = min(b - a for a, b in zip(times, times[1:]))
        true(f"{len(times)} requests, the nearest {least:.1f} s apart", least >= 2.9)


def test_stopped():
    with Cluster("stopped") as cluster, Node(cluster).start() as node:
        node.wait_targets("first")
        seconds = 120 if FULL else 5
        trouble(node, "cannot be reached", node.api.stop, node.api.start, seconds)
        node.wait_watches(1)


def test_down_at_the_start():
    with Cluster("down") as cluster, Node(cluster) as node:
        node.api.stop()
        node.start()
        wait_until("a word", lambda: len(node.said()) == 1)
        time.sleep(2)
        equal("said once", len(node.said()), 1)
        node.api.start()
        node.wait_targets("first")
        wait_until("its end", lambda: node.said()[-1] == AGAIN)


if __name__ == "__main__":
    run(test_refusals, test_overload, test_stopped, test_down_at_the_start, metered=False)
