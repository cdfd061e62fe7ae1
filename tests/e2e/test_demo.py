#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demo agrees with itself and leaves nothing behind, however it ends."""

import os
import re
import signal
import subprocess
import tempfile
import time

from checks import equal, run, true
from cluster import ROOT, cgroup2_mount, get, require_programs, wait_until

DEMO = os.path.join(ROOT, "tools/demo")


def start(folder, **environment):
    return subprocess.Popen(
        [DEMO],
        env={**os.environ, "TMPDIR": folder, "KEEP": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_nothing_left(demo, folder):
    # A cgroup can only go when its last process has, so the folder stands for the processes.
    cgroup = os.path.join(cgroup2_mount(), f"edgemeter-demo-{demo.pid}")
    true(f"no cgroup {cgroup}", not os.path.exists(cgroup))
    equal("files left in its TMPDIR", os.listdir(folder), [])


def open_folder():
    """A TMPDIR of our own, as open to Apache's user as /tmp is."""
    folder = tempfile.TemporaryDirectory()
    os.chmod(folder.name, 0o755)
    return folder


def require():
    require_programs("apache2", "prometheus", "prometheus-node-exporter")


def test_all_counts_equal():
    require()
    with open_folder() as folder:
        demo = start(folder)
        output = demo.communicate(timeout=120)[0]
        print(output)
        equal("exit status", demo.returncode, 0)
        equal("lines that differ", output.count("DIFFERENT"), 0)
        equal("lines that agree", len(re.findall(r" equal$", output, re.MULTILINE)), 13)
        check_nothing_left(demo, folder)


def catches(process, number):
    with open(f"/proc/{process.pid}/status") as status:
        caught = int(re.search(r"^SigCgt:\s+(\w+)", status.read(), re.MULTILINE).group(1), 16)
    return caught >> (number - 1) & 1


def test_interrupted():
    require()
    for pause in (0.5, 3):
        with open_folder() as folder:
            demo = start(folder)
            wait_until("it has begun", lambda: catches(demo, signal.SIGHUP))
            time.sleep(pause)
            demo.send_signal(signal.SIGINT)
            output = demo.communicate(timeout=60)[0]
            equal(f"exit status when interrupted after {pause} s", demo.returncode, 130)
            true("no traceback", "Traceback" not in output)
            check_nothing_left(demo, folder)


def test_kept_and_stopped():
    require()
    with open_folder() as folder:
        demo = start(folder, KEEP="1")
        # The kept processes write into their logs, not into the demo's output: it ends here.
        output = demo.communicate(timeout=120)[0]
        print(output)
        stop = re.search(r"^Stop it with: .*?(\S+)$", output, re.MULTILINE).group(1)
        try:
            equal("exit status", demo.returncode, 0)
            agent = re.search(r"^  edgemeter +(http://\S+)$", output, re.MULTILINE).group(1)
            true("the kept agent serves its rows", "http_requests_total{" in get(agent))
        finally:
            print(subprocess.run([stop], capture_output=True, text=True, check=True).stdout)
        check_nothing_left(demo, folder)


if __name__ == "__main__":
    run(test_all_counts_equal, test_interrupted, test_kept_and_stopped)
