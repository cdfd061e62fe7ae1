#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scrape configurations as a tutorial prints them, hosts aside: a static https target, pods by labels, and
a /federate scrape. What promtool says of them stands in tests/recorded/config.txt."""

import json
import os
import re
import ssl
import subprocess
import sys

import cluster as clusters
from certificates import Authority
from checks import equal, run, true
from cluster import EDGEMETER, Cluster, get, wait_until
from kube_node import AGENT, Node
from receiver import Receiver
from replay import Answer, Replay

sys.path.append(os.path.join(clusters.ROOT, "tests/recorded"))
from config_cases import TUTORIAL_FEDERATE, TUTORIAL_PODS, TUTORIAL_STATIC  # noqa: E402

TIME = 1395076383000  # of the page that the tutorial prints
PAGE = "".join(
    f'http_requests_total{{method="get",code="{code}",job="own"}}  {value}   {TIME}\n'
    for code, value in ((400, 3), (200, 1555), (500, 0))
)


def replaced(text, *pairs):
    for old, new in pairs:
        equal(f"{old!r} stands in it", text.count(old), 1)
        text = text.replace(old, new)
    return text


def often(text):
    """The same, to be tested in less time."""
    return re.sub(r"(scrape_interval|scrape_timeout): 1[05]s", r"\1: 1s", text)


def remote(receiver):
    return f"remote_write: [{{url: '{receiver.url}', queue_config: {{batch_send_deadline: 500ms}}}}]\n"


def requests(receiver):
    with receiver.lock:
        return {
            tuple(sorted(labels)): list(samples)
            for labels, samples in receiver.taken.items()
            if dict(labels)["__name__"] == "http_requests_total"
        }


def test_static():
    """honor_labels keeps the page's job, honor_timestamps its time."""
    with Cluster("printed") as cluster, Receiver() as receiver, Replay(
        {"/metrics": lambda _: Answer(PAGE)}
    ) as target:
        authority = Authority(cluster.path("ca"))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*authority.issue("target"))
        target.server.socket = tls.wrap_socket(target.server.socket, server_side=True)
        text = replaced(
            often(TUTORIAL_STATIC),
            ("    - example-api.test\n", f"    - {target.address}\n"),
            ("  scheme: https\n", f"  scheme: https\n  tls_config: {{ca_file: {authority.certificate}}}\n"),
        )
        agent = cluster.start_edgemeter(text + remote(receiver), metered=False)
        wait_until("its samples", lambda: len(requests(receiver)) == 3)
        for labels, samples in requests(receiver).items():
            names = dict(labels)
            equal("labels", [names[k] for k in ("job", "env", "location", "instance")],
                  ["own", "prod", "us", target.address])
            equal("time", samples[0][0], TIME)
        warned = [line for line in agent.log_text().splitlines() if "level=warn" in line]
        true("the key given twice is said", any("given twice, in line 3 and in line 5" in w for w in warned))
        true("so is evaluation_interval", any("evaluation_interval" in w for w in warned))


def test_pods():
    with Cluster("printed") as cluster, Node(cluster) as node:
        def put(name, namespace, *ports, **labels):
            node.api.store.put("pods", {
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": {"nodeName": "n", "containers": [
                    {"name": "c", "ports": [{"containerPort": port} for port in ports]}]},
                "status": {"phase": "Running", "podIP": "127.0.0.1"},
            })

        put("wanted", "example-api-prod", node.exporter.port, 9443, application="example-api", tier="web")
        put("other", "example-api-prod", 1, application="another")
        put("elsewhere", "shop", 2, application="example-api")
        node.api.grants = {(AGENT, verb, "pods", "example-api-prod") for verb in ("list", "watch")}
        server = node.server().replace("\n  ", "\n")
        text = replaced(often(TUTORIAL_PODS), ("- role: pod\n", f"- role: pod\n      {server}\n"))
        agent = cluster.start_edgemeter(text, metered=False)

        def targets():
            data = json.loads(get(f"{agent.url}/api/v1/targets"))["data"]
            return data if data["activeTargets"] else None

        data = wait_until("its target", targets)
        equal("targets", len(data["activeTargets"]), 1)
        equal("labels", data["activeTargets"][0]["labels"], {
            "application": "example-api", "instance": f"127.0.0.1:{node.exporter.port}",
            "job": "example-api-pods", "kubernetes_namespace": "example-api-prod",
            "kubernetes_pod_name": "wanted", "tier": "web"})
        dropped = [t["discoveredLabels"]["__address__"] for t in data["droppedTargets"]]
        equal("dropped: the other port", dropped, ["127.0.0.1:9443"])
        wait_until("a scrape", lambda: node.exporter.scrapes)


def mended(text):
    """labels: beside targets:, where it belongs."""
    return replaced(text, ("      labels:\n        env: prod\n        location: us",
                           "    labels:\n      env: prod\n      location: us"))


def test_federate():
    """As printed it is not YAML: edgemeter says so as promtool does, and where. Mended it runs, beside a
    real Prometheus whose own samples it takes."""
    with Cluster("printed") as cluster, Receiver() as receiver:
        file = cluster.write("printed.yml", TUTORIAL_FEDERATE)
        check = subprocess.run([EDGEMETER, "check-config", file], capture_output=True, text=True)
        equal("status of the printed form", check.returncode, 2)
        equal("what is said", (check.stdout + check.stderr).strip(),
              f"{file}:19:13: not valid YAML: mapping values are not allowed in this context; check the "
              "indentation of this line, and put a value that holds \": \" in quotes")
        spoke = cluster.start_prometheus()
        address = spoke.url.split("//")[1]
        cluster.write("prometheus.yml", "global: {scrape_interval: 1s}\nscrape_configs:\n"
                      f"- {{job_name: own, static_configs: [{{targets: ['{address}']}}]}}\n")
        os.kill(spoke.pid, clusters.signal.SIGHUP)
        wait_until("samples of its own", lambda: spoke.query('up{job="own"} == 1'))
        text = replaced(mended(often(TUTORIAL_FEDERATE)), ("monitoring.example-api.test", address))
        cluster.start_edgemeter(text + remote(receiver), metered=False)

        def taken():
            with receiver.lock:
                all_taken = [(dict(labels), list(s)) for labels, s in receiver.taken.items()]
            return [(labels, s) for labels, s in all_taken if labels["job"] == "own"]

        wait_until("hundreds of series", lambda: len(taken()) > 300)
        equal("labels of each of them",
              {(l["env"], l["location"], l["instance"]) for l, _ in taken()}, {("prod", "us", address)})
        times = [s for l, s in taken() if l["__name__"] == "up"][0]
        equal("no time twice", len({t for t, _ in times}), len(times))


if __name__ == "__main__":
    run(test_static, test_pods, test_federate, metered=False)
