#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Without http_metrics the agent is a scraper that needs no privileges; with it, it says what it
needs."""

import os
import shutil
import subprocess

import cluster as clusters
from checks import equal, run, settles, true
from cluster import Cluster, require_programs
from servers import agent_config, node_job


def as_nobody():
    """The command that drops root and every capability; nothing when we are not root anyway."""
    if os.geteuid() != 0:
        return []
    require_programs("setpriv")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]


def own_copy(cluster):
    """The program where nobody may execute it."""
    return shutil.copy(clusters.EDGEMETER, cluster.path("edgemeter"))


def test_scrapes_without_root():
    with Cluster("noroot") as cluster:
        prometheus = cluster.start_prometheus()
        exporter = cluster.start_exporter()
        config = cluster.write(
            "agent.yml", agent_config(prometheus, interval=None, jobs=node_job(exporter, "1s"))
        )
        program = own_copy(cluster)
        agent = cluster.start(
            clusters.Agent,
            "edgemeter",
            [*as_nobody(), program, f"--config.file={config}", "--web.listen-address=127.0.0.1:0"],
        )
        agent.wait_up()
        settles("up", lambda: prometheus.value('up{job="node",cluster="test"}'), 1, quiet=0)
        with open(f"/proc/{agent.pid}/status") as status:
            uid = [line.split()[1] for line in status if line.startswith("Uid:")][0]
        true(f"runs as uid {uid}", uid != "0")
        equal("HTTP series", prometheus.value('count({__name__=~"http_.*"})'), 0)
        equal("exit status", agent.stop(), 0)


def test_metering_without_root_says_so():
    with Cluster("noroot") as cluster:
        config = cluster.write("agent.yml", "http_metrics: {}\n")
        done = subprocess.run(
            [*as_nobody(), own_copy(cluster), f"--config.file={config}"]
            + ["--web.listen-address=127.0.0.1:0"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        equal("exit status", done.returncode, 1)
        true(
            f"the reason: {done.stderr.strip()}",
            any(word in done.stderr for word in ("root", "CAP_", "privilege", "capabilit")),
        )


if __name__ == "__main__":
    run(test_scrapes_without_root, test_metering_without_root_says_so, metered=False)
