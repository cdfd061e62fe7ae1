# SPDX-License-Identifier: Apache-2.0
"""Scrape targets in this process, whose every page can be told from the one before."""

import threading

from served import Served


class Exporter(Served):
    """`series` gauges test_value{n="0"}, ...: each has the number of the scrape as its value. Paths
    are targets of their own: /0, /1, ..."""

    def __init__(self, series=100, fixed=None):
        """`fixed`: the bytes of every page instead."""
        self.series = series
        self.fixed = fixed
        self.scrapes = {}  # path -> how many
        self.lock = threading.Lock()
        super().__init__(lambda handler: handler.answer(self.page(handler.path), "text/plain; version=0.0.4"))

    def page(self, path):
        with self.lock:
            number = self.scrapes[path] = self.scrapes.get(path, 0) + 1
        if self.fixed:
            return self.fixed
        lines = ["# HELP test_value The number of the scrape.", "# TYPE test_value gauge"]
        lines += [f'test_value{{n="{i}"}} {number}' for i in range(self.series)]
        return ("\n".join(lines) + "\n").encode()

    def jobs(self, count=1, interval="1s"):
        """Scrape jobs of the configuration, one for each of the paths."""
        return "".join(
            f"  - job_name: test{i}\n    scrape_interval: {interval}\n    metrics_path: /{i}\n"
            f'    static_configs: [{{targets: ["{self.address}"]}}]\n'
            for i in range(count)
        )
