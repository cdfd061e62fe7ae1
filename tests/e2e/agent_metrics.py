# SPDX-License-Identifier: Apache-2.0
"""An agent's /metrics as numbers, the account of its remotes, and the names in its sources."""

import os
import re

from cluster import ROOT, get

LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
STORAGE = "prometheus_remote_storage_"
OURS = "edgemeter_remote_write_"


class Page:
    def __init__(self, text):
        self.samples = []  # (name, labels, value)
        for line in text.splitlines():
            found = LINE.match(line)
            if found and not line.startswith("#"):
                labels = dict(LABEL.findall(found.group(2) or ""))
                self.samples.append((found.group(1), labels, float(found.group(3))))

    def sum(self, name, **labels):
        wanted = labels.items()
        return sum(
            value for found, has, value in self.samples if found == name and wanted <= has.items()
        )

    def account(self, remote):
        """What became of the samples that this remote was given."""
        this = {"remote_name": remote}

        def both(prefix, what):
            return int(sum(self.sum(f"{prefix}{kind}_{what}", **this) for kind in KINDS))

        return {
            "in": int(sum(self.sum(f"{STORAGE}{kind}_in_total") for kind in KINDS)),
            "acknowledged": both(OURS, "acknowledged_total"),
            "failed": both(STORAGE, "failed_total"),
            "dropped": both(STORAGE, "dropped_total"),
            "pending": both(STORAGE, "pending"),
            "replay_refused": int(self.sum(OURS + "samples_replay_refused_total", **this)),
        }

    def refused(self, remote):
        """code -> samples"""
        return {
            labels["code"]: int(value)
            for name, labels, value in self.samples
            if name == OURS + "samples_refused_total" and labels["remote_name"] == remote
        }


KINDS = ("samples", "histograms")


def page_of(agent):
    return Page(get(agent.url + "/metrics"))


def adds_up(account):
    known = sum(count for what, count in account.items() if what != "in")
    return known == account["in"]


def sources():
    """The text of all C sources: a metric that shows only when something went wrong is named there."""
    text = ""
    for folder, _, names in os.walk(os.path.join(ROOT, "userspace")):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name)) as file:
                    text += file.read()
    return text
