# SPDX-License-Identifier: Apache-2.0
"""Compares what an agent says of one server with the server's access log, request by request.

The agent meters the server's cgroup alone, so its account is that server's. A request that never
got a byte of an answer has no status on the wire, whatever the server wrote down for it: the agent has
it as unanswered, and its line in the log has 0 bytes sent.
"""

import re
import time
import traceback
from collections import Counter, namedtuple

from cluster import get
from scenarios import COMPLETE
from scenarios_broken import ANSWERED, BROKEN
from traffic import Tally

Line = namedtuple("Line", "method status body sent received time")
Row = namedtuple("Row", "count seconds request_bytes response_bytes buckets")
SERIES = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')
METHODS = "- GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split()
PARTS = {
    "request_duration_seconds_count": "count",
    "request_duration_seconds_sum": "seconds",
    "request_body_size_bytes_sum": "request_bytes",
    "response_body_size_bytes_sum": "response_bytes",
}
BUCKET = "request_duration_seconds_bucket"
ALL = (*COMPLETE, *ANSWERED, *BROKEN)


class Reading:
    """One look at /metrics."""

    def __init__(self, text):
        self.series = [
            (name, dict(LABEL.findall(labels or "")), float(value))
            for name, labels, value in SERIES.findall(text)
        ]

    def outcomes(self, of):
        """of: heads or connections."""
        return Counter(
            {
                labels["outcome"]: int(value)
                for name, labels, value in self.series
                if name == f"edgemeter_http_{of}_total"
            }
        )

    def seen(self, of):
        wanted = f"edgemeter_http_{of}_seen_total"
        return sum(int(value) for name, _, value in self.series if name == wanted)

    def rows(self, role, cgroup):
        """(method, status) -> Row; buckets: upper bound -> count at or under it."""
        rows = {}
        for name, labels, value in self.series:
            if labels.get("cgroup") != cgroup or not name.startswith(f"http_{role}_"):
                continue
            key = (labels["http_request_method"], labels["http_response_status_code"])
            row = rows.setdefault(key, {"buckets": {}})
            part = name.removeprefix(f"http_{role}_")
            if part in PARTS:
                row[PARTS[part]] = value if part.endswith("seconds_sum") else int(value)
            elif part == BUCKET:
                row["buckets"][float(labels["le"])] = int(value)
        return {key: Row(**row) for key, row in rows.items()}

    def counts(self, role, cgroup):
        rows = self.rows(role, cgroup)
        return Counter({key: row.count for key, row in rows.items() if row.count})


def start_meter(cluster, cgroup_root, roles="[server]", buckets=None):
    bounds = f"  buckets: {list(buckets)}\n" if buckets else ""
    place = f"  cgroup_root: {cgroup_root}\n  interval: 1s\n  roles: {roles}\n"
    return cluster.start_edgemeter("http_metrics:\n" + place + bounds, metered=False)


def read(agent):
    return Reading(get(agent.url + "/metrics"))


def log_lines(server):
    with open(server.access_log) as log:
        for text in log:
            method, status, body, sent, received, time_ = text.rstrip("\n").split("|")
            yield Line(method, status, int(body), int(sent), int(received), float(time_))


def method_of(line):
    return line.method if line.method in METHODS else "other"


def unlike(rows, lines):
    """The rows and the lines that have no counterpart: two Counters. A line without
    a method (its server could not read one) is like any row with its status."""
    logged = Counter((method_of(line), line.status) for line in lines)
    extra, missing = rows - logged, logged - rows
    for method, status in list(missing):
        if method != "-":
            continue
        for key in [key for key in extra if key[1] == status]:
            same = min(extra[key], missing[method, status])
            extra[key] -= same
            missing[method, status] -= same
    return +extra, +missing


class Comparison:
    """What happened at one server, in its log and in the agent's figures, since this was made."""

    def __init__(self, agent, server, tally, all_answered):
        self.agent, self.server, self.tally = agent, server, tally
        self.all_answered = all_answered
        self.before = read(agent)
        self.skip = sum(1 for _ in log_lines(server))

    def measure(self):
        now = read(self.agent)
        self.lines = list(log_lines(self.server))[self.skip :]
        self.answered = [line for line in self.lines if line.sent or self.all_answered]
        self.silent = len(self.lines) - len(self.answered)
        path = self.server.cgroup_path
        self.rows = now.counts("server", path) - self.before.counts("server", path)
        self.heads = now.outcomes("heads") - self.before.outcomes("heads")
        self.connections = now.outcomes("connections") - self.before.outcomes("connections")
        self.losses = {
            outcome: count
            for outcome, count in self.heads.items()
            if outcome not in ("counted", "unanswered", "role_off")
        }
        self.seen = now.seen("heads") - self.before.seen("heads")
        self.before_rows = self.before.rows("server", path)
        self.now_rows = now.rows("server", path)

    def problems(self):
        """Everything in which log, rows and account differ."""
        found = []
        extra, missing = unlike(self.rows, self.answered)
        if extra or missing:
            found.append(f"only in rows: {dict(extra)}; only in the log: {dict(missing)}")
        if self.seen != sum(self.heads.values()):
            found.append(f"heads: seen {self.seen}, outcomes {dict(self.heads)}")
        if self.losses:
            found.append(f"lost: {dict(self.losses)}")
        if self.heads["counted"] != sum(self.rows.values()):
            found.append(f"counted {self.heads['counted']}, in rows {sum(self.rows.values())}")
        here = self.seen - self.heads["role_off"]
        sent, half = self.tally.heads, self.tally.half_heads
        if sent and not sent <= here <= sent + half:
            found.append(f"the clients sent {sent} heads and {half} half ones, seen {here}")
        unread = self.heads["unanswered"] - self.silent
        if not self.tally.heads and unread > self.tally.abandoned:
            found.append(f"{self.heads['unanswered']} unanswered, {self.silent} in the log")
        return found

    def settle(self, timeout=60):
        """Servers log late, and connections end late: waits until nothing differs, and that it
        stays so. What still differs."""
        end, good = time.monotonic() + timeout, 0
        while time.monotonic() < end and good < 2:
            self.measure()
            good = 0 if self.problems() else good + 1
            time.sleep(0.2)
        return self.problems()

    def body_bytes(self):
        """What the rows say of the bytes of request and response bodies."""

        def total(field):
            now = sum(getattr(row, field) for row in self.now_rows.values())
            return now - sum(getattr(row, field) for row in self.before_rows.values())

        return total("request_bytes"), total("response_bytes")

    def byte_problems(self, counts_chunk_headers):
        """For scenarios in which every answer was read whole."""
        tally, found = self.tally, []
        logged_bodies = sum(line.body for line in self.lines)
        pairs = [
            ("request bodies, response bodies (rows, clients)", self.body_bytes(),
             (tally.sent_bodies, tally.received_bodies)),
            ("bytes out (log, clients)", sum(line.sent for line in self.lines), tally.received),
        ]
        if not counts_chunk_headers:
            pairs.append(("response bodies (rows, log)", self.body_bytes()[1], logged_bodies))
        for what, got, wanted in pairs:
            if got != wanted:
                found.append(f"{what}: {got} and {wanted}")
        return found

    def summary(self):
        return (
            f"log {len(self.answered)} lines with an answer and {self.silent} without; "
            f"rows {sum(self.rows.values())}; heads seen {self.seen} = {dict(self.heads)}"
        )


def check_scenario(agent, server, scenario):
    """The Comparison, and what differs."""
    tally = Tally()
    comparison = Comparison(agent, server, tally, scenario not in BROKEN)
    try:
        scenario(server, tally)
        found = []
    except Exception:  # the other scenarios still tell something
        found = [traceback.format_exc()]
    found += comparison.settle()
    if scenario in COMPLETE:
        found += comparison.byte_problems(server.name == "nginx")
    return comparison, found


def check_all(agent, server, scenarios=ALL):
    """Runs every scenario; AssertionError naming those in which log and rows differ. How many
    requests are in the rows since."""
    failed, counted = [], 0
    for scenario in scenarios:
        comparison, found = check_scenario(agent, server, scenario)
        counted += sum(comparison.rows.values())
        print(f"    {scenario.__name__}: {comparison.summary()}", flush=True)
        for problem in found:
            print(f"        {problem}", flush=True)
        if found:
            failed.append(scenario.__name__)
    if failed:
        raise AssertionError(f"log and rows differ: {', '.join(failed)}")
    return counted
