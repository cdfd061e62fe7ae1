#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Another client at the same stand-in: vmagent lists and watches it, which shows that it is one, and
finds the same targets with the same labels as we do."""

import json
import re

import peers
from checks import equal, run, true
from cluster import Cluster, Process, answers, free_port, get, wait_until
from kube_node import AGENT, NODE, Node

# Where vmagent does not do as Prometheus does, which is whom we follow.
ONLY_PROMETHEUS = ("__meta_kubernetes_node_condition_",)
# Of the job, not of what was discovered.
OF_THE_JOB = ("__scrape_interval__", "__scrape_timeout__", "__metrics_path__", "__scheme__", "job")


def container(name, *ports, image="registry/image:1"):
    ports = [{"name": n, "containerPort": p, "protocol": proto} for n, p, proto in ports]
    return {"name": name, "image": image, **({"ports": ports} if ports else {})}


def status(container_name, number):
    return {"name": container_name, "containerID": f"containerd://{number:064x}", "ready": True}


def put(node, name, containers, init=(), ip="127.0.0.1", ready="True", **metadata):
    node.api.store.put(
        "pods",
        {
            "metadata": {"name": name, "namespace": "shop", "uid": f"uid-of-{name}", **metadata},
            "spec": {
                "nodeName": NODE,
                "containers": containers,
                **({"initContainers": list(init)} if init else {}),
            },
            "status": {
                "phase": "Running",
                "podIP": ip,
                "hostIP": "127.0.0.9",
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [status(c["name"], i) for i, c in enumerate(containers)],
                "initContainerStatuses": [status(c["name"], 99) for c in init],
            },
        },
    )


def fill(node):
    node.delete("first")
    two = container("two", ("http", 8080, "TCP"), ("dns", 53, "UDP"))
    put(node, "two-containers", [two, container("none")], [container("setup")])
    put(node, "six", [container("web", ("", 80, "TCP")), container("side")], ip="fd00::7")
    put(
        node,
        "labelled",
        [container("c", ("m", 9100, "TCP"))],
        ready="False",
        labels={"app": "a", "app.kubernetes.io/name": "b", "x-y_Z": "c"},
        annotations={"prometheus.io/scrape": "true", "example.org/text": 'a "b"\n\u00fc'},
        ownerReferences=[
            {"kind": "Other", "name": "other"},
            {"kind": "ReplicaSet", "name": "labelled-5d4f8", "controller": True},
        ],
    )
    put(node, "no-address", [container("c")], ip="")
    node.api.store.put(
        "nodes",
        {
            "metadata": {"name": NODE, "labels": {"zone": "north"}, "annotations": {"a/b": "c"}},
            "spec": {"providerID": "kind://edge-1"},
            "status": {
                "addresses": [
                    {"type": "Hostname", "address": "edge-1"},
                    {"type": "InternalIP", "address": "127.0.0.9"},
                ],
                "conditions": [{"type": "Ready", "status": "True"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            },
        },
    )


def config(node, attach):
    return f"""
scrape_configs:
  - job_name: all
    scrape_interval: 1h
    kubernetes_sd_configs:
      - role: pod
        {node.server()}
        attach_metadata: {{{attach}}}
      - role: node
        {node.server()}
    relabel_configs: # two containers of a pod without ports have one address
      - {{source_labels: [__meta_kubernetes_pod_container_name], target_label: container}}
"""


def discovered(url):
    """Of each target; as text, so that sets of them compare."""
    targets = json.loads(get(f"{url}/api/v1/targets"))["data"]["activeTargets"]
    found = []
    for target in targets:
        labels = {
            name: value
            for name, value in target["discoveredLabels"].items()
            if name not in OF_THE_JOB and not name.startswith(ONLY_PROMETHEUS) and value
        }
        # vmagent puts IPv6 addresses without a port into brackets, Prometheus does not.
        labels["__address__"] = re.sub(r"^\[(.*)\]$", r"\1", labels["__address__"])
        found.append(json.dumps(labels, sort_keys=True))
    return sorted(found)


def start_vmagent(cluster, file):
    port = free_port()
    argv = [
        peers.fetch("vmagent"),
        f"-promscrape.config={file}",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-remoteWrite.tmpDataPath={cluster.path('vmagent-data')}",
        "-remoteWrite.url=http://127.0.0.1:1/",
        "-promscrape.dropOriginalLabels=false",
    ]
    vmagent = cluster.start(Process, "vmagent", argv, metered=False)
    vmagent.url = f"http://127.0.0.1:{port}"
    vmagent.wait_ready("its port", lambda: answers(vmagent.url + "/health"))
    return vmagent


def test_same_targets():
    with Cluster("peers") as cluster, Node(cluster) as node:
        for what in ("nodes", "namespaces"):
            node.api.grants |= {(AGENT, verb, what, "") for verb in ("list", "watch")}
        fill(node)
        text = config(node, "node: true")
        vmagent = start_vmagent(cluster, cluster.write("vmagent.yml", text))
        agent = cluster.start_edgemeter(text)
        wanted = 3 + 1 + 2 + 1 + 1  # the init container is one, too
        wait_until("ours", lambda: len(discovered(agent.url)) == wanted)
        wait_until("theirs", lambda: len(discovered(vmagent.url)) == wanted)
        ours, theirs = discovered(agent.url), discovered(vmagent.url)
        for left, right in zip(ours, theirs):
            left, right = json.loads(left), json.loads(right)
            if left != right:
                print(f"ours:   {dict(left.items() - right.items())}")
                print(f"theirs: {dict(right.items() - left.items())}")
        true(f"{len(ours)} targets with the same labels", ours == theirs)

        # Both follow what happens then.
        before = node.api.count()
        put(node, "later", [container("c", ("m", 9101, "TCP"))])
        node.delete("six")
        wait_until("ours again", lambda: len(discovered(agent.url)) == wanted - 1)
        wait_until("theirs again", lambda: discovered(vmagent.url) == discovered(agent.url))
        equal("requests for that", node.api.count() - before, 0)


if __name__ == "__main__":
    run(test_same_targets, metered=False)
