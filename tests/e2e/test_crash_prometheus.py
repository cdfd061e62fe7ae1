#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 while a batch is on its way to a Prometheus 3 that takes nothing out of order: the batch
that comes again refuses only what Prometheus has, and every sample of every scrape is there."""

import http.client
import http.server
import json
import os
import random
import signal
import threading
import time
import urllib.parse

from checks import FULL, equal, run, true
from cluster import EDGEMETER, Agent, Cluster, Prometheus, free_port, get, wait_until
from crash_peer import Peer
from peers import fetch

KILLS = int(os.environ.get("KILLS") or (50 if FULL else 8))
TARGETS, SERIES = 10, 100
INTERVAL, PAUSE = 0.25, 0.6  # so that a batch has several samples of a series


class SlowRelay(http.server.BaseHTTPRequestHandler):
    """Between the agent and Prometheus: holds each request or its answer up, and tells of it, so that
    every kill finds one on its way, or just delivered."""

    protocol_version = "HTTP/1.1"
    receiver = None
    pause = PAUSE
    statuses = []
    held = threading.Semaphore(0)

    @classmethod
    def wait_for_held(cls, number):
        """Until that many more are held up."""
        while cls.held.acquire(blocking=False):
            pass
        for _ in range(number):
            true("a request is on its way", cls.held.acquire(timeout=30))

    def hold(self):
        self.held.release()
        time.sleep(self.pause)

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        late = random.random() < 0.4
        if late:
            self.hold()
        connection = http.client.HTTPConnection(self.receiver, timeout=10)
        connection.request("POST", self.path, body, dict(self.headers))
        answer = connection.getresponse()
        text = answer.read()
        self.statuses.append(answer.status)
        if not late:
            self.hold()
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except OSError:
            pass  # it was killed


def start_prometheus(cluster):
    port = free_port()
    config = cluster.write("prometheus.yml", "global: {scrape_interval: 1h}\n")
    prometheus = cluster.start(Prometheus, "prometheus", [
        fetch("prometheus-3"), "--log.level=error", f"--config.file={config}",
        f"--storage.tsdb.path={cluster.path('prometheus-data')}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"],
        metered=False)
    prometheus.url = f"http://127.0.0.1:{port}"
    prometheus.wait_up()
    SlowRelay.receiver = f"127.0.0.1:{port}"
    return prometheus


def config_text(peer, relay):
    return f"""
global: {{scrape_interval: {1000 * INTERVAL:.0f}ms}}
scrape_configs:
{peer.jobs()}
remote_write:
- url: http://127.0.0.1:{relay.server_port}/api/v1/write
  queue_config:
    {{max_shards: 1, max_samples_per_send: 5000, batch_send_deadline: 100ms, min_backoff: 10ms}}
"""


def matrix(prometheus, selector):
    query = urllib.parse.urlencode({"query": f"{selector}[1d]"})
    answer = json.loads(get(f"{prometheus.url}/api/v1/query?{query}", timeout=60))
    return [[float(value) for _, value in series["values"]] for series in answer["data"]["result"]]


def values(prometheus, selector):
    return [value for series in matrix(prometheus, selector) for value in series]


def pages_of(prometheus, target):
    """For each series the pages that are there."""
    return [{int(value) for value in series if value == value}
            for series in matrix(prometheus, f'crash{{target="{target}"}}')]


def test_nothing_is_lost_to_a_refused_batch():
    dice = random.Random(int(os.environ.get("SEED") or 6))
    with Cluster("refused") as cluster, Peer(TARGETS, SERIES) as peer:
        prometheus = start_prometheus(cluster)
        relay = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowRelay)
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        config = cluster.write("edgemeter.yml", config_text(peer, relay))
        agent = cluster.start(Agent, "edgemeter", [
            EDGEMETER, f"--config.file={config}", f"--storage.path={cluster.path('queue')}",
            "--web.listen-address=127.0.0.1:0"], metered=False)
        excused = [set() for _ in range(TARGETS)]
        for _ in range(KILLS):
            SlowRelay.wait_for_held(dice.randrange(1, 5))
            time.sleep(dice.uniform(0, PAUSE / 2))
            agent.stop(signal.SIGKILL)
            for target, page in enumerate(peer.killed()):
                excused[target].add(page)
            os.remove(agent.log)  # the address in it is the last process'
            agent.start()
        agent.wait_up()
        SlowRelay.pause = 0
        wait_until("the backlog to be sent", lambda: pending(agent) < 2 * TARGETS * SERIES, 120)
        equal("exit status", agent.stop(timeout=60), 0)
        given = peer.killed()
        refused = sum(status == 400 for status in SlowRelay.statuses)
        true(f"{KILLS} kills, {len(SlowRelay.statuses)} requests, {refused} of them refused",
             refused > KILLS / 8)
        for target in range(TARGETS):
            wanted = set(range(1, given[target] + 1)) - excused[target] - {given[target]}
            series = pages_of(prometheus, target)
            equal(f"series of target {target}", len(series), SERIES)
            # What the agent itself calls a failed scrape was given out, and has no samples.
            failed = sum(value == 0 for value in values(prometheus, f'up{{job="{target}"}}'))
            missing = [sorted(wanted - pages) for pages in series if len(wanted - pages) > failed]
            equal(f"missing of the {len(wanted)} scrapes of target {target}", missing[:3], [])
        relay.shutdown()


def pending(agent):
    page = get(agent.url + "/metrics")
    return sum(float(line.split()[-1]) for line in page.splitlines()
               if line.startswith("prometheus_remote_storage_samples_pending"))


if __name__ == "__main__":
    run(test_nothing_is_lost_to_a_refused_batch, metered=False)
