#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the specifications of remote write 1.0 and 2.0 ask of a sender, of every request that goes out:
headers, labels, symbols, values bit for bit, staleness, order. The wire is read by hand."""

import re
import signal
import struct
import time
from collections import defaultdict

import receiver as faults
import write_wire
from checks import equal, run, true
from cluster import EDGEMETER, Agent, Cluster, wait_until
from receiver import Receiver
from replay import OPENMETRICS, Answer, Replay

STALE = 0x7FF0000000000002
LONG = "v" * 12000
MANY = ",".join(f'l{i:02d}="x"' for i in range(60))
TIMES = 4  # scrapes that are looked at

VALUES = {
    "nan": ("NaN", 0x7FF8000000000001),
    "plus_inf": ("+Inf", 0x7FF0000000000000),
    "minus_inf": ("-Inf", 0xFFF0000000000000),
    "zero": ("0", 0),
    "minus_zero": ("-0", 1 << 63),
    "negative": ("-12.5", None),
    "precise": ("0.1234567890123456789", None),
    "largest": ("1.7976931348623157e308", None),
    "least": ("5e-324", None),
    "integer": ("9007199254740993", None),
}

PAGE = """# HELP req Requests.
# TYPE req counter
req_total{b="2",a="1"} SCRAPE # {trace_id="t",span_id="s"} 1
req_created{b="2",a="1"} 1600000000.5
# TYPE temp_celsius gauge
# UNIT temp_celsius celsius
# HELP temp_celsius Warmth.
temp_celsius{place="Köln 日本",empty="",quoted="a\\"b\\\\c\\nd"} 21.5
# TYPE long gauge
long{value="%s"} 1
# TYPE many gauge
many{%s} 1
# TYPE hist histogram
hist_bucket{le="0.5"} 1
hist_bucket{le="1"} 3
hist_bucket{le="+Inf"} 5
hist_sum 12.5
hist_count 5
# TYPE sum summary
sum{quantile="0.5"} 1.5
sum_sum 3
sum_count 2
%s# EOF
""" % (LONG, MANY, "".join(f"# TYPE v_{name} gauge\nv_{name} {text}\n" for name, (text, _) in VALUES.items()))

SCRIPT = {
    "/page": lambda scrape: Answer(PAGE.replace("SCRAPE", str(scrape + 1)), content_type=OPENMETRICS),
    "/vanishing": lambda scrape: Answer("kept 1\n" + ("gone 1\n" if scrape < 2 else "")),
    "/failing": lambda scrape: Answer("mine 1\n", 200 if scrape < 2 else 503),
    "/invalid": lambda _: Answer("\n\t# this is none\n\t1234notvali}{ 444\n\t"),
    "/repeated": lambda _: Answer('a{b="1",b="2"} 1\n'),
    "/nameless": lambda _: Answer('{b="1"} 1\n'),
    "/empty": lambda _: Answer(""),
    "/same": lambda _: Answer('mine{job="theirs",instance="i"} 1\n'),
    "/honored": lambda _: Answer('mine{job="theirs",instance="i"} 1\n'),
    "/own_times": lambda _: Answer(f"timed 1 {OWN_TIME}\n"),
}
OWN_TIME = int(time.time() * 1000) - 5000


def config(replay, remotes):
    jobs = "".join(
        f"""  - job_name: {path[1:]}
    scrape_interval: 1s
    metrics_path: {path}
    honor_labels: {str(path == "/honored").lower()}
    static_configs: [{{targets: ["{replay.address}"]}}]
"""
        for path in SCRIPT
    )
    text = f"global: {{external_labels: {{cluster: edge, job: unused}}}}\nscrape_configs:\n{jobs}remote_write:\n"
    for version, remote in remotes.items():
        message = {1: "prometheus.WriteRequest", 2: faults.V2}[version]
        text += f"""  - url: {remote.url}
    name: v{version}
    protobuf_message: {message}
    send_exemplars: true
    metadata_config: {{send_interval: 1s}}
    queue_config: {{batch_send_deadline: 500ms}}
"""
    return text


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


class Stream:
    """All that one receiver was sent, in its order: (labels, timestamp, value) and whole series."""

    def __init__(self, remote, version):
        self.requests, self.version = remote.requests, version
        self.series, self.samples, self.metadata = [], defaultdict(list), {}
        for request in self.requests:
            data = write_wire.unsnappy(request.body)
            if version == 2:
                found = write_wire.read_v2(data)
            else:
                found, entries = write_wire.read_v1(data)
                self.metadata.update({family: (kind, text, unit) for kind, family, text, unit in entries})
            self.series += found
            for series in found:
                self.samples[series.labels] += series.samples

    def named(self, name, **labels):
        wanted = set(labels.items()) | {("__name__", name)}
        return {of: samples for of, samples in self.samples.items() if wanted <= set(of)}

    def one(self, name, **labels):
        found = self.named(name, **labels)
        equal(f"v{self.version}: series {name} {labels}", len(found), 1)
        return next(iter(found.items()))


def check_headers(stream):
    version = stream.version
    kind = "application/x-protobuf" + (f";proto={faults.V2}" if version == 2 else "")
    for request in stream.requests:
        got = {name.lower(): value for name, value in request.headers.items()}
        assert got["content-type"] == kind, got
        assert got["content-encoding"] == "snappy", got
        assert got["x-prometheus-remote-write-version"] == {1: "0.1.0", 2: "2.0.0"}[version], got
        assert re.fullmatch(r"[\w.-]+/[\w.+~-]+( .*)?", got["user-agent"]), got
        assert int(got["content-length"]) == len(request.body), got
    true(f"v{version}: the headers of {len(stream.requests)} requests", stream.requests)


def check_labels(stream):
    for labels, _ in stream.samples.items():
        names = [name for name, _ in labels]
        assert names == sorted(set(names)), labels
        assert all(name and value for name, value in labels), labels
        assert {"__name__", "job", "instance", "cluster"} <= set(names), labels
    true(f"v{stream.version}: the labels of {len(stream.samples)} series", len(stream.samples) > 70)
    req, _ = stream.one("req_total")
    equal("labels in order", [n for n, _ in req], ["__name__", "a", "b", "cluster", "instance", "job"])
    warm = dict(stream.one("temp_celsius")[0])
    equal("UTF-8, escapes, none that is empty",
          (warm["place"], warm["quoted"], "empty" in warm), ("Köln 日本", 'a"b\\c\nd', False))
    equal("a long value", len(dict(stream.one("long")[0])["value"]), len(LONG))
    equal("many labels", len(stream.one("many")[0]), 60 + 4)
    theirs = dict(stream.one("mine", job="same")[0])
    equal("theirs renamed", (theirs["exported_job"], theirs["exported_instance"]), ("theirs", "i"))
    honored = dict(stream.one("mine", job="theirs")[0])
    equal("theirs honored", (honored["instance"], "exported_job" in honored), ("i", False))


def check_values(stream):
    for name, (text, wanted) in VALUES.items():
        samples = stream.one(f"v_{name}")[1]
        wanted = bits(float(text)) if wanted is None else wanted
        got = {bits(value) for _, value in samples}
        assert got == {wanted}, (name, [hex(value) for value in got])
    true(f"v{stream.version}: {len(VALUES)} values, bit for bit", True)
    equal("the counter", [v for _, v in stream.one("req_total")[1]][:TIMES], [1.0, 2.0, 3.0, 4.0])
    bounds = {dict(labels)["le"]: samples[0][1] for labels, samples in stream.named("hist_bucket").items()}
    equal("the histogram", bounds, {"0.5": 1.0, "1.0": 3.0, "+Inf": 5.0})
    equal("its count", stream.one("hist_count")[1][0][1], 5.0)
    equal("the summary", stream.one("sum", quantile="0.5")[1][0][1], 1.5)


def check_times(stream, began):
    for labels, samples in stream.samples.items():
        times = [timestamp for timestamp, _ in samples]
        assert times == sorted(times) and len(times) == len(set(times)), (labels, times)
        own = dict(labels)["__name__"] == "timed"
        assert all(t == OWN_TIME if own else began <= t <= time.time() * 1000 for t in times), (labels, times)
    equal(f"v{stream.version}: a time of its own, once", [t for t, _ in stream.one("timed")[1]], [OWN_TIME])
    scrapes = [t for t, _ in stream.one("up", job="page")[1]]
    equal("all of a scrape have its time", [t for t, _ in stream.one("v_zero")[1]], scrapes)
    steps = [later - earlier for earlier, later in zip(scrapes, scrapes[1:])]
    true(f"about a second apart: {steps}", all(step > 500 for step in steps))


def check_scrapes(stream):
    def ups(job):
        return {value for _, value in stream.one("up", job=job)[1]}

    for job in ("invalid", "repeated", "nameless"):
        equal(f"v{stream.version}: up of {job}", ups(job), {0.0})
        of_it = {dict(labels)["__name__"] for labels in stream.samples if dict(labels)["job"] == job}
        equal(f"{job}: nothing but the report", {name for name in of_it if not name.startswith("scrape_")}, {"up"})
    for job in ("page", "empty", "same", "vanishing"):
        equal(f"v{stream.version}: up of {job}", ups(job), {1.0})
    equal("up of failing", ups("failing"), {0.0, 1.0})


def check_staleness(stream):
    for name in ("gone", "mine"):
        job = "vanishing" if name == "gone" else "failing"
        samples = stream.one(name, job=job)[1]
        equal(f"v{stream.version}: {name}, then its end",
              [bits(value) == STALE for _, value in samples], [False, False, True])
        times = [t for t, _ in stream.one("up", job=job)[1]]
        equal("the end has the time of the scrape that misses it", samples[-1][0], times[2])
    ended = [labels for labels, samples in stream.samples.items()
             if any(bits(value) == STALE for _, value in samples)]
    equal("nothing else ends", len(ended), 2)


def check_v1(stream):
    equal("v1: metadata in requests of its own", stream.metadata["temp_celsius"][1:], ("Warmth.", "celsius"))
    exemplars = [e for series in stream.series for e in series.exemplars]
    equal("v1: an exemplar", exemplars[0], ((("span_id", "s"), ("trace_id", "t")), 1.0))


def check_v2(stream):
    for request in stream.requests:
        symbols, refs = [], []
        for number, member in write_wire.fields(write_wire.unsnappy(request.body)):
            if number == 4:
                symbols.append(member)
                continue
            assert number == 5, number
            parts = list(write_wire.fields(member))
            refs.append([r for n, value in parts if n == 1 for r in write_wire.packed(value)])
            assert {n for n, _ in parts} & {2, 3} in ({2}, {3}), "samples or histograms"
        assert symbols[0] == b"" and len(set(symbols)) == len(symbols)
        assert all(len(r) % 2 == 0 and r and max(r) < len(symbols) for r in refs)
    true(f"v2: the symbols of {len(stream.requests)} requests", True)
    kinds = {dict(s.labels)["__name__"]: s.metadata for s in stream.series if s.metadata}
    wanted = {"req_total": 1, "temp_celsius": 2, "hist_bucket": 3, "hist_count": 3, "sum": 5}
    equal("v2: types", {name: kinds[name][0] for name in wanted}, wanted)
    equal("v2: help and unit", kinds["temp_celsius"][1:], ("Warmth.", "celsius"))
    counter = next(s for s in stream.series if s.labels == stream.one("req_total")[0])
    equal("v2: when the counter began", counter.created, 1600000000500)
    equal("v2: its exemplar", counter.exemplars, [((("span_id", "s"), ("trace_id", "t")), 1.0)])


def test_stream():
    with Cluster("conformance") as cluster, Replay(SCRIPT) as replay, Receiver() as one, Receiver() as two:
        remotes = {1: one, 2: two}
        for remote in remotes.values():
            remote.keep_bodies = True
        began = int(time.time() * 1000) - 1
        agent = cluster.start_edgemeter(config(replay, remotes), metered=False)

        def enough(remote):
            taken = remote.times_per_series()
            ups = [t for labels, t in taken.items() if ("__name__", "up") in labels]
            return len(ups) == len(SCRIPT) and all(len(times) > TIMES for times in ups)

        wait_until("the scrapes at both", lambda: all(map(enough, remotes.values())), 60)
        equal("exit status", agent.stop(), 0)
        for version, remote in remotes.items():
            stream = Stream(remote, version)
            check_headers(stream)
            check_labels(stream)
            check_values(stream)
            check_times(stream, began)
            check_scrapes(stream)
            check_staleness(stream)
            (check_v1 if version == 1 else check_v2)(stream)


def test_fallback_is_kept():
    """Who answers 415 to 2.0 gets 1.0 from then on; who takes 2.0 gets it for ever."""
    refusing = faults.status(415)
    with Cluster("fallback") as cluster, Replay({"/": lambda _: Answer("a 1\n")}) as replay:
        with Receiver(refusing) as old, Receiver() as new:
            remotes = "".join(
                f"  - url: {r.url}\n    protobuf_message: {faults.V2}\n"
                "    metadata_config: {send: false}\n    queue_config: {batch_send_deadline: 300ms}\n"
                for r in (old, new)
            )
            jobs = ("scrape_configs:\n  - job_name: j\n    scrape_interval: 500ms\n    scrape_timeout: 500ms\n"
                    f'    metrics_path: /\n    static_configs: [{{targets: ["{replay.address}"]}}]\n')
            agent = cluster.start_edgemeter(f"{jobs}remote_write:\n{remotes}", metered=False)
            wait_until("some requests", lambda: min(len(old.requests), len(new.requests)) > 6)
            equal("exit status", agent.stop(), 0)
            equal("2.0 once", [r.is_v2 for r in old.requests][:6], [True] + [False] * 5)
            equal("2.0 always", {r.is_v2 for r in new.requests}, {True})


def test_started_as_a_prometheus():
    """As conformance suites start a sender: Prometheus' flags, one target, one remote, ended by SIGINT."""
    page = """# TYPE c counter
c_total 101.13
c_created 1600000000.5
# TYPE h histogram
h_bucket{le="+Inf"} 100
h_sum 250.0
h_count 100
# EOF
"""
    with Cluster("suite") as cluster, Receiver() as remote:
        with Replay({"/metrics": lambda _: Answer(page, content_type=OPENMETRICS)}) as replay:
            file = cluster.write("config.yaml", f"""
global:
  scrape_interval: 1s

remote_write:
  - url: "{remote.url}"
    protobuf_message: "{faults.V2}"
    send_exemplars: true
    queue_config:
      retry_on_http_429: true
      batch_send_deadline: 2s
    metadata_config:
      send: true

scrape_configs:
  - job_name: "test"
    scrape_interval: 1s
    scrape_protocols:
      - PrometheusProto
      - OpenMetricsText1.0.0
      - PrometheusText0.0.4
    static_configs:
    - targets: ["{replay.address}"]
""")
            argv = [EDGEMETER, "--web.listen-address=127.0.0.1:0", f"--storage.tsdb.path={cluster.folder}"]
            argv += [f"--config.file={file}", "--enable-feature=st-storage"]
            remote.keep_bodies = True
            agent = cluster.start(Agent, "edgemeter", argv, metered=False)
            wait_until("two requests", lambda: len(remote.requests) > 1)
            equal("exit status", agent.stop(signal.SIGINT), 0)
            series = write_wire.read_v2(write_wire.unsnappy(remote.requests[1].body))
            stream = [timestamp for each in series for timestamp, _ in each.samples]
            true(f"several scrapes in one request: {len(set(stream))}", len(set(stream)) > 1)
            true("the time does not go back", stream == sorted(stream))
            true("one sample in each TimeSeries", all(len(each.samples) == 1 for each in series))
            counter = next(each for each in series if ("__name__", "c_total") in each.labels)
            equal("the counter", (counter.samples[0][1], counter.created), (101.13, 1600000000500))
            text = agent.log_text()
            equal("what does nothing", re.findall(r"does nothing here\" flag=(\S+)", text),
                  ["--storage.tsdb.path", "--enable-feature"])


if __name__ == "__main__":
    run(test_stream, test_fallback_is_kept, test_started_as_a_prometheus, metered=False)
