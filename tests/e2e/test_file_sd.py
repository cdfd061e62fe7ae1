#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""file_sd_configs beside a real Prometheus with the same files: the same targets and labels; and how soon
targets follow the files, with the ends that a receiver sees."""

import json
import os
import struct

import peers
from checks import equal, run, true
from cluster import Cluster, free_port, get, require_programs, wait_until
from exporter import Exporter
from receiver import Receiver

STALE = 0x7FF0000000000002
FOLLOW = 20  # s; that it takes less than two is measured by hand, here the machine may be slow


def is_stale(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0] == STALE


def replace(cluster, name, text):
    """Written beside and renamed over, as the documentation of file_sd_configs asks for."""
    cluster.write(name + ".tmp", text)
    os.rename(cluster.path(name + ".tmp"), cluster.path(name))


def last(receiver, job, target):
    """The last value of test_value of that target: None, a number or "stale"."""
    with receiver.lock:
        for key, taken in receiver.taken.items():
            labels = dict(key)
            if (labels["__name__"], labels["job"], labels.get("t")) == ("test_value", job, target):
                value = max(taken)[1]
                return "stale" if is_stale(value) else value
    return None


def test_add_change_remove():
    with Cluster("filesd") as cluster, Exporter(3) as exporter, Receiver() as receiver:
        group = lambda *names: "".join(
            f"- targets: ['{exporter.address}']\n  labels: {{t: {n}, __metrics_path__: /{n}}}\n"
            for n in names
        )
        os.mkdir(cluster.path("sd"))
        cluster.write("sd/one.yml", group("a", "b"))
        agent = cluster.start_edgemeter(f"""
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: files
    file_sd_configs: [{{files: ['sd/*.yml', 'sd/*.json']}}]
remote_write: [{{url: '{receiver.url}'}}]
""")
        follows = lambda what, check: wait_until(what, check, FOLLOW)
        follows("a", lambda: last(receiver, "files", "a"))
        follows("b", lambda: last(receiver, "files", "b"))

        replace(cluster, "sd/one.yml", group("a", "c"))
        follows("c, added", lambda: last(receiver, "files", "c"))
        follows("the end of b", lambda: last(receiver, "files", "b") == "stale")

        cluster.write("sd/two.json", json.dumps(
            [{"targets": [exporter.address], "labels": {"t": "d", "__metrics_path__": "/d"}}]))
        follows("d, of a new file", lambda: last(receiver, "files", "d"))

        replace(cluster, "sd/one.yml", "- targets: [")
        follows("the error in the log", lambda: "cannot take targets from a file" in agent.log_text())
        counted = last(receiver, "files", "a")
        follows("a goes on", lambda: last(receiver, "files", "a") > counted + 2)

        os.remove(cluster.path("sd/two.json"))
        follows("the end of d", lambda: last(receiver, "files", "d") == "stale")
        replace(cluster, "sd/one.yml", group("a"))
        follows("the end of c", lambda: last(receiver, "files", "c") == "stale")
        follows("b is not back", lambda: last(receiver, "files", "b") == "stale")
        equal("scrapes of a, each once", receiver.missing_scrapes("test_value"), [])
        equal("out of order", receiver.series_out_of_order(), [])


def files(port):
    return {
        "a.yml": f"""
- targets: ['127.0.0.1:{port}', 'localhost:{port}', '127.0.0.1:{port}']
  labels: {{env: prod, team: 'x y', n: 1, b: true, empty: '', __meta_own: m, job: renamed}}
- labels: {{no: targets}}
- targets: ['[::1]:{port}', '127.0.0.1:{port}/metrics', '']
""",
        "b.json": json.dumps([
            {"targets": [f"127.0.0.1:{port}"], "labels": {"q": '"\\\n', "u": "ä", "__metrics_path__": "/x"}},
            {"Targets": [f"127.0.0.2:{port}"], "LABELS": None},
        ]),
        "bad.yml": "- target: [a]\n",
        "empty.yaml": "",
        ".hidden.yml": f"- targets: ['127.0.0.3:{port}']\n",
        "not-one.txt": "- targets: [z]\n",
    }


def targets(url):
    """What is comparable of the active and the dropped ones."""
    data = json.loads(get(f"{url}/api/v1/targets"))["data"]
    active = sorted(
        (json.dumps(t["discoveredLabels"], sort_keys=True), json.dumps(t["labels"], sort_keys=True),
         t["scrapeUrl"])
        for t in data["activeTargets"]
    )
    dropped = sorted(json.dumps(t["discoveredLabels"], sort_keys=True) for t in data["droppedTargets"])
    return active, dropped


def beside(program, is_old=False):
    """`is_old`: 2.42 shows discoveredLabels that relabelling has changed."""
    with Cluster("filesd") as cluster:
        port = free_port()
        os.mkdir(cluster.path("sd"))
        for name, text in files(port).items():
            cluster.write("sd/" + name, text)
        config = """
global: {scrape_interval: 10m}
scrape_configs:
  - job_name: files
    file_sd_configs:
      - files: ['./sd/../sd/*.yml', 'sd/*.yaml']
      - files: ['sd/b.json', 'sd/missing.yml']
    relabel_configs:
      - {source_labels: [__meta_filepath], target_label: file}
      - {source_labels: [__meta_own], target_label: own}
      - {source_labels: [__address__], regex: '127.0.0.2:.*', action: drop}
"""
        agent = cluster.start_edgemeter(config)
        url = cluster.start_prometheus(config, program, metered=False).url
        shown = slice(1 if is_old else 0, None)

        def both():
            theirs, ours = targets(url), targets(agent.url)
            return [t[shown] for t in theirs[0]], [t[shown] for t in ours[0]], theirs[1], ours[1]

        def agree():
            theirs, ours, their_dropped, our_dropped = both()
            return theirs == ours and their_dropped == our_dropped and len(ours) >= 5

        try:
            wait_until("the same targets", agree)  # Prometheus may have read one of the files alone
        except TimeoutError:
            pass  # for those below to say
        theirs, ours, their_dropped, our_dropped = both()
        equal("active targets", ours, theirs)
        equal("dropped targets", our_dropped, their_dropped)
        true(f"{len(ours)} active and {len(our_dropped)} dropped ones", our_dropped)


def test_beside_prometheus_2():
    require_programs("prometheus")
    beside("prometheus", is_old=True)


def test_beside_prometheus_3():
    beside(peers.fetch("prometheus-3"))


if __name__ == "__main__":
    run(test_add_change_remove, test_beside_prometheus_2, test_beside_prometheus_3, metered=False)
