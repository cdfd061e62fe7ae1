#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what real Prometheus servers answer to the match[] of federate_cases.py: tests/recorded/federate.txt.

A server scrapes one page, whose samples each have a value of their own. tests/unit/test_federate_recorded.c puts
the same samples in our own store and holds our answers to the file:

  sample LINE          one sample as text, without the external labels cluster="own" and replica="r1"
  match JSON           a list of match[]
  VERSION OUTCOME      one line for each version, or a common one: 2.42.0,3.5.3 OUTCOME
  body JSON            a list of match[] and an Accept header, or null
  VERSION JSON         Content-Type and the whole body; the timestamps are T

and an OUTCOME is one of

  200 VALUES           of the samples, in their order
  400 JSON             the text of the error

We do as the newest version does. 2.42 has no names in UTF-8.

  tests/recorded/record_federate.py [PROMETHEUS...]     default: versions 2 and 3 of tests/peers/fetch
"""

import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
FILE = os.path.join(HERE, "federate.txt")
FIRST = 1001

SERIES = [
    'mem_bytes{instance="a:1",job="web"}', 'mem_bytes{instance="b:1",job="web"}', 'mem_bytes{instance="a:2",job="db"}',
    'mem_bytes{instance="a:1",job="web",zone="z"}', 'mem_bytes{aa="1",instance="a:1",job="web"}',
    'cpu_seconds_total{instance="a:1",job="web",mode="idle"}', 'cpu_seconds_total{instance="a:1",job="web",mode="user"}',
    'job:mem:sum{instance="",job="web"}', 'job:cpu:sum{instance="a:1",job="db"}', ':x{instance="a:1",job="x"}', 'a:b:c{instance="a:1",job="x"}',
    'hist_bucket{instance="a:1",job="web",le="0.5"}', 'hist_bucket{instance="a:1",job="web",le="1.0"}', 'hist_bucket{instance="a:1",job="web",le="+Inf"}',
    'noinstance{instance="",job="web"}', 'nojob{instance="a:1",job=""}', 'clustered{cluster="other",instance="a:1",job="web"}', 'replicated{instance="a:1",job="web",replica="r2",zz="1"}',
    'paths{instance="a:1",job="p",path="/a\\"b"}', 'paths{instance="a:1",job="p",path="c:\\\\d"}', 'paths{instance="a:1",job="p",path="new\\nline"}',
    'paths{instance="a:1",job="p",path="täg"}', "paths{instance=\"a:1\",job=\"p\",path=\"it's\"}", 'sum{instance="a:1",job="web"}', 'by{instance="a:1",job="web"}', 'offset{instance="a:1",job="web"}',
    'min{instance="a:1",job="web"}', 'bool{instance="a:1",job="web"}', 'inf{instance="a:1",job="web"}', 'and{instance="a:1",job="web"}', 'start{instance="a:1",job="web"}', 'limitk{instance="a:1",job="web"}',
    'inside{by="x",instance="a:1",job="k",offset="1"}', 'inside{instance="a:1",job="k",sum="2"}', 'inside{bool="3",instance="a:1",job="k"}', 'MEM_BYTES{instance="a:1",job="WEB"}', 'mem_bytes_x{instance="a:1",job="web"}', 'mem{instance="a:1",job="web"}',
]
UTF8_SERIES = [
    '{"my.metric",instance="a:1",job="u"}', '{"my.metric",instance="a:1",job="u","la bel"="x y"}', '{"µ.größe",instance="a:1",job="u"}', '{"9_lives",instance="a:1",job="u"}', '{"a_b.c",instance="a:1",job="u"}', '{"my_metric",instance="a:1",job="u"}',
]


def page(utf8):
    series = SERIES + (UTF8_SERIES if utf8 else [])
    return [f"{one} {FIRST + number}" for number, one in enumerate(series)]


class Target:
    def __init__(self, lines):
        body = ("\n".join(lines) + "\n").encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Prometheus:
    def __init__(self, program, folder):
        utf8 = " 3." in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        target = Target(page(utf8))
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 1s, external_labels: {cluster: own, replica: r1}}\n"
                       "scrape_configs:\n  - job_name: j\n    honor_labels: true\n"
                       # up and its like are no part of it
                       f"    static_configs: [{{targets: ['{target.address}']}}]\n")
        with open(os.path.join(folder, "log"), "wb") as log:
            self.process = subprocess.Popen([program, "--config.file=" + config, f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"], stderr=log, stdout=log)
        self.url = self.wait_for_address()
        version = json.loads(self.get("/api/v1/status/buildinfo")[2])
        self.version = version["data"]["version"].split("+")[0]
        while f" {FIRST} ".encode() not in self.get("/federate?match[]=mem_bytes")[2]:
            time.sleep(0.1)

    def get(self, path, accept=None):
        request = urllib.request.Request(self.url + path, headers={"Accept": accept} if accept else {})
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, response.headers["Content-Type"], response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read()

    def wait_for_address(self):
        """Prometheus does not say which port it took; the kernel does."""
        for _ in range(600):
            listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
            for line in listening.splitlines():
                if f"pid={self.process.pid}," in line:
                    self.url = "http://" + line.split()[3]
                    try:
                        if self.get("/-/ready")[0] == 200:
                            return self.url
                    except urllib.error.URLError:
                        pass
            time.sleep(0.1)
        sys.exit("Prometheus does not answer")

    def federate(self, matches, accept=None):
        query = urllib.parse.urlencode([("match[]", match) for match in matches])
        return self.get("/federate?" + query, accept)

    def outcome(self, matches):
        status, _, body = self.federate(matches)
        if status != 200:
            return f"{status} {json.dumps(body.decode().removesuffix(chr(10)))}"
        values = [int(line.split()[-2]) for line in re.split(r"(?<=\d{13})\n", body.decode()) if re.search(r" 1\d{3} \d{13}$", line)]
        return " ".join(["200", *(str(value) for value in values)])

    def body(self, matches, accept):
        _, content_type, body = self.federate(matches, accept)
        # without what the scrape itself adds
        lines = re.sub(r"(?<= )\d{13}$", "T", body.decode(), flags=re.MULTILINE).split("\n")
        kept = [line for line in lines if not re.match(r"(# TYPE )?(up|scrape_|U__scrape|scrape__)", line)]
        return json.dumps([content_type, "\n".join(kept)], ensure_ascii=False)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def record(program):
    from federate_cases import BODIES, CASES
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(program, folder)
        try:
            return prometheus.version, [prometheus.outcome(case) for case in CASES], [prometheus.body(*case) for case in BODIES]
        finally:
            prometheus.stop()


def fetch(program):
    fetcher = os.path.join(HERE, "..", "peers", "fetch")
    return subprocess.run([fetcher, program], capture_output=True, text=True, check=True).stdout.strip()


def write_outcomes(file, outcomes):
    by_outcome = {}
    for version, outcome in outcomes:
        by_outcome.setdefault(outcome, []).append(version)
    for outcome, versions in by_outcome.items():
        file.write(f"{','.join(versions)} {outcome}\n")


def main():
    from federate_cases import BODIES, CASES
    recorded = [record(program) for program in sys.argv[1:] or [fetch("prometheus-2"), fetch("prometheus-3")]]
    versions = [version for version, _, _ in recorded]
    with open(FILE, "w", encoding="utf-8", newline="\n") as file:
        file.write(f"# {len(CASES)} cases, recorded from Prometheus {' and '.join(versions)} by\n"
                   "# tests/recorded/record_federate.py, which says how to read this. Not edited by hand.\n\n")
        file.writelines(f"sample {line}\n" for line in page(True))
        for number, case in enumerate(CASES):
            file.write(f"\nmatch {json.dumps(case, ensure_ascii=False)}\n")
            write_outcomes(file, [(version, outcomes[number]) for version, outcomes, _ in recorded])
        for number, case in enumerate(BODIES):
            file.write(f"\nbody {json.dumps(case, ensure_ascii=False)}\n")
            write_outcomes(file, [(version, bodies[number]) for version, _, bodies in recorded])


if __name__ == "__main__":
    main()
