#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Relabelling beside a real Prometheus agent with the same file, over the page of a real exporter: the
same series at the receiver, targets', samples' and remotes' rules together."""

import os

import cluster as clusters
from checks import run, true
from cluster import Cluster, free_port, get, require_programs, wait_until
from exporter import Exporter
from receiver import Receiver

PAGE = os.path.join(clusters.ROOT, "tests/recorded/pages/node_exporter.txt")


def config(exporter, receiver):
    return f"""
global:
  scrape_interval: 1s
  external_labels: {{cluster: edge, replica: a}}
scrape_configs:
  - job_name: rules
    static_configs:
      - targets: ['{exporter.address}', 'dropped:1']
        labels: {{__meta_rack: r1, __meta_zone_name: z, __path: /one, env: Prod}}
    relabel_configs:
      - {{source_labels: [__address__], regex: 'dropped:\\d+', action: drop}}
      - {{source_labels: [__path], target_label: __metrics_path__}}
      - {{action: labelmap, regex: '__meta_(.+?)(?:_name)?'}}
      - {{source_labels: [env], target_label: env, action: lowercase}}
      - {{source_labels: [env, zone], separator: '/', target_label: place, action: uppercase}}
      - {{source_labels: [rack], target_label: __tmp_hash, modulus: 4, action: hashmod}}
      - {{source_labels: [__tmp_hash], target_label: shard}}
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: 'go_.*|node_(?:scrape|textfile)_.*', action: drop}}
      - {{source_labels: [device, __name__], regex: '(?i)(?:LO|dm-\\d+);.*', action: drop}}
      - {{source_labels: [cpu, mode], regex: '(\\d+);(idle|i(o)wait)', target_label: cpu_$2, replacement: 'c${{1}}$3'}}
      - {{source_labels: [__name__], regex: '(node_cpu)_(.*)', target_label: __name__, replacement: '${{1}}:$2'}}
      - {{action: labeldrop, regex: 'domainname|nodename'}}
      - {{source_labels: [mode], regex: 'ir?q|nice', action: drop}}
      - {{source_labels: [__name__, le], regex: '.*_bucket;.*', target_label: kind, replacement: bucket}}
      - {{source_labels: [instance], target_label: from}}
      - {{action: labelmap, regex: '(device|fstype)', replacement: 'x_$1'}}
      - {{source_labels: [device], target_label: x_device, action: keepequal, separator: ';'}}
  - job_name: plain
    metrics_path: /two
    static_configs: [{{targets: ['{exporter.address}']}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: 'up|node_load.*|process_.*', action: keep}}
remote_write:
  - url: {receiver.url}
    queue_config: {{batch_send_deadline: 500ms}}
    metadata_config: {{send: false}}
    write_relabel_configs:
      - {{source_labels: [__name__], regex: 'node_memory_(?:[A-Z]\\w+)_bytes', action: drop}}
      - {{source_labels: [replica], regex: '(.*)', target_label: replica, replacement: ''}}
      - {{source_labels: [cluster, job], target_label: origin, separator: ':'}}
      - {{source_labels: [__name__], regex: '(up|scrape_.*)', target_label: __name__, replacement: 'own_$1'}}
      - {{action: labeldrop, regex: 'x_.*|instance'}}
"""


def series_of(receiver, wait_for):
    """Label sets that came, once two scrapes have come since the first."""
    def several():
        with receiver.lock:
            samples = [s for labels, s in receiver.taken.items() if wait_for in dict(labels).values()]
            return len(samples) >= 2 and all(len(s) >= 3 for s in samples)

    wait_until(f"three scrapes with {wait_for}", several)
    with receiver.lock:
        return {tuple(sorted(labels)) for labels in receiver.taken}


def without_addresses(series, exporter):
    return {
        tuple((name, value.replace(exporter.address, "ADDRESS")) for name, value in labels)
        for labels in series
    }


def prometheus_agent(cluster, text):
    require_programs("prometheus")
    port = free_port()
    prometheus = cluster.start(
        clusters.Prometheus,
        "prometheus-agent",
        ["prometheus", "--enable-feature=agent", "--log.level=warn"]
        + [f"--config.file={cluster.write('prometheus-agent.yml', text)}"]
        + [f"--storage.agent.path={cluster.path('agent-data')}"]
        + [f"--web.listen-address=127.0.0.1:{port}"],
    )
    prometheus.url = f"http://127.0.0.1:{port}"
    prometheus.wait_up()
    return prometheus


def test_same_series():
    with open(PAGE, "rb") as file:
        page = file.read()
    with Cluster("relabel") as cluster, Exporter(fixed=page) as exporter:
        with Receiver() as theirs, Receiver() as ours:
            prometheus_agent(cluster, config(exporter, theirs))
            agent = cluster.start_edgemeter(config(exporter, ours))
            wanted = without_addresses(series_of(theirs, "own_up"), exporter)
            got = without_addresses(series_of(ours, "own_up"), exporter)
            for labels in sorted(wanted - got)[:10]:
                print("    missing:", dict(labels))
            for labels in sorted(got - wanted)[:10]:
                print("    too many:", dict(labels))
            true(f"{len(wanted)} series, the same as Prometheus'", got == wanted)
            true("some hundreds", len(wanted) > 200)
            dropped = [
                float(line.split()[-1])
                for line in get(agent.url + "/metrics").splitlines()
                if line.startswith("prometheus_remote_storage_samples_dropped_total")
                and 'reason="dropped_series"' in line
            ]
            true(f"dropped by the remote's rules: {dropped}", len(dropped) == 1 and dropped[0] > 0)


if __name__ == "__main__":
    run(test_same_series, metered=False)
