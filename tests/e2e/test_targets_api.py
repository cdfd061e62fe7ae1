#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/api/v1/targets beside that of a real Prometheus with the same file: the same keys, and the same
values of all that is not a time."""

import json
import os
import sys

import cluster as clusters
import peers
from checks import equal, run
from cluster import Cluster, connects, free_port, get, require_programs, wait_until

TARGETS = 9
TIMES = ("lastScrape", "lastScrapeDuration")


def config(port, closed_port, relabel):
    rules = """    relabel_configs:
      - {source_labels: [env], target_label: __tmp_env}
      - {source_labels: [__address__], target_label: address, regex: '(.*):.*', replacement: $1}
"""
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 900ms, external_labels: {{cluster: a}}}}
scrape_configs:
  - job_name: good
    params: {{'match[]': ['{{job!=""}}', b], c: [d]}}
    static_configs:
      - targets: ['127.0.0.1:{port}', 'localhost:{port}']
        labels: {{__metrics_path__: /good, env: prod, empty: ''}}
      - targets: ['127.0.0.1:{port}']
        labels: {{__metrics_path__: /good, __param_d: 'x y', quoted: '"\\<>&', instance: own}}
{rules if relabel else ""}
  - job_name: bad
    metrics_path: /status
    scrape_interval: 2s
    scrape_timeout: 1s
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
  - job_name: limited
    metrics_path: /samples
    sample_limit: 10
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
  - job_name: nobody
    static_configs: [{{targets: ['127.0.0.1:{closed_port}']}}]
  - job_name: some
    metrics_path: /good
    static_configs:
      - targets: ['127.0.0.1:{port}', 'dropped:1', 'dropped:2']
        labels: {{__scrape_interval__: 1500ms, __scrape_timeout__: 1s}}
    relabel_configs: [{{source_labels: [__address__], regex: 'dropped:.*', action: drop}}]
  - job_name: many
    metrics_path: /good
    target_limit: 1
    static_configs: [{{targets: ['127.0.0.1:{port}', 'localhost:{port}']}}]
  - job_name: none
"""


def fetch(url, query=""):
    return json.loads(get(f"{url}/api/v1/targets{query}"))


def settled(url):
    targets = fetch(url)["data"]["activeTargets"]
    return len(targets) == TARGETS and all(target["health"] != "unknown" for target in targets)


def comparable(answer, has_counts):
    """Sorted, without times; of a network error no more than that it is there: its words are the
    client library's."""
    data = answer["data"]
    for target in data["activeTargets"]:
        for key in TIMES:
            true_type = isinstance(target.pop(key), str if key == "lastScrape" else (int, float))
            assert true_type, f"{key} has the wrong type"
        if "refused" in target["lastError"]:
            target["lastError"] = "refused"
    if not has_counts:
        data.pop("droppedTargetCounts", None)
        for target in data["droppedTargets"]:
            target.pop("scrapePool", None)
    for key in ("activeTargets", "droppedTargets"):
        data[key].sort(key=lambda target: json.dumps(target, sort_keys=True))
    return answer


def compare(cluster, program, name):
    port = free_port()
    script = os.path.join(clusters.ROOT, "tests/e2e/bad_targets.py")
    server = cluster.start(
        clusters.Process, "targets", [sys.executable, script, str(port)], metered=False
    )
    server.wait_ready("its port", lambda: connects("127.0.0.1", port))
    # 2.42 shows labels that relabelling has added among the discovered ones, instead of others.
    text = config(port, free_port(), relabel=name != "prometheus-2")
    agent = cluster.start_edgemeter(text, metered=False)
    url = cluster.start_prometheus(text, program, name, metered=False).url
    wait_until("Prometheus to have scraped", lambda: settled(url))
    wait_until("the agent to have scraped", lambda: settled(agent.url))
    has_counts = "droppedTargetCounts" in fetch(url)["data"]

    def both(query):
        return comparable(fetch(url, query), has_counts), comparable(fetch(agent.url, query), has_counts)

    def agree():
        theirs, ours = both(query)
        return theirs == ours

    for query in ("", "?state=any", "?state=active", "?state=dropped", "?scrapePool=some"):
        try:
            # A scrape that a busy machine was too slow for is an error of that moment.
            wait_until("equal answers", agree, 10, pause=0.5)
        except TimeoutError:
            theirs, ours = both(query)
            print(f"theirs: {json.dumps(theirs, indent=1)}\nours: {json.dumps(ours, indent=1)}")
            raise
        print(f"    {query or 'no query'}: as {name}", flush=True)
    equal("exit status", agent.stop(), 0)


def test_beside_prometheus_2():
    require_programs("prometheus")
    with Cluster("targets") as cluster:
        compare(cluster, "prometheus", "prometheus-2")


def test_beside_prometheus_3():
    program = peers.fetch("prometheus-3")
    with Cluster("targets") as cluster:
        compare(cluster, program, "prometheus-3")


if __name__ == "__main__":
    run(test_beside_prometheus_2, test_beside_prometheus_3, metered=False)
