#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""convert_classic_histograms_to_nhcb beside a real Prometheus 3 agent with the same file, over the same
pages, replayed scrape by scrape: the same series, floats, stale markers, exemplars, and histograms to
the last bound. Remote write 1.0 cannot carry the bounds: there Prometheus 3.5 sends histograms without
them, which are left out here, as they are in later versions."""

import os
import sys
import time
from collections import defaultdict

import cluster as clusters
import peers
from checks import FULL, equal, run, true
from cluster import Cluster, answers, free_port, wait_until
from receiver import Receiver
from replay import OPENMETRICS, Answer, Replay, changing, filled, read, same_scrapes
from test_side_by_side import STALE, bits

sys.path.append(os.path.join(clusters.ROOT, "tests/recorded"))
import remote_write  # noqa: E402

SCRAPES = 30 if FULL else 9  # that are compared
V1, V2 = MESSAGES = ("prometheus.WriteRequest", "io.prometheus.write.v2.Request")
CUSTOM = "('schema', -53)"


def histogram(name, labels, counts, total=None, bounds=(0.005, 0.1, 2.5, 10), exemplars=()):
    """Cumulative counts of the buckets up to `bounds` and +Inf; `exemplars`: bucket -> its text."""
    comma, own = (f"{labels},", f"{{{labels}}}") if labels else ("", "")
    lines = []
    for i, (bound, count) in enumerate(zip((*bounds, "+Inf"), counts)):
        more = dict(exemplars).get(i, "")
        lines.append(f'{name}_bucket{{{comma}le="{bound}"}} {count}{more}')
    lines.append(f"{name}_sum{own} {counts[-1] * 0.25}")
    lines.append(f"{name}_count{own} {counts[-1] if total is None else total}")
    return "\n".join(lines) + "\n"


def growing(scrape):
    """Histograms that grow, begin anew, come and go, break, and change their kind."""
    up = lambda *steps: [sum(steps[: i + 1]) * (scrape % 6 + 1) for i in range(len(steps))]
    page = "# HELP before A gauge.\n# TYPE before gauge\nbefore 1\n# TYPE steady histogram\n"
    page += histogram("steady", "", up(1, 0, 2, 0, 3))
    page += histogram("steady", 'code="200",path="/a b"', up(0, 0, 0, 0, 3))
    if scrape % 3:
        page += histogram("steady", 'code="500",path="/"', up(0.5, 1, 0, 0, 0))
    page += f"# HELP between Not a histogram.\n# TYPE between counter\nbetween {scrape}\n"
    page += f"# HELP apart Another.\n# TYPE apart {'histogram' if scrape % 4 else 'untyped'}\n"
    page += histogram("apart", "", up(1, 1, 1, 1, 1), bounds=range(scrape // 3, scrape // 3 + 4))
    page += "# TYPE broken histogram\n" + histogram("broken", "", up(1, 1, 1, 1, 1), total=scrape)
    page += "# TYPE last histogram\n" + histogram("last", "", up(0, 9, 0, 0, 0, 0, 0, 4), bounds=range(7))
    page += f"last_max {scrape}\n" + "".join(f'other{{n="{n}"}} {scrape}\n' for n in range(20))
    return page


def with_exemplars(scrape, start):
    at = (start + scrape * 1000) / 1000
    exemplars = {
        1: f' # {{id="late{scrape}"}} 0.05 {at:.3f}',
        2: f' # {{id="early{scrape}"}} 1.5 {at - 0.5:.3f}',
        3: ' # {id="no time"} 5',
    }
    counts = [scrape + i for i in range(5)]
    page = "# TYPE a gauge\na 1\n# HELP h_seconds Of time.\n# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n"
    page += histogram("h_seconds", 'a="b"', counts, exemplars=exemplars)
    page += histogram("h_seconds", 'a="c"', counts, exemplars={4: exemplars[1]})
    page += "# TYPE g gaugehistogram\n" + histogram("g", "", counts).replace("_sum", "_gsum").replace("_count", "_gcount")
    return page + "# TYPE c counter\nc_total 1\n# EOF\n"


def script(start):
    growing_page = lambda scrape: Answer(growing(scrape) if scrape != 5 else "bad line\n")
    real = read("prometheus")
    hard = read("hard")
    return {
        "/plain": growing_page,
        "/both": growing_page,
        "/relabelled": growing_page,
        "/limited": growing_page,
        "/untouched": growing_page,
        "/real": lambda _: Answer(real),
        "/changing": lambda scrape: Answer(changing(real, scrape)),
        "/hard": lambda scrape: Answer(filled(hard, scrape, start)),
        "/openmetrics": lambda scrape: Answer(with_exemplars(scrape, start), content_type=OPENMETRICS),
        "/openmetrics_both": lambda scrape: Answer(
            with_exemplars(scrape, start), content_type=OPENMETRICS
        ),
    }


JOBS = {
    "/both": "always_scrape_classic_histograms: true",
    "/openmetrics_both": "always_scrape_classic_histograms: true",
    "/limited": "sample_limit: 45\n    native_histogram_bucket_limit: 20",  # more lines than samples
    "/untouched": "convert_classic_histograms_to_nhcb: false",
    "/relabelled": """metric_relabel_configs:
      - {source_labels: [__name__], regex: 'steady_.*|between', action: drop}
      - {source_labels: [__name__], regex: 'stea(.*)', target_label: __name__, replacement: 'rea$1'}
      - {source_labels: [code], regex: '(.+)', target_label: le, replacement: 'code-$1'}""",
}


def config(replay, receivers, paths):
    remotes = "".join(
        f"""
  - url: {receiver.url}
    protobuf_message: {message}
    send_native_histograms: true
    send_exemplars: true
    queue_config: {{batch_send_deadline: 200ms}}
    metadata_config: {{send: false}}"""
        for message, receiver in receivers.items()
    )
    jobs = "".join(
        f"""
  - job_name: {path[1:]}
    metrics_path: {path}
    static_configs: [{{targets: ['{replay.address}'], labels: {{instance: i}}}}]
    {JOBS.get(path, "")}"""
        for path in paths
    )
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, convert_classic_histograms_to_nhcb: true}}
remote_write:{remotes}
scrape_configs:{jobs}
"""


# ---- what a receiver has ----


class Keeper(Receiver):
    """Keeps histograms and exemplars whole."""

    def __init__(self):
        super().__init__()
        self.whole = defaultdict(list)  # labels -> [(timestamp, what it is)]
        self.told = defaultdict(set)  # labels -> exemplars

    def keep(self, request):
        super().keep(request)
        with self.lock:
            for series in request.series:
                for data in series.histogram_bytes:
                    read = remote_write.read_histogram(data)
                    self.whole[series.labels].append((read.pop("timestamp"), repr(sorted(read.items()))))
                for timestamp, value in series.samples:
                    self.whole[series.labels].append((timestamp, hex(bits(value))))
                self.told[series.labels].update(series.exemplars)


def received(keeper):
    """job -> series -> {scrape's number: what was sent}, and job -> series -> exemplars."""
    with keeper.lock:
        whole = {labels: list(samples) for labels, samples in keeper.whole.items()}
        told = {labels: set(exemplars) for labels, exemplars in keeper.told.items() if exemplars}
    ticks = {}
    for labels, samples in whole.items():
        if ("__name__", "scrape_duration_seconds") in labels:
            times = sorted({timestamp for timestamp, _ in samples})
            ticks[dict(labels)["job"]] = {timestamp: i for i, timestamp in enumerate(times)}
    jobs = defaultdict(dict)
    for labels, samples in whole.items():
        job = dict(labels)["job"]
        if job not in ticks or ("__name__", "scrape_duration_seconds") in labels:
            continue
        kept = {
            ticks[job][timestamp]: what
            for timestamp, what in samples
            if ticks[job].get(timestamp, SCRAPES) < SCRAPES
        }
        if kept:
            jobs[job][tuple(sorted(labels))] = kept
    exemplars = defaultdict(set)
    for labels, values in told.items():
        for exemplar in values:
            exemplars[dict(labels)["job"]].add((tuple(sorted(labels)), exemplar))
    return ticks, jobs, exemplars


def differences(theirs, ours):
    for labels in sorted(set(theirs) | set(ours)):
        a, b = theirs.get(labels, {}), ours.get(labels, {})
        for when in sorted(set(a) | set(b)):
            if a.get(when) != b.get(when):
                yield f"{dict(labels)} {when}:\n      theirs {a.get(when)}\n      ours   {b.get(when)}"


def without_custom(series):
    kept = {
        labels: {when: what for when, what in samples.items() if CUSTOM not in what}
        for labels, samples in series.items()
    }
    return {labels: samples for labels, samples in kept.items() if samples}


def of_compared_scrapes(exemplars):
    """Their labels tell of which scrape they are."""
    numbers = {f"{when}{number}" for number in range(SCRAPES) for when in ("late", "early")}
    return {e for e in exemplars if set(dict(e[1][0]).values()) & (numbers | {"no time"})}


def compare(message, paths, theirs, ours):
    (_, their_jobs, their_exemplars), (_, our_jobs, our_exemplars) = received(theirs), received(ours)
    wrong = 0
    for path in paths:
        job = path[1:]
        if message == V1:
            their_jobs[job] = without_custom(their_jobs[job])
        found = list(differences(their_jobs[job], our_jobs[job]))
        wrong += len(found)
        for difference in found[:6]:
            print("   ", difference)
        sent = [what for samples in our_jobs[job].values() for what in samples.values()]
        converted = sum(CUSTOM in what for what in sent)
        stale = sent.count(hex(STALE))
        print(f"    {job}: {len(sent)} samples, {stale} stale markers", flush=True)
        wanted = message == V2 and job != "untouched"
        true(f"{job}: {converted} histograms are converted", (converted > 0) == wanted)
        if message == V1:
            continue  # the exemplars are the histograms'
        a, b = (of_compared_scrapes(e[job]) for e in (their_exemplars, our_exemplars))
        if a != b:
            print("    exemplars of theirs alone", sorted(a - b)[:5], "of ours alone", sorted(b - a)[:5])
        wrong += len(a ^ b)
    equal(f"{message}: samples and exemplars that differ", wrong, 0)
    told = len(of_compared_scrapes(our_exemplars["openmetrics"]))
    true(f"{told} exemplars of converted histograms", (told > SCRAPES) == (message == V2))


def scrape_both(paths):
    """What their receivers and ours have of SCRAPES scrapes: message -> Keeper."""
    with Cluster("nhcb") as cluster:
        theirs, ours = ({message: Keeper() for message in MESSAGES} for _ in range(2))
        with Replay(paths) as their_replay, Replay(paths) as our_replay:
            port = free_port()
            prometheus = cluster.start(
                clusters.Process,
                "prometheus-agent",
                [peers.fetch("prometheus-3"), "--agent", "--log.level=warn"]
                + ["--enable-feature=native-histograms,exemplar-storage,metadata-wal-records"]
                + [f"--storage.agent.path={cluster.path('wal')}"]
                + ["--config.file=" + cluster.write("p.yml", config(their_replay, theirs, paths))]
                + [f"--web.listen-address=127.0.0.1:{port}"],
                metered=False,
            )
            prometheus.wait_ready("/-/ready", lambda: answers(f"http://127.0.0.1:{port}/-/ready"))
            agent = cluster.start_edgemeter(config(our_replay, ours, paths), metered=False)

            def ready(keeper):
                scrapes = keeper.scrapes()
                return all(scrapes.get(path[1:], 0) > SCRAPES for path in paths)

            keepers = [*theirs.values(), *ours.values()]
            wait_until(f"{SCRAPES} scrapes", lambda: all(map(ready, keepers)), 240, pause=0.5)
            # What belongs to a scrape may be on its way when the next has arrived; at the end it is sent.
            equal("exit status", agent.stop(), 0)
            prometheus.stop()
        for keeper in keepers:
            keeper.stop()
    return theirs, ours


def ups(keeper):
    """job -> its `up`, scrape by scrape."""
    jobs = received(keeper)[1]
    return {job: samples for job in jobs for labels, samples in jobs[job].items() if ("__name__", "up") in labels}


def test_beside_prometheus_3():
    start = int(time.time() * 1000) + 120_000  # exemplars newer than either agent
    paths = script(start)
    # A scrape that a busy machine made too late for one of them is no difference between them.
    theirs, ours = same_scrapes(lambda: scrape_both(paths), lambda both: [ups(keepers[V1]) for keepers in both])
    for message in MESSAGES:
        compare(message, paths, theirs[message], ours[message])


if __name__ == "__main__":
    run(test_beside_prometheus_3, metered=False)
