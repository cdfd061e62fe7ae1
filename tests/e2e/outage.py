# SPDX-License-Identifier: Apache-2.0
"""A receiver that is a black hole for many scrapes, an agent that is killed in the middle of it, and
how long the backlog takes once the receiver answers. The scrapes come faster than they would, and
are as many. Judges nothing."""

import os
import re
import signal
import time

from agent_metrics import page_of
from cluster import EDGEMETER, Agent, wait_until
from crash_peer import Peer

REAL_INTERVAL = 15  # seconds
REMOTE = "global"


def config_text(peer, interval):
    return f"""
global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}
scrape_configs:
{peer.jobs()}
remote_write:
- name: {REMOTE}
  url: http://127.0.0.1:{peer.receiver}/api/v1/write
"""


def status_of(process, key):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(rf"^{key}:\s+(\d+)", status.read(), re.MULTILINE).group(1))


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bytes_of(folder):
    names = [name for name in os.listdir(folder) if name.endswith(".log")]
    return sum(os.stat(os.path.join(folder, name)).st_size for name in names)


class Outage:
    """After ride_out(): what the peer reports, the account of the last process, and the figures."""

    def __init__(self, cluster, targets, series, scrapes, interval):
        self.cluster = cluster
        self.targets, self.series, self.scrapes = targets, series, scrapes
        self.interval = interval  # "100ms"
        self.peer = Peer(targets, series)
        self.samples = targets * (series + 5) * scrapes  # with up and the like

    def ride_out(self):
        with self.peer:
            self.peer.tell("hole")
            agent = self.fill()
            self.recover(agent)

    def fill(self):
        folder = self.cluster.path("queue")
        config = self.cluster.write("edgemeter.yml", config_text(self.peer, self.interval))
        agent = self.cluster.start(Agent, "edgemeter", [
            EDGEMETER, f"--config.file={config}", f"--storage.path={folder}",
            "--web.listen-address=127.0.0.1:0"], metered=False)
        wanted = self.scrapes * self.targets
        wait_until("the scrapes", lambda: self.peer.given() >= wanted, 900)
        agent.stop(signal.SIGKILL)
        self.peer.killed()
        self.log_bytes = bytes_of(folder)
        return agent

    def recover(self, agent):
        """In the next process, at the real interval."""
        self.cluster.write("edgemeter.yml", config_text(self.peer, f"{REAL_INTERVAL}s"))
        os.remove(agent.log)  # the address in it is the last process'
        agent.start()
        agent.wait_up()
        account = page_of(agent).account(REMOTE)
        self.found = account["pending"] - account["in"]
        self.memory_before = status_of(agent, "VmHWM") * 1024
        time.sleep(1)
        self.drain(agent)
        self.memory = status_of(agent, "VmHWM") * 1024
        self.exit_status = agent.stop(timeout=60)
        self.peer.killed()
        self.report = self.peer.report()

    def drain(self, agent):
        cpu, began = cpu_seconds(agent), time.monotonic()
        self.peer.tell("up")
        few = 2 * self.targets * (self.series + 5)  # of the scrapes that go on

        def is_drained():
            self.account = page_of(agent).account(REMOTE)
            return self.account["pending"] < few

        wait_until("the backlog to be sent", is_drained, 600, pause=0.05)
        self.seconds = time.monotonic() - began
        self.cpu_per_million = (cpu_seconds(agent) - cpu) / self.found * 1e6

    def times_as_fast(self):
        """As the samples were made at the real interval."""
        return self.found / self.seconds / (self.samples / self.scrapes / REAL_INTERVAL)
