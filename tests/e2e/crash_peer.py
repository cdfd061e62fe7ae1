# SPDX-License-Identifier: Apache-2.0
"""crash_peer.c, the targets and the receiver of an agent that is killed again and again."""

import os
import subprocess

from cluster import BUILD


class Peer:
    def __init__(self, targets, series):
        self.count = targets
        self.child = subprocess.Popen(
            [os.path.join(BUILD, "tests/e2e/crash_peer"), str(targets), str(series)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ports = self.numbers(self.child.stdout.readline())
        self.targets, self.receiver = ports["targets"], ports["receiver"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(30)

    @staticmethod
    def numbers(line):
        return {key: int(value) for key, value in (part.split("=") for part in line.split())}

    def tell(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().strip()

    def jobs(self):
        """Of scrape_configs: each target is a job of its own, named by its number."""
        return "".join(
            f"- {{job_name: '{t}', metrics_path: /{t}, "
            f"static_configs: [{{targets: ['127.0.0.1:{self.targets}']}}]}}\n"
            for t in range(self.count))

    def given(self):
        return int(self.tell("given"))

    def killed(self):
        """What each target gave out last."""
        return [int(page) for page in self.tell("killed").split()]

    def report(self):
        return self.numbers(self.tell("report"))
