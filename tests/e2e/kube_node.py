# SPDX-License-Identifier: Apache-2.0
"""An agent with one job of role pod at the stand-in API server: what it scrapes, and what it says.
No cgroups and no real pods: all of them are one page."""

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

    def __init__(self):
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
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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

    def config(self, selectors, interval):
        return f"""
scrape_configs:
  - job_name: pods
    scrape_interval: {interval}
    kubernetes_sd_configs:
      - role: pod
        api_server: {self.api.url}
        authorization: {{credentials_file: {self.token_file}}}
        tls_config: {{ca_file: {self.api.ca_file}}}
        {selectors}
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}
      - {{source_labels: [__meta_kubernetes_pod_label_turn], target_label: turn}}
"""

    def start(self, selectors="", interval="200ms"):
        prefix = ["env", f"NODE_NAME={NODE}"]
        config = self.config(selectors, interval)
        self.agent = self.cluster.start_edgemeter(config, prefix=prefix)
        return self

    def put(self, name, node=NODE, **labels):
        self.api.store.put(
            "pods",
            {
                "metadata": {"name": name, "namespace": "shop", "labels": labels},
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

    def wait_targets(self, *names):
        try:
            wait_until("targets", lambda: self.targets() == sorted(names), 60, pause=0.05)
        except TimeoutError:
            equal("targets", self.targets(), sorted(names))

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
