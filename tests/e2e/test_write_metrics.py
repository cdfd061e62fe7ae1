#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""prometheus_remote_storage_*: the same names, types and labels as a real Prometheus agent with one
remote shows, but for the differences listed here; and what dashboards made for it look at besides."""

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

# Further families that dashboards for Prometheus, or for its agent mode, ask for.
BESIDE = [
    "prometheus_agent_active_series",
    "prometheus_agent_exemplars_appended_total",
    "prometheus_agent_samples_appended_total",
    "prometheus_tsdb_wal_segment_current",
    "prometheus_wal_watcher_current_segment",
]


def families(page, prefix="prometheus_remote_storage_"):
    """name -> (type, label names of its series)"""
    types = dict(re.findall(rf"^# TYPE ({prefix}\S*) (\S+)$", page, re.MULTILINE))
    found = {}
    for line in page.splitlines():
        match = re.match(rf"({prefix}\w*)" + r"(?:\{(.*)\})? ", line)
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


def reads_what_is_written(agent):
    """The remote is in the segment that is appended to, and all that was appended is sent."""
    page = get(agent.url + "/metrics")

    def value(name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE).group(1))

    appended = value('prometheus_agent_samples_appended_total{type="float"}')
    return (
        value('prometheus_wal_watcher_current_segment{consumer="it"}')
        == value("prometheus_tsdb_wal_segment_current")
        and 0 < appended == value("prometheus_remote_storage_samples_in_total")
    )


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
            real_page, own_page = get(prometheus.url + "/metrics"), get(agent.url + "/metrics")
            for name in BESIDE:
                equal(name, families(own_page, name), families(real_page, name))
            wait_until("nothing is left behind", lambda: reads_what_is_written(agent))


if __name__ == "__main__":
    run(test_same_family, metered=False)
