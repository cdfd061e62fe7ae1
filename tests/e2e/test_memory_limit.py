#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The limit of the DaemonSet's container, a disk that is full and a remote that is a black hole: the agent
goes on, drops the oldest samples and counts them."""

import random
import re
import signal
import socket

from checks import equal, run, settles, true
from cluster import EDGEMETER, Agent, Cluster, get, wait_until
from exporter import Exporter
from memory_cgroup import MemoryCgroup

LIMIT = 64 << 20
SERIES = 12000
PAGES = 4
JOBS = 4
PAST_FULL = 1000000  # samples


class Noise(Exporter):
    """Values that no compression makes short, so that the queue is soon full."""

    def __init__(self):
        super().__init__()
        self.pages = [self.make() for _ in range(PAGES)]
        self.server.handle_error = lambda *_: None  # of an agent that is killed

    @staticmethod
    def make():
        lines = (f'test_value{{n="{i}"}} {random.random()!r}\n' for i in range(SERIES))
        return "".join(lines).encode()

    def page(self, path):
        with self.lock:
            number = self.scrapes[path] = self.scrapes.get(path, 0) + 1
        return self.pages[number % PAGES]


def config_text(exporter, hole):
    return f"""
scrape_configs:
{exporter.jobs(JOBS, "200ms")}
remote_write:
  - url: http://127.0.0.1:{hole.getsockname()[1]}/api/v1/write
"""


def metric(agent, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(agent.url + "/metrics"), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def dropped(agent):
    text = get(agent.url + "/metrics")
    return {reason: float(value) for reason, value in re.findall(
        r'^edgemeter_queue_dropped_samples_total{.*reason="(\w+)".*} (\S+)$', text, re.MULTILINE)}


def start(cluster, cgroup, config, full_disk):
    argv = [EDGEMETER, f"--config.file={config}", "--web.listen-address=127.0.0.1:0"]
    if full_disk:
        # A tmpfs of its own that takes hardly anything.
        queue = cluster.path("queue")
        mount = 'mkdir -p "$0" && mount -t tmpfs -o size=256k none "$0" && exec "$@"'
        argv = ["unshare", "--mount", "sh", "-c", mount, queue, *argv, f"--storage.path={queue}"]
    agent = cluster.start(Agent, "edgemeter", cgroup.entering(argv), metered=False)
    agent.wait_up()
    return agent


def goes_on(name, full_disk):
    with Cluster(name) as cluster, Noise() as exporter, socket.create_server(("127.0.0.1", 0)) as hole:
        cgroup = MemoryCgroup(cluster.name, LIMIT)
        agent = start(cluster, cgroup, cluster.write("edgemeter.yml", config_text(exporter, hole)), full_disk)
        in_memory = 'edgemeter_queue_bytes{where="memory"}'
        wait_until("samples to be dropped", lambda: dropped(agent).get("full", 0) > 0, 120)
        most = metric(agent, in_memory)
        true(f"{most / 2**20:.1f} MiB wait in memory", 4 << 20 < most < LIMIT // 2)
        equal("on disk", metric(agent, "edgemeter_queue_on_disk"), 0)
        begun = dropped(agent)["full"]
        wait_until("many more", lambda: dropped(agent)["full"] - begun > PAST_FULL, 120)
        taken, _ = cgroup.charged()
        true(f"{taken / 2**20:.1f} MiB are charged", taken < LIMIT * 0.9)
        scrapes = sum(exporter.scrapes.values())
        wait_until("it scrapes on", lambda: sum(exporter.scrapes.values()) > scrapes + 3 * JOBS)
        equal("killed for want of memory", cgroup.kills(), 0)
        settles("it runs", agent.running, True, quiet=0)
        account(agent)
        agent.stop(signal.SIGKILL)  # else it waits for the hole for 30 s
        cluster.processes.remove(agent)
        wait_until("an empty cgroup", cgroup.is_empty)
        cgroup.remove()


def account(agent):
    """What came in is dropped or waits; the moment between two answers is that of a scrape."""
    text = get(agent.url + "/metrics")

    def total(name):
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    came = total("prometheus_remote_storage_samples_in_total")
    lost = total("prometheus_remote_storage_samples_dropped_total")
    waits = total("prometheus_remote_storage_samples_pending")
    equal("came in, less what was dropped and what waits", came - lost - waits, 0)


def test_a_full_disk():
    goes_on("full-disk", True)


def test_no_disk():
    goes_on("no-disk", False)


def test_a_limit_on_file_sizes():
    """RLIMIT_FSIZE, whose signal would end a process that is not prepared."""
    with Cluster("file-limit") as cluster, Noise() as exporter, socket.create_server(("127.0.0.1", 0)) as hole:
        config = cluster.write("edgemeter.yml", config_text(exporter, hole))
        argv = ["prlimit", "--fsize=65536", EDGEMETER, f"--config.file={config}",
                "--web.listen-address=127.0.0.1:0", f"--storage.path={cluster.path('queue')}"]
        agent = cluster.start(Agent, "edgemeter", argv, metered=False)
        agent.wait_up()
        wait_until("what no file takes to be counted", lambda: sum(dropped(agent).values()) > SERIES)
        account(agent)
        agent.stop(signal.SIGKILL)  # else it waits for the hole for 30 s
        cluster.processes.remove(agent)


if __name__ == "__main__":
    run(test_a_full_disk, test_no_disk, test_a_limit_on_file_sizes, metered=False)
