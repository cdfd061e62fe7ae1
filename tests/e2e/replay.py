# SPDX-License-Identifier: Apache-2.0
"""A target that shows recorded pages scrape by scrape: the n-th scrape of a path gets the n-th page of
its script, whoever asks and whenever, so that two scrapers with a replay each see the same."""

import os
import re
import threading

import cluster as clusters
from served import Served

PAGES = os.path.join(clusters.ROOT, "tests/recorded/pages")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def read(name):
    with open(os.path.join(PAGES, name + ".txt"), encoding="utf-8") as file:
        return file.read()


def changing(text, scrape):
    """A real page as it would be later: a quarter of the values are others, and from the third scrape
    on some series are missing, each time others."""
    lines, samples = [], 0
    for line in text.splitlines():
        if not line or line.startswith("#"):
            lines.append(line)
            continue
        samples += 1
        if scrape >= 2 and samples % 11 == scrape % 11:
            continue
        series, value = line.rsplit(" ", 1)
        if (samples + scrape) % 4 == 0 and value not in ("NaN", "+Inf", "-Inf"):
            line = f"{series} {float(value) + scrape!r}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def filled(text, scrape, start):
    """A page of hard cases with its times and turns put in; `start` in ms."""
    now = start + scrape * 1000
    texts = {
        "{START}": str(start),
        "{BACK}": str(start - scrape * 1000),
        "{EVERY2}": '{half="x"}' if scrape % 2 else "",
        "{EVERY3}": str(scrape % 3),
        "{SCRAPE}": str(scrape),
        "{TIMES}": f"{now / 1000:.3f}",
    }
    text = text.replace('om_gauge{SCRAPE}', f'om_gauge{{scrape="{scrape % 3}"}}')
    text = re.sub(r"\{TIME([+-]\d+)?\}", lambda m: str(now + int(m.group(1) or 0)), text)
    for mark, value in texts.items():
        text = text.replace(mark, value)
    return text


class Answer:
    def __init__(self, body, status=200, content_type=TEXT, cut=False):
        self.body = body.encode()
        self.status = status
        self.content_type = content_type
        self.cut = cut  # the connection ends before the body does


class Replay(Served):
    """`script`: path -> function of the scrape's number (from 0) that gives an Answer."""

    def __init__(self, script):
        self.script = script
        self.scrapes = {path: 0 for path in script}
        self.lock = threading.Lock()
        super().__init__(self.show)

    def show(self, handler):
        answer = self.next(handler.path.split("?")[0])
        handler.answer(answer.body, answer.content_type, answer.status, answer.cut)

    def next(self, path):
        with self.lock:
            scrape = self.scrapes[path]
            self.scrapes[path] += 1
        return self.script[path](scrape)

    def fewest(self):
        with self.lock:
            return min(self.scrapes.values())


def same_scrapes(scrape, ups, runs=4):
    """What `scrape()` gives, from the first run in which the same scrapes failed on both sides: `ups` makes
    two comparable values of it. A machine that stands still for a moment makes one of both too late for
    its timeout, and their pages are no longer the same; the last run is given whatever failed in it."""
    for run in range(runs):
        both = scrape()
        theirs, ours = ups(both)
        if theirs == ours:
            break
        print(f"    run {run + 1}: other scrapes failed here than there: {theirs} and {ours}", flush=True)
    return both
