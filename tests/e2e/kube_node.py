# SPDX-License-Identifier: Apache-2.0
"""An agent with one job of role pod at the stand-in API server: what it scrapes, and what it says.
No cgroups and no real pods: all of them are one page."""

import base64
import http.server
import json
import re
import threading

from checks import equal
from cluster import get, wait_until
from kube_api import KubeApi

AGENT = "system:serviceaccount:monitoring:edgemeter"
NODE = "edge-1"


class Exporter:
    """Answers every path with a page, and counts."""

    def __init__(self, address="127.0.0.1"):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self.scrapes += 1
                body = b"up_and_well 1\n"
                handler.send_response(200)
                handler.send_header("Content-Type", "text/plain; version=0.0.4")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_):
                pass

        self.scrapes = 0
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Node:
    """The agent with one job of role pod, and the stand-in."""

    def __init__(self, cluster, watch_list=True):
        self.cluster = cluster
        self.exporter = Exporter()
        self.api = KubeApi(cluster.path("api"))
        self.api.watch_list = watch_list
        token = self.api.add_user(AGENT, ("list", "pods", ""), ("watch", "pods", ""))
        self.token_file = cluster.write("token", token)
        self.api.start()
        self.agent = None
        self.put("first")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.api.stop()
        self.exporter.stop()

    def kubeconfig(self):
        """Its name: the same server and token, as kubectl has them."""
        with open(self.api.ca_file, "rb") as file:
            authority = base64.b64encode(file.read()).decode()
        return self.cluster.write(
            "kubeconfig",
            f"""
current-context: here
contexts: [{{name: here, context: {{cluster: stand-in, user: agent}}}}]
clusters:
- name: stand-in
  cluster: {{server: "{self.api.url}", certificate-authority-data: {authority}}}
users: [{{name: agent, user: {{tokenFile: token}}}}]
""",
        )

    def server(self):
        return f"""api_server: {self.api.url}
        authorization: {{credentials_file: {self.token_file}}}
        tls_config: {{ca_file: {self.api.ca_file}}}"""

    def config(self, server, more, interval):
        return f"""
scrape_configs:
  - job_name: pods
    scrape_interval: {interval}
    kubernetes_sd_configs:
      - role: pod
        {server or self.server()}
        {more}
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}
      - {{source_labels: [__meta_kubernetes_pod_label_turn], target_label: turn}}
"""

    def start(self, more="", interval="200ms", server=None):
        prefix = ["env", f"NODE_NAME={NODE}"]
        config = self.config(server, more, interval)
        self.agent = self.cluster.start_edgemeter(config, prefix=prefix)
        return self

    def put(self, name, node=NODE, namespace="shop", **labels):
        self.api.store.put(
            "pods",
            {
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": {
                    "nodeName": node,
                    "containers": [
                        {"name": "c", "ports": [{"containerPort": self.exporter.port}]}
                    ],
                },
                "status": {"phase": "Running", "podIP": "127.0.0.1"},
            },
        )

    def delete(self, name):
        self.api.store.delete("pods", "shop", name)

    def targets(self):
        answer = json.loads(get(f"{self.agent.url}/api/v1/targets"))
        return sorted(
            target["labels"]["pod"] + target["labels"].get("turn", "")
            for target in answer["data"]["activeTargets"]
        )

    def discovered(self):
        """Namespace, its team, node and its zone, as relabelling would see them."""
        answer = json.loads(get(f"{self.agent.url}/api/v1/targets"))
        names = ("namespace", "namespace_label_team", "node_name", "node_label_zone")
        return [
            tuple(target["discoveredLabels"].get(f"__meta_kubernetes_{name}") for name in names)
            for target in answer["data"]["activeTargets"]
        ]

    def wait_targets(self, *names):
        try:
            wait_until("targets", lambda: self.targets() == sorted(names), 60, pause=0.05)
        except TimeoutError:
            equal("targets", self.targets(), sorted(names))

    def wait_watches(self, count):
        """A watch that was cut is opened again in a moment; there is never one too many for long."""
        wait_until(f"{count} watches", lambda: self.api.watchers == count)
        equal("watches", self.api.watchers, count)

    def said(self, level="warn|info"):
        """What the log says of Kubernetes, without the start."""
        pattern = rf"level=(?:{level}) component=discover msg=\"?([^\"]*?)\"? request="
        return re.findall(pattern, self.agent.log_text())

    def metric(self, name):
        page = get(f"{self.agent.url}/metrics/self")
        found = re.findall(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
        return float(found[0]) if found else None

    def scrapes_go_on(self):
        before = self.exporter.scrapes
        wait_until("scrapes", lambda: self.exporter.scrapes > before + 3, 30)
