#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job in a cluster, with the shipped configuration: three pods, scraped by their annotations
and metered in the kernel; at the global Prometheus both kinds of series join, and the requests equal
the access logs."""

from collections import Counter

import load
from checks import equal, run, settles, true
from cluster import Cluster
from kube import NODE, Kube, shipped_config

PATHS = ("/page.html", "/missing")
REQUESTS = {"two-ports": 120, "path-and-port": 75, "plain": 60}


def send(pod):
    for i in range(REQUESTS[pod.name]):
        if i % 20 == 0:
            connection = load.connect(Address(pod, i // 20))
        load.request(connection, "GET", PATHS[i % 3 == 0])
        if i % 20 == 19:
            connection.close()


class Address:
    """One of the pod's ports, in turn."""

    def __init__(self, pod, turn):
        ports = list(pod.container.ports.values())
        self.host = pod.ip
        self.port = ports[turn % len(ports)]


def logged(pods):
    """Without the scrapes, which go on."""
    return Counter(
        {
            (pod.name, method, status, path): count
            for pod in pods
            for (method, status, path), count in pod.container.log_counts().items()
            if path in PATHS
        }
    )


def counted(prometheus):
    expression = (
        'http_server_request_duration_seconds_count{namespace="shop",'
        'http_route=~"/page.html|/missing"}'
    )
    counts = Counter()
    for labels, value in prometheus.query(expression):
        if value:
            key = (
                labels["pod"],
                labels["http_request_method"],
                labels["http_response_status_code"],
                labels["http_route"],
            )
            counts[key] += int(value)
    return counts


def test_three_pods():
    with Cluster("kube") as cluster, Kube(cluster) as kube:
        prometheus = cluster.start_prometheus()
        owner = {"kind": "ReplicaSet", "name": "two-ports-7c9d5b64f8"}
        pods = [
            kube.pod(
                "two-ports",
                [("apache", {"http": 0, "admin": 0})],
                {"prometheus.io/scrape": "true"},
                {"app": "ingress"},
                "burstable",
                owner,
            ),
            kube.pod(
                "path-and-port", [("httpd", {"http": 0})], labels={"app": "shop"}, form="cgroupfs"
            ),
            kube.pod("plain", [("httpd", {"http": 0})], labels={"app": "plain"}, form="kind"),
        ]
        pods[1].container.write_page("stats", 'shop_orders_total{shop="stats"} 8\n')
        pods[1].annotations = {
            "prometheus.io/scrape": "true",
            "prometheus.io/path": "/stats",
            "prometheus.io/port": str(pods[1].container.port),
        }
        for pod in pods:
            pod.start()
        routes = f"  routes: [{', '.join(PATHS)}]\n"
        agent = kube.start_agent(shipped_config(prometheus, http_metrics=routes))
        for pod in pods:
            send(pod)

        # A line is written after its response.
        settles("requests in the access logs", lambda: sum(logged(pods).values()), sum(REQUESTS.values()))
        wanted = logged(pods)
        settles("at the global Prometheus", lambda: counted(prometheus), wanted)

        targets = sorted((m["pod"], m["instance"]) for m, v in prometheus.query("up") if v == 1)
        two = [("two-ports", f"{pods[0].ip}:{p}") for p in pods[0].container.ports.values()]
        one = ("path-and-port", f"{pods[1].ip}:{pods[1].container.port}")
        equal("targets that are up", targets, sorted([one, *two]))
        join = (
            "sum by (namespace, pod) (http_requests_total) * on (namespace, pod) group_right "
            "max by (namespace, pod) (shop_orders_total)"
        )
        joined = sorted(labels["pod"] for labels, _ in prometheus.query(join))
        equal("pods in the join of both kinds", joined, ["path-and-port", "two-ports"])

        labels, _ = prometheus.query('http_requests_total{pod="two-ports",code="404"}')[0]
        for name, value in {
            "namespace": "shop",
            "container": "apache",
            "node": NODE,
            "app": "ingress",
            "job": "http-metrics",
            "instance": NODE,
        }.items():
            equal(f"label {name}", labels[name], value)
        true("no label of the cgroup", "cgroup" not in labels and "pod_uid" not in labels)
        labels, value = prometheus.query('shop_orders_total{pod="path-and-port"}')[0]
        equal("the page of the annotated path", (labels["shop"], value), ("stats", 8.0))
        equal("and its node", labels["node"], NODE)

        # Two jobs and the pod table, one question, no polling.
        equal("watches", kube.api.watchers, 1)
        equal("requests to the API server", kube.api.count(), 1)
        agent.stop()
        text = agent.log_text()
        true("nothing to complain of", "level=warn" not in text and "level=error" not in text)


if __name__ == "__main__":
    run(test_three_pods)
