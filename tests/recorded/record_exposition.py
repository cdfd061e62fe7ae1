#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what a real Prometheus makes of exposition pages: tests/recorded/exposition_*.txt.

Every page of exposition_cases.py is served on loopback under a path of its own. A Prometheus server
scrapes them all and sends what it took by remote write 2.0 to a receiver in this process; samples with
timestamps of their own, which remote write leaves out where they are older than the process, are
queried; whether a scrape went well, and why not, is read from its /api/v1/targets. tests/unit/test_exposition_recorded.c
holds our own parsers to these files. How to read them:

  page TEXT       one line: \\n, \\\\ and \\xHH stand for a newline, a backslash, another byte
  up 1            or: up 0 and the last error of the target
  sample SERIES VALUE [@MS]     the timestamp only where the page brings its own
  histogram SERIES ...
  exemplar SERIES LABELS VALUE [@MS]
  metadata SERIES TYPE UNIT HELP   only of series without timestamps of their own

A value is the shortest decimal of its bits. Labels of the target itself are left out.

  tests/recorded/record_exposition.py [FORMAT...]
"""

import http.server
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

import exposition_cases  # noqa: E402
from remote_write import Receiver, Sample  # noqa: E402

STALE = 0x7FF0000000000002
OWN_LABELS = {b"job", b"instance", b"case"}
TYPES = "unknown counter gauge histogram gaugehistogram summary info stateset".split()
REPORT = {b"up", b"scrape_duration_seconds", b"scrape_samples_scraped", b"scrape_series_added"}
REPORT.add(b"scrape_samples_post_metric_relabeling")
INTERVAL = 5


def escape(data):
    out = []
    for byte in data:
        if byte == 0x5C:
            out.append("\\\\")
        elif byte == 0x0A:
            out.append("\\n")
        elif 0x20 <= byte < 0x7F:
            out.append(chr(byte))
        else:
            out.append(f"\\x{byte:02x}")
    return "".join(out)


def quote(data):
    data = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + data + b'"'


def is_name(data, extra=b""):
    letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + extra
    return bool(data) and data[0] in letters and all(c in letters + b"0123456789" for c in data)


def write_series(labels):
    """As Prometheus writes it: up{job="x"}, or {"my.metric", ...}."""
    name = dict(labels).get(b"__name__", b"")
    parts = [] if not name or is_name(name, b":") else [quote(name)]
    for label, value in labels:
        if label != b"__name__" and label not in OWN_LABELS:
            parts.append((label if is_name(label) else quote(label)) + b"=" + quote(value))
    text = name if is_name(name, b":") else b""
    if parts or not text:
        text += b"{" + b",".join(parts) + b"}"
    return escape(text)


def write_value(bits):
    """The shortest decimal, as Go writes it; NaN by its bits."""
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    if value != value:
        return f"NaN:{bits:016x}"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if bits >> 63 else ""
    digits, exponent = f"{abs(value)!r}", 0
    if "e" in digits:
        digits, exponent = digits.split("e")
    whole, _, fraction = digits.partition(".")
    exponent = int(exponent) + len(whole) - 1
    digits = (whole + fraction).lstrip("0")
    exponent -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0") or "0"
    if value == 0:
        exponent = 0
    if exponent < -4 or exponent >= 6:
        point = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return sign + "0." + "0" * (-exponent - 1) + digits
    digits = digits.ljust(exponent + 1, "0")
    point = "." + digits[exponent + 1 :] if len(digits) > exponent + 1 else ""
    return sign + digits[: exponent + 1] + point


def write_time(timestamp, scraped_at):
    return "" if timestamp == scraped_at else f" @{timestamp}"


def write_count(histogram, count):
    return write_value(count) if histogram["float"] else str(count)


def write_buckets(histogram, side):
    spans, counts = histogram[side]
    return (
        ",".join(f"{offset}:{length}" for offset, length in spans)
        + "["
        + ",".join(write_count(histogram, count) for count in counts)
        + "]"
    )


def write_histogram(h):
    kind = ("float" if h["float"] else "integer") + (" gauge" if h["hint"] == 3 else "")
    numbers = f"count={write_count(h, h['count'])} sum={write_value(h['sum'] or 0)}"
    zero = f"zero={write_value(h['zero_threshold'] or 0)}:{write_count(h, h['zero_count'])}"
    buckets = f"positive={write_buckets(h, 'positive')} negative={write_buckets(h, 'negative')}"
    bounds = " custom=[" + ",".join(map(write_value, h["custom"])) + "]" if h["custom"] else ""
    return f"{kind} schema={h['schema']} {numbers} {zero} {buckets}{bounds}"


class Pages:
    """Serves cases[N] on /N, as content_type or content_type[N]."""

    def __init__(self, cases, content_type):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                case = int(self.path[1:])
                page = cases[case]
                known = content_type if isinstance(content_type, str) else content_type[case]
                self.send_response(200)
                if known:
                    self.send_header("Content-Type", known)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Prometheus:
    def __init__(self, work, receiver, pages, case_count, job):
        self.port = free_port()
        config = {
            "global": {"scrape_interval": f"{INTERVAL}s"},
            "storage": {"tsdb": {"out_of_order_time_window": "100y"}},
            "scrape_configs": [
                {
                    "job_name": "recorded",
                    **job,
                    "static_configs": [
                        {
                            "targets": [pages.address],
                            "labels": {"case": str(i), "__metrics_path__": f"/{i}"},
                        }
                        for i in range(case_count)
                    ],
                }
            ],
            "remote_write": [
                {
                    "url": receiver.url,
                    "protobuf_message": "io.prometheus.write.v2.Request",
                    "send_exemplars": True,
                    "send_native_histograms": True,
                    "queue_config": {"max_shards": 1, "batch_send_deadline": "1s"},
                }
            ],
        }
        path = os.path.join(work, "prometheus.yml")
        with open(path, "w") as file:
            json.dump(config, file)  # JSON is YAML
        program = [os.path.join(HERE, "../peers/fetch"), "prometheus-3"]
        program = subprocess.run(program, check=True, capture_output=True, text=True).stdout.strip()
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
        self.version = version.stdout.split()[2].split("+")[0]
        features = "exemplar-storage,metadata-wal-records,native-histograms"
        self.log = open(os.path.join(work, "log"), "w")
        self.process = subprocess.Popen(
            [program, f"--enable-feature={features}", f"--config.file={path}"]
            + [f"--storage.tsdb.path={work}/data", "--storage.tsdb.retention.time=200y"]
            + [f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=self.log,
            stderr=self.log,
        )

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)["data"]

    def targets(self):
        return self.get("/api/v1/targets")["activeTargets"]

    def samples(self):
        """Every float sample that is there, in no particular order."""
        query = urllib.parse.quote('{case!=""}[150y]')
        at = time.time() + 3600
        for series in self.get(f"/api/v1/query?query={query}&time={at}")["result"]:
            labels = sorted((k.encode(), v.encode()) for k, v in series["metric"].items())
            for timestamp, value in series.get("values", []):
                bits = struct.unpack("<Q", struct.pack("<d", float(value)))[0]
                yield Sample(labels, round(timestamp * 1000), bits=bits)

    def outcomes(self):
        """case -> "" or the error, once every target was scraped."""
        for _ in range(20 * INTERVAL):
            time.sleep(1)
            try:
                targets = self.targets()
            except OSError:
                continue
            if targets and all(target["health"] != "unknown" for target in targets):
                return {
                    int(target["labels"]["case"]): None
                    if target["health"] == "up"
                    else target["lastError"]
                    for target in targets
                }
        sys.exit(f"Prometheus has not scraped every page; its log is {self.log.name}")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def case_of(labels):
    return int(dict(labels).get(b"case", b"-1"))


def write_case(page, error, samples, exemplars, metadata, scraped_at):
    lines = [f"page {escape(page)}", "up 1" if error is None else f"up 0 {escape(error.encode())}"]
    described = []
    for sample in samples:
        series = write_series(sample.labels)
        stamp = write_time(sample.timestamp, scraped_at)
        if sample.histogram:
            lines.append(f"histogram {series} {write_histogram(sample.histogram)}{stamp}")
        else:
            lines.append(f"sample {series} {write_value(sample.bits)}{stamp}")
        known = metadata.get(tuple(sample.labels))
        if stamp:  # its metadata is sent with the sample, and that may be too old to be sent
            continue
        if known and known != (0, b"", b"") and series not in described:
            described.append(series)
    for exemplar in exemplars:
        stamp = write_time(exemplar.timestamp, scraped_at)
        labels = write_series(exemplar.labels)
        value = write_value(exemplar.bits)
        lines.append(f"exemplar {write_series(exemplar.series)} {labels} {value}{stamp}")
    for labels, (kind, text, unit) in metadata.items():
        series = write_series(list(labels))
        if series in described:
            described.remove(series)
            lines.append(
                f"metadata {series} {TYPES[kind]} {escape(quote(unit))} {escape(quote(text))}"
            )
    return "\n".join(lines) + "\n"


def record(name, form):
    cases = form["cases"]
    if len(set(cases)) != len(cases):
        sys.exit(f"{name}: a page is there twice: {[c for c in cases if cases.count(c) > 1][0]}")
    work = tempfile.mkdtemp(prefix="edgemeter-record-")
    receiver = Receiver()
    pages = Pages(cases, form["content_type"])
    prometheus = Prometheus(work, receiver, pages, len(cases), form.get("job", {}))
    try:
        outcomes = prometheus.outcomes()
        time.sleep(3)  # for the batch deadline
        queried = list(prometheus.samples())
    finally:
        prometheus.stop()

    scrapes = {}  # case -> the times of its scrapes
    for sample in receiver.samples:
        if sample.name == b"up":
            scrapes.setdefault(case_of(sample.labels), []).append(sample.timestamp)
    first = {case: min(times) for case, times in scrapes.items()}

    def is_of_first_scrape(labels, timestamp):
        case = case_of(labels)
        return timestamp == first[case] or timestamp not in scrapes[case]

    samples, exemplars, seen = {}, {}, set()
    for sample in receiver.samples + queried:
        if sample.name in REPORT or sample.bits == STALE:
            continue
        key = tuple(sample.labels), sample.timestamp
        if is_of_first_scrape(*key) and key not in seen:
            seen.add(key)
            samples.setdefault(case_of(sample.labels), []).append(sample)
    for exemplar in receiver.exemplars:
        if is_of_first_scrape(exemplar.series, exemplar.timestamp):
            exemplars.setdefault(case_of(exemplar.series), []).append(exemplar)

    with open(os.path.join(HERE, f"exposition_{name}.txt"), "w") as file:
        file.write(
            f"# {len(cases)} pages, recorded from Prometheus {prometheus.version} by"
            " tests/recorded/record_exposition.py,\n# which says how to read this. Not edited by hand.\n"
        )
        for i, page in enumerate(cases):
            file.write("\n")
            file.write(
                write_case(
                    page,
                    outcomes[i],
                    samples.get(i, []),
                    exemplars.get(i, []),
                    {l: m for l, m in receiver.metadata.items() if case_of(l) == i},
                    first[i],
                )
            )
    accepted = sum(error is None for error in outcomes.values())
    print(f"{name}: {len(cases)} pages, {accepted} accepted, {len(cases) - accepted} refused")
    shutil.rmtree(work)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or exposition_cases.FORMATS:
        record(chosen, exposition_cases.FORMATS[chosen])
