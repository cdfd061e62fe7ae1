#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""prometheus_remote_storage_*: the same names, types and labels as a real Prometheus agent with one
remote shows, but for the differences listed here."""

import re

from checks import equal, run, true
from cluster import Cluster, Prometheus, free_port, get, wait_until
from exporter import Exporter
from peers import fetch
from receiver import Receiver

# Theirs alone: edgemeter has no pool of strings that could be released too often.
NOT_OURS = {"prometheus_remote_storage_string_interner_zero_reference_releases_total"}
# Ours alone: of Prometheus 3.7, where 3.5 is compared.
NOT_THEIRS = {"prometheus_remote_storage_queue_highest_timestamp_seconds"}


def families(page):
    """name -> (type, label names of its series)"""
    types = dict(re.findall(r"^# TYPE (prometheus_remote_storage_\S+) (\S+)$", page, re.MULTILINE))
    found = {}
    for line in page.splitlines():
        match = re.match(r"(prometheus_remote_storage_\w+)(?:\{(.*)\})? ", line)
        if not match:
            continue
        name, labels = match.groups()
        family = next(
            (name.removesuffix(end) for end in ("_bucket", "_sum", "_count")
             if name.endswith(end) and name.removesuffix(end) in types),
            name,
        )
        names = set(re.findall(r'(\w+)="', labels or "")) - {"le"}
        found.setdefault(family, (types[family], set()))[1].update(names)
    return found


def config(exporter, receiver):
    return f"""scrape_configs:
{exporter.jobs(1)}remote_write:
  - url: {receiver.url}
    name: it
    queue_config: {{batch_send_deadline: 500ms}}
"""


def test_same_family():
    program = fetch("prometheus-3")
    with Cluster("write-metrics") as cluster, Exporter(20) as exporter:
        with Receiver() as theirs, Receiver() as ours:
            port = free_port()
            file = cluster.write("prometheus.yml", config(exporter, theirs))
            prometheus = cluster.start(Prometheus, "prometheus", [
                program, "--agent", f"--config.file={file}",
                f"--storage.agent.path={cluster.path('agent-data')}",
                f"--web.listen-address=127.0.0.1:{port}",
            ], metered=False)
            prometheus.url = f"http://127.0.0.1:{port}"
            prometheus.wait_up()
            agent = cluster.start_edgemeter(config(exporter, ours), metered=False)
            for receiver in (theirs, ours):
                wait_until("samples", lambda: receiver.count() > 0)
            real = families(get(prometheus.url + "/metrics"))
            own = families(get(agent.url + "/metrics"))
            true(f"{len(real)} families of Prometheus", len(real) > 30)
            equal("theirs alone", set(real) - set(own), NOT_OURS)
            equal("ours alone", set(own) - set(real), NOT_THEIRS)
            for name in sorted(set(real) & set(own)):
                equal(name, own[name], real[name])


if __name__ == "__main__":
    run(test_same_family, metered=False)
