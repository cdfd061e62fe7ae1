#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pods come, change, restart and go under traffic; names and addresses are used again, as a
StatefulSet does, and many lives are shorter than a drain's interval. Every request ends up with the
pod that answered it, whichever way its log tells it; nothing is left over of those that are gone."""

import json
import os
import random
import statistics
import threading
import time
from collections import Counter

import load
from checks import FULL, equal, run, settles, true
from cluster import Cluster, get, wait_until
from kube import CGROUPS, Kube, shipped_config

LIVES = 200 if FULL else 14
SPAN = 590 if FULL else 14  # seconds over which they begin
WORKERS = 4
FORMS = list(CGROUPS)
# Its own: whatever else is requested on this machine at the time is none of ours.
PAGE = f"lives-{os.getpid()}.html"


class Life:
    """One pod from its start to its end; `number` is its label, so that lives of one name can be
    told apart."""

    def __init__(self, kube, number, slot):
        # Every other one has its predecessor's address, too.
        ip = f"127.2.{slot}.{1 + number // WORKERS // 2 % 200}"
        port = {"http": 0}
        self.random = random.Random(number)
        self.slot = slot
        self.port = 0
        self.lags = []  # of the target, in seconds: when it came and when it went
        self.pod = kube.pod(
            f"web-{slot}",
            [("apache", port)],
            {"prometheus.io/scrape": "true"},
            {"life": f"n{number}"},
            FORMS[number % len(FORMS)],
            ip=ip,
        )
        self.pod.container.write_page(PAGE, "hello\n")

    @property
    def label(self):
        return self.pod.labels["life"]

    @property
    def host(self):
        return self.pod.ip

    def send(self, count):
        self.port = self.pod.container.port
        connection = load.connect(self)
        for _ in range(count):
            load.request(connection, "GET", f"/{PAGE}")
        connection.close()

    def follow(self, agent, wanted):
        told = time.monotonic()
        wait_until("its target", lambda: (self.label in active_targets(agent)) == wanted, pause=0.05)
        self.lags.append(time.monotonic() - told)

    def live(self, agent):
        container = self.pod.container
        self.pod.start()
        self.send(self.random.randint(1, 40))
        self.follow(agent, True)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            time.sleep(self.random.uniform(0, 1.5))
            if self.random.random() < 0.4:
                self.pod.restart(container)
            elif self.random.random() < 0.5:
                self.pod.annotations["example.org/turn"] = str(self.random.random())
                self.pod.tell()
            self.send(self.random.randint(1, 40))
        self.pod.delete()
        self.follow(agent, False)

    def logged(self):
        counts = self.pod.container.log_counts()
        return counts[("GET", "200", f"/{PAGE}")]


def run_lives(agent, lives):
    """WORKERS at a time, each in a slot of its own; over SPAN seconds."""
    failures = []
    begin = time.monotonic()

    def work(slot):
        try:
            mine = [life for life in lives if life.slot == slot]
            for i, life in enumerate(mine):
                time.sleep(max(0.0, begin + i * SPAN / len(mine) - time.monotonic()))
                life.live(agent)
        except Exception as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    true(f"{len(lives)} lives in {time.monotonic() - begin:.0f} s", not failures)


def total(samples):
    """What a counter has counted, over the ends of its series."""
    counted = before = 0
    for _, value in samples:
        value = float(value)
        counted += value - before if value >= before else value
        before = value
    return int(counted)


def counted(prometheus):
    """By pod name and life; a series that has ended has its samples still."""
    counts = Counter()
    selector = f'http_server_request_duration_seconds_count{{http_route="/{PAGE}"}}'
    for labels, samples in prometheus.query(f"{selector}[1h]"):
        key = labels.get("pod", labels.get("cgroup", "?")), labels.get("life", "?")
        counts[key] += total(samples)
    return +counts


KEPT_CONNECTIONS = 8  # idle ones stay in the HTTP client for a while


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.pid}/fd"))


def rss_kib(agent):
    with open(f"/proc/{agent.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def active_targets(agent):
    answer = json.loads(get(f"{agent.url}/api/v1/targets"))
    return sorted(target["labels"].get("life", "") for target in answer["data"]["activeTargets"])


def test_lives():
    with Cluster("lives") as cluster, Kube(cluster) as kube:
        prometheus = cluster.start_prometheus()
        more = f"  routes: [/{PAGE}]\n  roles: [server]\n"
        agent = kube.start_agent(shipped_config(prometheus, "3s", more))
        resident = kube.pod(
            "resident", [("apache", {"http": 0})], {"prometheus.io/scrape": "true"}, {"life": "all"}
        ).start()
        wait_until("the resident's target", lambda: active_targets(agent) == ["all"])
        before = descriptors(agent), rss_kib(agent)

        lives = [Life(kube, number, number % WORKERS) for number in range(LIVES)]
        run_lives(agent, lives)
        lags = [lag for life in lives for lag in life.lags]
        print(f"    targets follow within {max(lags):.2f} s, most within {statistics.median(lags):.2f} s", flush=True)
        wanted = Counter({(life.pod.name, life.label): life.logged() for life in lives})
        equal("requests in the access logs", sum(wanted.values()) > LIVES, True)
        settles("each with the pod that answered it", lambda: counted(prometheus) - wanted, Counter())
        settles("and none is missing", lambda: wanted - counted(prometheus), Counter())

        wait_until("the targets to be gone", lambda: active_targets(agent) == ["all"])
        settles(
            "what is up at the global Prometheus",
            lambda: [labels["life"] for labels, _ in prometheus.query("up")],
            ["all"],
        )
        settles("descriptors", lambda: descriptors(agent) - before[0] <= KEPT_CONNECTIONS, True, quiet=0)
        after = rss_kib(agent)
        true(f"memory: {before[1]} KiB before, {after} KiB after", after < before[1] + 8192)
        equal("watches", kube.api.watchers, 1)
        equal("requests to the API server", kube.api.count() <= 2 + SPAN // 300, True)
        resident.delete()


if __name__ == "__main__":
    run(test_lives)
