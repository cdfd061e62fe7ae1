#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under 50,000 samples a second, the receiver up and down at random: every
sample of every scrape arrives at least once and in order, but for the scrape that was in flight."""

import os
import random
import signal
import time

from checks import FULL, equal, run, true
from cluster import EDGEMETER, Agent, Cluster, get, wait_until
from crash_peer import Peer

KILLS = int(os.environ.get("KILLS") or (200 if FULL else 10))
DAMAGES = 100 if FULL else 8
TARGETS, SERIES = 50, 1000  # every second
MODES = ["up", "up", "up", "down", "refuse", "forget"]


def config_text(peer, shards):
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
{peer.jobs()}
remote_write:
- url: http://127.0.0.1:{peer.receiver}/api/v1/write
  remote_timeout: 2s
  queue_config:
    {{min_shards: {shards}, batch_send_deadline: 200ms, min_backoff: 10ms, max_backoff: 200ms}}
queue: {{sync_interval: 500ms}}
"""


def start_agent(cluster, config):
    return cluster.start(Agent, "edgemeter", [
        EDGEMETER, f"--config.file={config}", f"--storage.path={cluster.path('queue')}",
        "--web.listen-address=127.0.0.1:0"], metered=False)


def pending(agent):
    page = get(agent.url + "/metrics")
    return sum(float(line.split()[-1]) for line in page.splitlines()
               if line.startswith("prometheus_remote_storage_samples_pending"))


def live_and_die(cluster, agent, peer, dice):
    """A life of 0.1 to 2.5 s in which the receiver changes its mind once; in the next one the
    configuration wants another number of shards."""
    end = time.monotonic() + dice.uniform(0.1, 2.5)
    time.sleep(dice.uniform(0, end - time.monotonic()))
    peer.tell(dice.choice(MODES))
    time.sleep(max(0, end - time.monotonic()))
    true("killed while it ran", agent.running())
    agent.stop(signal.SIGKILL)
    peer.killed()
    cluster.write("edgemeter.yml", config_text(peer, dice.choice([1, 2, 5])))
    agent.start()


def test_every_sample_arrives():
    dice = random.Random(int(os.environ.get("SEED") or 6))
    with Cluster("crash") as cluster, Peer(TARGETS, SERIES) as peer:
        config = cluster.write("edgemeter.yml", config_text(peer, 1))
        agent = start_agent(cluster, config)
        for _ in range(KILLS):
            live_and_die(cluster, agent, peer, dice)
        peer.tell("up")
        agent.stop(signal.SIGKILL)
        peer.killed()
        os.remove(agent.log)  # the address is the last process'
        agent.start()
        agent.wait_up()
        wait_until("the backlog to be sent", lambda: pending(agent) < TARGETS * SERIES, 120)
        equal("exit status", agent.stop(timeout=60), 0)
        peer.killed()
        report = peer.report()
        print(f"    {report}")
        print(f"    {KILLS} kills: {report['duplicates'] / report['samples']:.2%} duplicates")
        true("there was a load", report["whole"] > KILLS * TARGETS / 4)
        for fault in ("missing", "part", "disordered", "unknown"):
            equal(fault, report[fault], 0)


def damage(folder, dice):
    """The end of the newest segment is cut off, or a few bits of any file are not what they were."""
    files = sorted(name for name in os.listdir(folder) if name.endswith((".log", ".remote")))
    logs = [name for name in files if name.endswith(".log")]
    if not files:
        return
    with open(os.path.join(folder, dice.choice(files)), "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for _ in range(dice.choice([0, 1, 30]) if size else 0):
            place = dice.randrange(size)
            file.seek(place)
            byte = file.read(1)[0] ^ 1 << dice.randrange(8)
            file.seek(place)
            file.write(bytes([byte]))
    if logs and dice.random() < 0.5:
        path = os.path.join(folder, logs[-1])
        os.truncate(path, max(0, os.path.getsize(path) - dice.randrange(5000)))


def test_damaged_files():
    """As above, and after each kill the files are damaged: it starts, and sends nothing wrong."""
    dice = random.Random(int(os.environ.get("SEED") or 7))
    with Cluster("damage") as cluster, Peer(TARGETS, SERIES // 10) as peer:
        config = cluster.write("edgemeter.yml", config_text(peer, 1))
        agent = start_agent(cluster, config)
        for _ in range(DAMAGES):
            time.sleep(dice.uniform(0.3, 1.5))
            peer.tell(dice.choice(MODES))
            time.sleep(dice.uniform(0.3, 1.5))
            true("killed while it ran", agent.running())
            agent.stop(signal.SIGKILL)
            peer.killed()
            damage(cluster.path("queue"), dice)
            agent.start()
        peer.tell("up")
        time.sleep(1)
        equal("exit status", agent.stop(timeout=60), 0)
        report = peer.report()
        print(f"    {report}")
        true("there was a load", report["whole"] > DAMAGES * TARGETS / 4)
        for fault in ("disordered", "unknown"):
            equal(fault, report[fault], 0)


if __name__ == "__main__":
    run(test_every_sample_arrives, test_damaged_files, metered=False)
