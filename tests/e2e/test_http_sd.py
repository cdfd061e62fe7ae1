#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""http_sd_configs beside a real Prometheus with the same server: the same targets and labels, through changes of
the list and bad answers; and what both ask."""

import json

import peers
from checks import equal, run, true
from cluster import Cluster, free_port, get, require_programs, wait_until
from served import Served

FOLLOW = 30  # s; the list is asked for every second, and Prometheus gathers changes for five


class Listing(Served):
    """A server of targets, whose answer can be changed; keeps the head of the last request of each agent."""

    def __init__(self):
        super().__init__(self.show)
        self.url = f"http://{self.address}/targets?x=1"
        self.asked = {}
        self.say([])

    def show(self, handler):
        self.asked[handler.headers["User-Agent"].split("/")[0]] = dict(handler.headers)
        handler.answer(*self.said)

    def say(self, groups):
        self.said = json.dumps(groups).encode(), "application/json; charset=utf-8"


def targets(url, is_old=False):
    """`is_old`: 2.42 shows discoveredLabels that relabelling has changed."""
    active = json.loads(get(f"{url}/api/v1/targets"))["data"]["activeTargets"]
    return sorted(
        (None if is_old else json.dumps(t["discoveredLabels"], sort_keys=True), json.dumps(t["labels"], sort_keys=True), t["scrapeUrl"])
        for t in active
    )


def failures(url):
    for line in get(f"{url}/metrics").splitlines():
        if line.startswith("prometheus_sd_http_failures_total "):
            return float(line.split()[1])
    return None


def beside(program, is_old=False):
    port = free_port()
    first = [
        {"targets": [f"127.0.0.1:{port}", f"localhost:{port}"],
         "labels": {"env": "prod", "u": "\u00e4", "__meta_own": "m", "empty": ""}},
        {"targets": [f"[::1]:{port}"]},
        {"targets": [], "labels": {"no": "targets"}},
    ]
    second = [{"targets": [f"127.0.0.2:{port}"], "labels": {"__metrics_path__": "/other"}}]
    with Cluster("httpsd") as cluster, Listing() as listing:
        listing.say(first)
        config = f"""
global: {{scrape_interval: 10m}}
scrape_configs:
  - job_name: listed
    http_sd_configs:
      - url: {listing.url}
        refresh_interval: 1s
        basic_auth: {{username: edge, password: secret}}
    relabel_configs:
      - {{source_labels: [__meta_url], regex: '.*/(targets).*', target_label: list}}
      - {{source_labels: [__meta_own], target_label: own}}
"""
        agent = cluster.start_edgemeter(config)
        url = cluster.start_prometheus(config, program, metered=False).url
        both = lambda count: len(targets(url)) == count == len(targets(agent.url))
        wait_until("three targets", lambda: both(3), FOLLOW)
        equal("targets", targets(agent.url, is_old), targets(url, is_old))

        listing.say(second)
        wait_until("the other list", lambda: both(1), FOLLOW)
        equal("targets", targets(agent.url, is_old), targets(url, is_old))

        for answer in ((b"[]", "application/json", 500), (b"[]", "text/html"), (b"[null]", "application/json")):
            before = failures(agent.url), failures(url)
            listing.said = answer
            wait_until("two failures of both", lambda: failures(agent.url) > before[0] + 1 and failures(url) > before[1] + 1, FOLLOW)
            equal("targets that stay", (len(targets(agent.url)), len(targets(url))), (1, 1))
        true("the reason is in the log", "cannot take targets from a server" in agent.log_text())
        true("no password is", "secret" not in agent.log_text())

        listing.say([])
        wait_until("no targets", lambda: both(0), FOLLOW)
        ours, theirs = listing.asked["edgemeter"], listing.asked["Prometheus"]
        for field in ("Accept", "X-Prometheus-Refresh-Interval-Seconds", "Authorization"):
            equal(field, ours[field], theirs[field])


def test_beside_prometheus_2():
    require_programs("prometheus")
    beside("prometheus", is_old=True)


def test_beside_prometheus_3():
    beside(peers.fetch("prometheus-3"))


if __name__ == "__main__":
    run(test_beside_prometheus_2, test_beside_prometheus_3, metered=False)
