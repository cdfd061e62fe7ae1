#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The agent as a user without rights but the capabilities that metering needs: its counts are the
access log's. Without one of them it ends, and names that one."""

import os
import shutil
import subprocess

import cluster as clusters
import load
from checks import FULL, equal, run, settles, true
from cluster import Agent, Cluster, Unable, require_programs
from servers import agent_config, start_nginx

NEEDED = ("bpf", "perfmon", "net_admin")
# Before Linux 5.11 BPF maps are locked memory.
BEFORE_5_11 = tuple(map(int, os.uname().release.split(".")[:2])) < (5, 11)
REQUESTS = 200_000 if FULL else 20_000


def with_only(capabilities):
    if os.geteuid() != 0:
        raise Unable("giving single capabilities needs root")
    require_programs("setpriv")
    if BEFORE_5_11:
        capabilities = (*capabilities, "sys_resource")
    these = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    sets = [f"--{kind}={these}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *sets, "--no-new-privs"]


def command(cluster, config, capabilities):
    """With its own copy of the program, where nobody may execute it."""
    program = shutil.copy(clusters.EDGEMETER, cluster.path("edgemeter"))
    file = cluster.write("agent.yml", config)
    return [
        *with_only(capabilities),
        *(program, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"),
    ]


def test_with_these_alone():
    with Cluster("caps") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        argv = command(cluster, agent_config(prometheus), NEEDED)
        agent = cluster.start(Agent, "edgemeter", argv)
        agent.wait_up()
        with open(f"/proc/{agent.pid}/status") as status:
            fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        true(f"user {fields['Uid'].split()[0]}", fields["Uid"].split()[0] == "65534")
        equal("capabilities", bin(int(fields["CapEff"], 16)).count("1"), 3 + BEFORE_5_11)
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        settles(
            "sum(http_requests_total), the access log's lines",
            lambda: prometheus.value(
                f'sum(http_requests_total{{cgroup="{nginx.cgroup_path}"}})'
            ),
            nginx.log_lines(REQUESTS),
        )
        equal("exit status", agent.stop(), 0)


def test_not_a_cgroup():
    """A cgroup_root of another file system, as it is in a container or on a hybrid hierarchy, is named."""
    if os.geteuid() != 0:
        raise Unable("loading BPF programs needs root")
    with Cluster("caps") as cluster:
        file = cluster.write("agent.yml", f"http_metrics: {{cgroup_root: {cluster.folder}}}\n")
        argv = [clusters.EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        equal("exit status", done.returncode, 1)
        true("the reason", "the folder belongs to no cgroup v2 hierarchy" in done.stderr)
        true("the folder", f"cgroup={cluster.folder}" in done.stderr)


def test_without_one():
    with Cluster("caps") as cluster:
        for gone in NEEDED:
            argv = command(cluster, "http_metrics: {}\n", [n for n in NEEDED if n != gone])
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
            equal("exit status", done.returncode, 1)
            true(f"it names {gone}", f"missing=CAP_{gone.upper()} " in done.stderr)


if __name__ == "__main__":
    run(test_with_these_alone, test_not_a_cgroup, test_without_one)
