#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A worker killed and nginx reloaded under load: no answered request goes uncounted.

nginx logs a request after it has handed its response to the kernel, so a worker killed between the
two leaves one answered and counted request without its line.
"""

import os
import signal
import time

import load
from checks import run, settles, true
from cluster import Cluster
from servers import agent_config, nginx_workers, start_nginx

KILLS = 3


def test_kill_and_reload():
    with Cluster("restart") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        cluster.start_edgemeter(agent_config(prometheus))

        def counted():
            return prometheus.http_counts(nginx.cgroup_path)[("get", "200")]

        with load.Clients(nginx) as clients:
            for _ in range(KILLS):
                time.sleep(1)
                os.kill(nginx_workers(nginx)[0], signal.SIGKILL)
            time.sleep(1)
            nginx.child.send_signal(signal.SIGHUP)
            time.sleep(2)
        time.sleep(3)  # the last lines are written, the last rows drained and sent
        lines = nginx.log_lines()
        settles("counted, and still the same later", counted, counted())
        print(
            f"    answered {clients.answered}, logged {lines}, counted {counted()},"
            f" connections lost {clients.errors}"
        )
        true("connections were lost: the load was on when it happened", clients.errors > 0)
        true("every answered request is counted", counted() >= clients.answered)
        true("every logged request is counted", counted() >= lines)
        true("none is counted twice", counted() <= lines + KILLS)


if __name__ == "__main__":
    run(test_kill_and_reload)
