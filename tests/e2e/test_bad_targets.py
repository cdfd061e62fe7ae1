#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad targets harm only themselves: each has up 0 and its reason in /api/v1/targets and in the log,
the good one beside them is scraped without a gap, and the agent's memory stays bounded."""

import json
import os
import sys
import time

import cluster as clusters
from checks import FULL, equal, run, true
from cluster import Cluster, connects, free_port, get, wait_until

SECONDS = 60 if FULL else 20
MEMORY_MAX = (1024 if "san" in clusters.BUILD else 64) << 20

TIMED_OUT = "timed out"
ANY = " "  # whatever is said
TOO_LARGE = "body size limit exceeded"

# What stands in lastError; "" where the target is well. How far a body without an end gets depends
# on the machine.
REASONS = {
    "/good": "",
    "/duplicates": "",
    "/malformed": "line 2",
    "/number": "1e400",
    "/utf8": "UTF-8",
    "/nul": "line 1",
    "/carriage": "line 1",
    "/long-line": "longer than",
    "/long-name": "longer than",
    "/labels": "label",
    "/endless-lines": (TIMED_OUT, TOO_LARGE, "sample limit exceeded"),
    "/endless-series": (TIMED_OUT, TOO_LARGE, "sample limit exceeded"),
    "/endless-line": "longer than",
    "/endless-comments": (TIMED_OUT, TOO_LARGE),
    "/endless-newlines": (TIMED_OUT, TOO_LARGE),
    "/endless-head": "header",
    "/drip": TIMED_OUT,
    "/hang": TIMED_OUT,
    "/cut": "closed the connection",
    "/reset": "closed the connection",
    "/length": "closed the connection",
    "/bomb-newlines": TOO_LARGE,
    "/bomb-lines": TOO_LARGE,
    "/bomb-zeros": "line 1",
    "/bomb-chain": "Content-Encoding",
    "/bomb-headers": "Content-Encoding",
    "/gzip-cut": "gzip body: ends too early",
    "/gzip-none": "gzip body",
    "/loop": "stopped after 10 redirects",
    "/status": "server returned HTTP status 500 Internal Server Error",
    "/html": 'unsupported Content-Type "text/html"',
    "/samples": "sample limit exceeded",
}

# HTTP that is none.
RESPONSES = {
    "/good": "",
    "/continue": ANY,
    "/upgrade": ANY,
    "/no-head": ANY,
    "/no-version": ANY,
    "/no-status": ANY,
    "/chunk-huge": ANY,
    "/chunk-beyond": ANY,
    "/chunk-negative": ANY,
    "/chunk-none": ANY,
    "/chunk-extension": ANY,
    "/trailers": ANY,
    "/length-twice": ANY,
    "/length-negative": ANY,
    "/length-beyond": ANY,
    "/header-nul": "",
    "/surplus": "",
    "/redirect-file": ANY,
    "/redirect-gopher": ANY,
    "/redirect-nowhere": ANY,
    "/redirect-garbage": ANY,
}


def config(reasons, prometheus, good_port, port, closed_port):
    static = "".join(
        f"      - targets: ['127.0.0.1:{port}']\n"
        f"        labels: {{__metrics_path__: {path}, path: {path}}}\n"
        for path in reasons
    )
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
remote_write:
  - url: {prometheus.url}/api/v1/write
    queue_config: {{batch_send_deadline: 1s}}
scrape_configs:
  - job_name: good
    static_configs: [{{targets: ['127.0.0.1:{good_port}']}}]
    metrics_path: /good
  - job_name: bad
    body_size_limit: 4MB
    sample_limit: 900
    static_configs:
{static}
  - job_name: nobody
    static_configs: [{{targets: ['127.0.0.1:{closed_port}', 'nobody.invalid:1']}}]
"""


def targets(agent):
    answer = json.loads(get(agent.url + "/api/v1/targets?state=active"))
    return answer["data"]["activeTargets"]


def peak_memory(agent):
    with open(f"/proc/{agent.pid}/status") as status:
        line = [line for line in status if line.startswith("VmHWM:")][0]
    return int(line.split()[1]) * 1024


def is_as_said(target, reason):
    problem = target["lastError"]
    any_of = reason if isinstance(reason, tuple) else (reason,)
    well = target["health"] == ("down" if reason else "up") and bool(problem) == bool(reason)
    return well and any(words in problem for words in any_of)


def check_reasons(agent, reasons):
    """Each is waited for: on a slow machine any target may now and then be timed out instead."""
    waiting = dict(reasons)
    seen = {}

    def all_said():
        for target in targets(agent):
            labels = target["labels"]
            name = labels.get("path") or labels["instance"]
            seen[name] = f"{target['health']} {target['lastError']}"
            if name in waiting and is_as_said(target, waiting[name]):
                print(f"    {name}: {seen[name]}", flush=True)
                del waiting[name]
        return not waiting

    waiting[closed_address(agent)] = "connection refused"
    waiting["nobody.invalid:1"] = "no such host"
    try:
        wait_until("every target to be scraped", all_said, 60)
    except TimeoutError:
        raise AssertionError({name: (seen.get(name), wanted) for name, wanted in waiting.items()})
    # The log takes so many lines at once and no more.
    log = agent.log_text()
    true("each is in the log", "were left out" in log or all(p in log for p, r in reasons.items() if r))


def closed_address(agent):
    nobodies = [t["labels"]["instance"] for t in targets(agent) if t["scrapePool"] == "nobody"]
    return next(instance for instance in nobodies if instance.startswith("127."))


def check_no_gap(prometheus):
    """The good target is scraped second by second, whatever the bad ones do. (A machine that stands
    still for a moment makes a tick late, too; a loop that bad targets hold up misses most of them.)"""
    times = [when for when, _ in prometheus.query('up{job="good"}[10m]')[0][1]]
    gap = max(b - a for a, b in zip(times, times[1:]))
    true(f"{len(times)} scrapes of the good target, at most {gap:.3f} s apart", gap < 5)
    true("nearly as many as there were seconds", len(times) > 0.75 * SECONDS)
    good = prometheus.value('sum_over_time(up{job="good"}[10m])')
    true(f"{good:.0f} of them good", good > 0.75 * len(times))


def start_targets(cluster, name):
    port = free_port()
    script = os.path.join(clusters.ROOT, "tests/e2e/bad_targets.py")
    server = cluster.start(
        clusters.Process, name, [sys.executable, script, str(port)], metered=False
    )
    server.wait_ready("its port", lambda: connects("127.0.0.1", port))
    return port


def test_bad_targets():
    with Cluster("bad") as cluster:
        prometheus = cluster.start_prometheus()
        good_port, port = start_targets(cluster, "good-target"), start_targets(cluster, "bad-targets")
        agent = cluster.start_edgemeter(
            config(REASONS, prometheus, good_port, port, free_port()), metered=False
        )
        time.sleep(SECONDS)
        check_reasons(agent, REASONS)
        for path, reason in REASONS.items():
            ever = prometheus.value(f'max_over_time(up{{job="bad",path="{path}"}}[10m])')
            equal(f"up of {path}, at its best", ever, 0 if reason else 1)
        check_no_gap(prometheus)
        peak = peak_memory(agent)
        true(f"the agent used at most {peak / 2**20:.1f} MiB", peak < MEMORY_MAX)
        lines = agent.log_text().count('msg="scrape failed"')
        scrapes = SECONDS * len(REASONS)
        true(f"{lines} lines in the log for {scrapes} scrapes", lines < 3 * len(REASONS))
        equal("exit status", agent.stop(), 0)


def test_bad_responses():
    with Cluster("bad") as cluster:
        prometheus = cluster.start_prometheus()
        port = start_targets(cluster, "bad-targets")
        text = config(RESPONSES, prometheus, port, port, free_port())
        text = text.replace("interval: 1s, scrape_timeout: 1s", "interval: 3s, scrape_timeout: 3s")
        agent = cluster.start_edgemeter(text, metered=False)
        check_reasons(agent, RESPONSES)
        scrapes = 'count_over_time(good{path="/surplus"}[1m])'
        wait_until("its second scrape", lambda: prometheus.value(scrapes) > 1)
        equal("series of a response that nobody asked for", prometheus.query("evil"), [])
        equal("exit status", agent.stop(), 0)


if __name__ == "__main__":
    run(test_bad_targets, test_bad_responses, metered=False)
