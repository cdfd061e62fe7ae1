#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The queue on disk as its users see it: a remote that is down, a kill, `edgemeter queue`, a restart;
one agent to a folder."""

import re
import signal
import subprocess

from checks import equal, run, settles, true
from cluster import EDGEMETER, Agent, Cluster, get, wait_until
from servers import agent_config, node_job

INTERVAL = "1s"


def start_agent(cluster, prometheus):
    exporter = cluster.start_exporter()
    config = cluster.write("edgemeter.yml", agent_config(
        prometheus, interval=None, jobs=node_job(exporter, INTERVAL)))
    agent = cluster.start(Agent, "edgemeter", [
        EDGEMETER, f"--config.file={config}", f"--storage.path={cluster.path('queue')}",
        "--web.listen-address=127.0.0.1:0"], metered=False)
    agent.wait_up()
    return agent


def metric(agent, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(agent.url + "/metrics"), re.MULTILINE)
    return float(found.group(1)) if found else None


def queue(folder, *flags):
    done = subprocess.run([EDGEMETER, "queue", f"--storage.path={folder}", *flags],
                          capture_output=True, text=True)
    return done.stdout + done.stderr


def waiting(folder):
    return sum(int(n) for n in re.findall(r"^remote .*: (\d+) samples to send", queue(folder),
                                          re.MULTILINE))


def up_count(prometheus):
    return prometheus.value('count_over_time(up{job="node"}[1h])')


def test_a_kill_loses_nothing():
    with Cluster("queue") as cluster:
        prometheus = cluster.start_prometheus()
        folder = cluster.path("queue")
        agent = start_agent(cluster, prometheus)
        wait_until("the first samples", lambda: up_count(prometheus) > 1)
        prometheus.stop()
        true("on disk", metric(agent, "edgemeter_queue_on_disk") == 1)
        wait_until("a backlog", lambda: waiting(folder) > 3000)
        agent.stop(signal.SIGKILL)
        left = waiting(folder)
        text = queue(folder, "--dump")
        true("nobody writes there", f"{folder}: no agent writes here" in text)
        scraped = len(re.findall(r'^up\{.*job="node".*\} 1 ', text, re.MULTILINE))
        true(f"{left} samples of {scraped} scrapes wait", scraped > 3)
        agent.start()
        prometheus.start()
        prometheus.wait_up()
        wait_until("the backlog to be sent", lambda: waiting(folder) < 1500, 60)
        equal("exit status", agent.stop(), 0)
        equal("left on disk", waiting(folder), 0)
        scrapes = [when for when, _ in prometheus.query('up{job="node"}[1h]')[0][1]]
        for when in re.findall(r'^up\{.*job="node".*\} 1 (\d+)', text, re.MULTILINE):
            true(f"the scrape of {when} is there", int(when) / 1000 in scrapes)


def test_one_agent_to_a_folder():
    with Cluster("folder") as cluster:
        agent = start_agent(cluster, cluster.start_prometheus())
        second = subprocess.run(agent.argv, capture_output=True, text=True, timeout=30)
        equal("status of the second", second.returncode, 1)
        true("it says who has the folder", f"pid={agent.pid}" in second.stderr)
        true("it says what to do", "--storage.path" in second.stderr)
        settles("the first goes on", agent.running, True, quiet=0)


if __name__ == "__main__":
    run(test_a_kill_loses_nothing, test_one_agent_to_a_folder, metered=False)
