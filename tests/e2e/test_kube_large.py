#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A node with 250 pods in a cluster of 15,000: memory and the API server's work follow the node, not
the cluster. The pods are as large as the recorded ones; all of the node's are scraped, and metering
is on."""

import json
import os
import uuid

import cluster as clusters
from checks import equal, run, true
from cluster import Cluster, get, wait_until
from kube import NODE, Kube, shipped_config
from kube_node import Exporter

CLUSTER = 15000
OURS = 250
MEMORY_MAX = (1024 if "san" in clusters.BUILD else 30) << 20


def template():
    path = os.path.join(clusters.ROOT, "tests/kube/recordings/list.body")
    with open(path) as file:
        return json.load(file)["items"][0]


def fill(store, port):
    """Not by put(): the parts that all pods have in common are in memory once."""
    recorded = template()
    annotations = {
        **recorded["metadata"]["annotations"],
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port),
    }
    for i in range(CLUSTER):
        name = f"apache-ingress-7c9d5b64f8-{i:05}"
        node = NODE if i % (CLUSTER // OURS) == 0 else f"node-{i % 60}"
        address = f"127.3.{i % 250}.{i // 250 + 1}"
        metadata = {
            **recorded["metadata"],
            "name": name,
            "uid": str(uuid.uuid4()),
            "resourceVersion": str(i + 2),
            "annotations": annotations,
        }
        store.objects["pods"][("shop", name)] = {
            "metadata": metadata,
            "spec": {**recorded["spec"], "nodeName": node},
            "status": {**recorded["status"], "podIP": address},
        }
    store.revision = CLUSTER + 2
    store.compacted = CLUSTER + 1


def rss(agent):
    with open(f"/proc/{agent.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def test_large_cluster():
    with Cluster("large") as cluster, Kube(cluster) as kube:
        exporter = Exporter("0.0.0.0")
        fill(kube.api.store, exporter.port)
        size = len(json.dumps(template()))
        print(f"    {CLUSTER} pods of {size} bytes", flush=True)
        prometheus = cluster.start_prometheus()
        agent = kube.start_agent(shipped_config(prometheus, "5s"))
        try:
            # Its annotated port is one target, whatever a pod's containers declare.
            pods = 'count(up{job="kubernetes-pods"} == 1)'
            wait_until("all to be scraped and sent", lambda: prometheus.value(pods) == OURS, 60)
            # Churn on the other nodes is no concern of ours; ours are updated.
            store = kube.api.store
            for name in list(store.objects["pods"])[:600]:
                item = store.objects["pods"][name]
                phase = {**item["status"], "conditions": []}
                store.put("pods", {**item, "status": phase})
            name = '{event="update",role="pod"}'
            family = f"prometheus_sd_kubernetes_events_total{name}"

            def updates():
                page = get(f"{agent.url}/metrics/self")
                return [line.split()[1] for line in page.splitlines() if line.startswith(family)]

            wait_until("our updates", lambda: updates() == ["10"], 30)
            most = rss(agent)
            true(f"memory at most {most / 2**20:.1f} MiB", most < MEMORY_MAX)
            equal("watches", kube.api.watchers, 1)
            equal("requests to the API server", kube.api.count(), 1)
        finally:
            exporter.stop()


if __name__ == "__main__":
    run(test_large_cluster)
