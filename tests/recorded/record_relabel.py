#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what real Prometheus servers make of relabelling: tests/recorded/relabel.txt.

Every case of relabel_cases.py is first reloaded alone, to see whether it is refused, and then all that are
taken run as one job each, with one static target. The outcome is read from /api/v1/targets, or from the log
where a target could not be made. tests/unit/test_relabel_recorded.c holds our own rules to the file:

  labels JSON      of the target, besides __address__ and job="j"
  rules JSON       relabel_configs
  VERSION OUTCOME  one line for each version, or a common one: 2.42.0,3.5.3 OUTCOME

and an OUTCOME is one of

  kept LABELS URL  the target's labels without __, and where it would be scraped
  dropped          by the rules
  no-target        after the rules it lacks what a target needs
  rejected         the configuration is refused

We do as the newest version does, unless a line `edgemeter OUTCOME` and the reason stand behind it. Nothing is
ever scraped: the first scrape is somewhere in the next hundred years.

  tests/recorded/record_relabel.py [PROMETHEUS...]     default: versions 2 and 3 of tests/peers/fetch
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

ADDRESS = "127.0.0.1:1"
FILE = os.path.join(HERE, "relabel.txt")


def to_json(value):
    """That is YAML too, in which some characters stand only as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text)


def config(cases):
    jobs = [
        {
            "job_name": f"case-{number}",
            "relabel_configs": rules,
            "static_configs": [{"targets": [ADDRESS], "labels": {"job": "j", **labels}}],
        }
        for number, (labels, rules) in cases.items()
    ]
    return to_json({"global": {"scrape_interval": "100y"}, "scrape_configs": jobs})


def label_set(labels):
    """As Go writes label sets, and labels_write() does."""
    quoted = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
    texts = []
    for name, value in sorted(labels.items(), key=lambda item: item[0].encode()):
        if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name):
            name = f'"{name}"'
        texts.append(f'{name}="{"".join(quoted.get(c, c) for c in value)}"')
    return "{" + ",".join(texts) + "}"


class Prometheus:
    def __init__(self, program, folder):
        self.config = os.path.join(folder, "prometheus.json")
        self.log = os.path.join(folder, "log")
        self.write({})
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, "--config.file=" + self.config, "--storage.tsdb.path=" + folder + "/data",
                 "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--log.format=json"],
                stderr=log, stdout=log)
        self.url = "http://" + self.wait_for_address()
        self.version = self.get("/api/v1/status/buildinfo")["data"]["version"].split("+")[0]

    def write(self, cases):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config(cases))

    def log_lines(self):
        with open(self.log, encoding="utf-8") as log:
            for line in log:
                try:
                    yield json.loads(line)
                except ValueError:
                    pass

    def wait_for_address(self):
        """Prometheus does not say which port it took; the kernel does."""
        for _ in range(600):
            listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
            for line in listening.splitlines():
                if f"pid={self.process.pid}," in line:
                    address = line.split()[3]
                    self.url = "http://" + address
                    try:
                        self.get("/-/ready", parse=False)
                        return address
                    except urllib.error.URLError:
                        pass
            time.sleep(0.1)
        sys.exit("Prometheus does not answer: " + open(self.log, encoding="utf-8").read())

    def get(self, path, parse=True):
        with urllib.request.urlopen(self.url + path) as response:
            return json.load(response) if parse else None

    def reload(self, cases):
        """None, or why the file is refused."""
        self.write(cases)
        try:
            urllib.request.urlopen(urllib.request.Request(self.url + "/-/reload", method="POST")).close()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        return None

    def refused_targets(self):
        pools = set()
        for line in self.log_lines():
            text = line.get("msg", "")
            if text in ("Creating target failed", "Creating target failed."):
                pools.add(line["scrape_pool"])
        return pools

    def outcomes(self, cases):
        rejected = {number for number, case in cases.items() if self.reload({number: case})}
        taken = {number: case for number, case in cases.items() if number not in rejected}
        outcomes = dict.fromkeys(rejected, "rejected")
        if problem := self.reload(taken):
            sys.exit("all together are refused: " + problem)
        time.sleep(12)  # discovery passes on what it found every 5 s
        active = {t["scrapePool"]: t for t in self.get("/api/v1/targets")["data"]["activeTargets"]}
        refused = self.refused_targets()
        for number in taken:
            target = active.get(f"case-{number}")
            if target:
                outcomes[number] = f"kept {label_set(target['labels'])} {target['scrapeUrl']}"
            else:
                outcomes[number] = "no-target" if f"case-{number}" in refused else "dropped"
        return outcomes

    def stop(self):
        self.process.terminate()
        self.process.wait()


def record(program, cases):
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(program, folder)
        try:
            return prometheus.version, prometheus.outcomes(cases)
        finally:
            prometheus.stop()


def fetch(program):
    fetcher = os.path.join(HERE, "..", "peers", "fetch")
    return subprocess.run([fetcher, program], capture_output=True, text=True, check=True).stdout.strip()


def write_case(file, case, outcomes):
    labels, rules = case[:2]
    file.write(f"\nlabels {to_json(labels)}\nrules {to_json(rules)}\n")
    by_outcome = {}
    for version, outcome in outcomes.items():
        by_outcome.setdefault(outcome, []).append(version)
    for outcome, versions in by_outcome.items():
        file.write(f"{','.join(versions)} {outcome}\n")
    if len(case) > 2:
        file.write(f"edgemeter {case[2]}\n# {case[3]}\n")


def main():
    from relabel_cases import CASES
    programs = sys.argv[1:] or [fetch("prometheus-2"), fetch("prometheus-3")]
    plain = {number: case[:2] for number, case in enumerate(CASES)}
    recorded = dict(record(program, plain) for program in programs)
    with open(FILE, "w", encoding="utf-8", newline="\n") as file:
        file.write(f"# {len(CASES)} cases, recorded from Prometheus {' and '.join(recorded)} by\n"
                   "# tests/recorded/record_relabel.py, which says how to read this. Not edited by hand.\n")
        for number, case in enumerate(CASES):
            write_case(file, case, {version: outcomes[number] for version, outcomes in recorded.items()})


if __name__ == "__main__":
    main()
