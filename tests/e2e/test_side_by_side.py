#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Beside a real Prometheus agent with the same file, over the same recorded pages, replayed scrape by
scrape: at the receiver the same series, labels and values to the bit, and the same stale markers,
scrape_duration_seconds aside."""

import json
import os
import struct
import time
from collections import defaultdict

import cluster as clusters
import peers
from checks import FULL, equal, run, true
from cluster import Cluster, answers, free_port, require_programs, wait_until
from receiver import Receiver
from replay import OPENMETRICS, Answer, Replay, changing, filled, read, same_scrapes

SCRAPES = 40 if FULL else 12  # that are compared
STALE = 0x7FF0000000000002
REAL = (
    "node_exporter",
    "prometheus",
    "apache_exporter",
    "nginx_exporter",
    "process_exporter",
    "blackbox_exporter",
    "pushgateway",
)


def real_page(name):
    """The page with its changes; every seventh scrape fails, in one way or another."""
    text = read(name)

    def answer(scrape):
        if scrape % 7 == 4:
            kinds = (
                Answer("oops", status=500),
                Answer("<html>", content_type="text/html"),
                Answer("a 1", cut=True),
                Answer(""),
            )
            return kinds[scrape // 7 % len(kinds)]
        return Answer(changing(text, scrape))

    return answer


def hard_page(start, name, content_type=None):
    text = read(name)

    def answer(scrape):
        page = filled(text, scrape, start)
        return Answer(page, content_type=content_type) if content_type else Answer(page)

    return answer


def script(start, track):
    paths = {f"/{name}": real_page(name) for name in REAL}
    for path in ("/hard", "/honor", "/ignore") + (("/track",) if track else ()):
        paths[path] = hard_page(start, "hard")
    paths["/openmetrics"] = hard_page(start, "hard_openmetrics", OPENMETRICS)
    paths["/relabelled"] = real_page("node_exporter")
    paths["/gone"] = lambda _: Answer("gone 1\ngone_too{a=\"b\"} 2\n")
    return paths


def config(replay, receiver, folder, track):
    def job(name, more=""):
        return f"""
  - job_name: {name}
    metrics_path: /{name}
    static_configs: [{{targets: ['{replay.address}'], labels: {{instance: i}}}}]
{more}"""

    return f"""
global: {{scrape_interval: 2s, scrape_timeout: 2s, external_labels: {{cluster: side, site: s}}}}
remote_write:
  - url: {receiver.url}
    queue_config: {{batch_send_deadline: 500ms}}
    metadata_config: {{send: false}}
scrape_configs:
{"".join(job(name) for name in REAL)}
{job("hard")}
{job("honor", "    honor_labels: true")}
{job("ignore", "    honor_timestamps: false")}
{job("track", "    track_timestamps_staleness: true") if track else ""}
{job("openmetrics")}
{job("relabelled", '''    metric_relabel_configs:
      - {source_labels: [__name__], regex: 'go_.*', action: drop}
      - {source_labels: [device], regex: '(.+)', target_label: disk, replacement: 'd-$1'}
      - {regex: device, action: labeldrop}
''')}
  - job_name: gone
    metrics_path: /gone
    file_sd_configs: [{{files: ['{folder}/targets.json']}}]
"""


# ---- what a receiver has ----


def bits(value):
    """A sender of Prometheus drops the sign of -0: its messages leave out what equals 0."""
    value = value or 0.0
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def normal(labels, old_bounds):
    """Label set without its job; 2.42 leaves the bounds of histograms and summaries as they are
    written."""
    pairs = []
    for name, value in labels:
        if old_bounds and name in ("le", "quantile"):
            value = repr(float(value))
        if name != "job":
            pairs.append((name, value))
    return tuple(sorted(pairs))


class Received:
    """job -> series -> {scrape's number, or the time of a sample that brings its own: bits}; the latter
    are beyond `own_times`."""

    def __init__(self, receiver, old_bounds, own_times):
        with receiver.lock:
            taken = {labels: list(samples) for labels, samples in receiver.taken.items()}
        self.jobs = defaultdict(dict)
        ticks = {}
        for labels, samples in taken.items():
            names = dict(labels)
            if names["__name__"] == "scrape_duration_seconds":
                times = sorted(t for t, _ in samples)
                ticks[names["job"]] = {t: number for number, t in enumerate(times)}
        for labels, samples in taken.items():
            names = dict(labels)
            # What a page says of its own job with honor_labels is of the job that it stands in.
            job = names["job"] if names["job"] in ticks else "honor"
            series = self.jobs[job].setdefault(normal(labels, old_bounds), {})
            for when, value in samples:
                if when in ticks[job] or when > own_times:  # else its scrape is still on its way
                    series.setdefault(ticks[job].get(when, f"at {when}"), bits(value))
        self.ticks = ticks

    def series(self, job, scrapes):
        """Without times beyond the scrapes that are compared."""
        out = {}
        for labels, samples in self.jobs[job].items():
            kept = {
                when: value
                for when, value in samples.items()
                if isinstance(when, str) or when < scrapes
            }
            if dict(labels)["__name__"] == "scrape_duration_seconds":
                kept = {when: value == STALE for when, value in kept.items()}
            if kept:
                out[labels] = kept
        return out


def own_times_until(series, start, scrapes):
    """Samples with times of their own, as far as both have got."""
    end = start + scrapes * 1000
    for labels, samples in series.items():
        series[labels] = {
            when: value
            for when, value in samples.items()
            if not isinstance(when, str) or int(when[3:]) < end
        }
    return {labels: samples for labels, samples in series.items() if samples}


def compare_job(job, theirs, ours):
    differences = []
    for labels in sorted(set(theirs) | set(ours)):
        a, b = theirs.get(labels, {}), ours.get(labels, {})
        if a == b:
            continue
        for when in sorted(set(a) | set(b), key=str):
            if a.get(when) != b.get(when):
                show = lambda value: "-" if value is None else f"{value:x}"
                differences.append(
                    f"{dict(labels)} {when}: theirs {show(a.get(when))}, ours {show(b.get(when))}"
                )
    for difference in differences[:20]:
        print("   ", difference)
    stale = sum(list(samples.values()).count(STALE) for samples in ours.values())
    values = sum(len(samples) for samples in ours.values())
    print(f"    {job}: {len(ours)} series, {values} samples, {stale} of them stale markers", flush=True)
    return len(differences)


def turns(received):
    """Of the target that goes and comes back: each series' values, repetitions left out."""
    out = {}
    for labels, samples in received.jobs["gone"].items():
        values = [value for _, value in sorted(samples.items())]
        if dict(labels)["__name__"] == "scrape_duration_seconds":
            values = [value == STALE for value in values]
        if dict(labels)["__name__"] == "scrape_series_added":
            values = [value for value in values if value in (0, STALE)]
        out[labels] = [v for i, v in enumerate(values) if not i or values[i - 1] != v]
    return out


# ---- the runs ----


def replace(cluster, name, text):
    os.rename(cluster.write(name + ".new", text), cluster.path(name))


def scrape_both(program, agent_flag, is_old):
    """The script's paths and its moment, and what both have sent of it. `is_old`: 2.42 leaves bounds as
    they are written and has no track_timestamps_staleness."""
    # Ahead of both: an agent sends no sample that is older than itself.
    start, track = int(time.time() * 1000) + 120_000, not is_old
    paths = script(start, track)
    with Cluster("side") as cluster:
        targets = lambda replay: json.dumps(
            [{"targets": [replay.address], "labels": {"instance": "i"}}]
        )
        with Receiver() as theirs, Receiver() as ours, Replay(paths) as their_replay, Replay(
            paths
        ) as our_replay:
            folders = []
            for name, replay in (("theirs", their_replay), ("ours", our_replay)):
                folders.append(cluster.path(name))
                os.makedirs(folders[-1])
                cluster.write(f"{name}/targets.json", targets(replay))
            port = free_port()
            prometheus = cluster.start(
                clusters.Process,
                "prometheus-agent",
                [program, *agent_flag, "--log.level=warn", f"--storage.agent.path={cluster.path('wal')}"]
                + ["--config.file=" + cluster.write("p.yml", config(their_replay, theirs, folders[0], track))]
                + [f"--web.listen-address=127.0.0.1:{port}"],
                metered=False,
            )
            prometheus.wait_ready("/-/ready", lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
            agent = cluster.start_edgemeter(config(our_replay, ours, folders[1], track), metered=False)
            wait_until("scrapes", lambda: min(their_replay.fewest(), our_replay.fewest()) > 4, 60)
            for name in ("theirs", "ours"):
                replace(cluster, f"{name}/targets.json", "[]")

            def is_gone(receiver):
                with receiver.lock:
                    return any(
                        ("__name__", "gone") in labels and bits(samples[-1][1]) == STALE
                        for labels, samples in receiver.taken.items()
                    )

            wait_until("the target to be gone", lambda: is_gone(theirs) and is_gone(ours), 60)
            for name, replay in (("theirs", their_replay), ("ours", our_replay)):
                replace(cluster, f"{name}/targets.json", targets(replay))

            def ready(receiver):
                scrapes = receiver.scrapes()
                came = (scrapes.get(path[1:], 0) > SCRAPES for path in paths if path != "/gone")
                return all(came) and not is_gone(receiver)

            wait_until(f"{SCRAPES} scrapes", lambda: ready(theirs) and ready(ours), 240, pause=0.5)
            # What belongs to a scrape may be on its way when the next has arrived; at the end it is sent.
            equal("exit status", agent.stop(), 0)
            prometheus.stop()
            return paths, start, *(Received(r, is_old, start - 60_000) for r in (theirs, ours))


def ups(received):
    """job -> its `up`, scrape by scrape."""
    return {
        job: samples
        for job in received.jobs
        for labels, samples in received.series(job, SCRAPES).items()
        if ("__name__", "up") in labels and job != "gone"
    }


def compare(program, agent_flag, is_old):
    # A scrape that a busy machine made too late for one of them is no difference between them.
    paths, start, a, b = same_scrapes(
        lambda: scrape_both(program, agent_flag, is_old), lambda both: [ups(side) for side in both[2:]]
    )
    differences = 0
    for path in paths:
        if path == "/gone":
            continue
        sets = [own_times_until(r.series(path[1:], SCRAPES), start, SCRAPES - 2) for r in (a, b)]
        true(f"{path[1:]} has series", len(sets[1]) > 10)
        differences += compare_job(path[1:], *sets)
    equal("samples that differ", differences, 0)
    equal("the target that went and came back", turns(b), turns(a))


def test_beside_prometheus_2():
    require_programs("prometheus")
    compare("prometheus", ["--enable-feature=agent"], is_old=True)


def test_beside_prometheus_3():
    compare(peers.fetch("prometheus-3"), ["--agent"], is_old=False)


if __name__ == "__main__":
    run(test_beside_prometheus_2, test_beside_prometheus_3, metered=False)
