#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/metrics.md: every metric that a live agent shows is in it, with its type and labels, and every one that is in it
exists."""

import os
import re
import time

import manifests  # first: it finds the other modules
import load
from agent_metrics import sources
from checks import equal, run, true
from cluster import ROOT, Cluster, get, wait_until
from servers import start_nginx

CONFIG = """
global: {{scrape_interval: 1s, external_labels: {{cluster: test}}}}
http_metrics: {{interval: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["{target}"]}}]
  - job_name: files
    file_sd_configs: [{{files: [{folder}/*.json]}}]
remote_write: [{{url: "{url}/api/v1/write", name: global}}]
"""
# Of each target, in the stream and not on /metrics.
OF_TARGETS = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
}


def documented():
    """{name: (type, labels)} of the tables' rows that begin with a name."""
    with open(os.path.join(ROOT, "docs/metrics.md")) as file:
        rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \|", file.read(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def shown(page):
    """The same of a page of metrics."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    found = {name: (kind, set()) for name, kind in kinds.items()}
    for name, labels in re.findall(r"^([a-z_]+)\{(.*)\} ", page, re.M):
        family = name if name in kinds else re.sub(r"_(bucket|sum|count)$", "", name)
        found[family][1].update(re.findall(r'(\w+)="', labels))
    return {name: (kind, labels - {"le", "quantile"}) for name, (kind, labels) in found.items()}


def live_page():
    with Cluster("metrics") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        text = CONFIG.format(url=prometheus.url, target=prometheus.url[7:], folder=cluster.folder)
        agent = cluster.start_edgemeter(text)
        load.ab(cluster, nginx.url + "/page.html", 100)
        wait_until("a scrape and rows", lambda: "http_requests_total{" in get(agent.url + "/metrics"))
        time.sleep(2)
        return get(agent.url + "/metrics")


def test_reference():
    reference, live = documented(), shown(live_page())
    equal("not documented", sorted(set(live) - set(reference)), [])
    text = sources()
    gone = [n for n in set(reference) - set(live) - OF_TARGETS if f'"{n}"' not in text]
    equal("documented, but nowhere", gone, [])
    for name, (kind, labels) in live.items():
        if reference[name][0] != kind:
            raise AssertionError(f"{name} is a {kind}")
        # Those of HTTP are the user's to make.
        if not name.startswith("http_") and not labels <= reference[name][1]:
            raise AssertionError(f"{name} has the labels {labels}")
    true(f"{len(live)} metrics", len(live) > 50)


if __name__ == "__main__":
    run(test_reference)
