#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The agent's own JSON: HTTP rows and the kernel's account are the server's log; queues are those of
the receivers, one of which is away."""

import json

import load
from checks import equal, run, true
from cluster import Cluster, free_port, get, require_programs, wait_until
from servers import start_nginx


def fetch(agent, name):
    answer = json.loads(get(f"{agent.url}/api/v1/edgemeter/{name}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def rows_of(data, role, cgroup):
    return [
        row
        for row in data["requests"]
        if row["role"] == role and row["labels"].get("cgroup") == cgroup
    ]


def config(extra):
    return f"global: {{scrape_interval: 1s, external_labels: {{cluster: a}}}}\n{extra}"


def test_http_rows_and_kernel():
    with Cluster("api") as cluster:
        server = start_nginx(cluster)
        agent = cluster.start_edgemeter(
            config(f"http_metrics: {{cgroup_root: {cluster.cgroup_folder('nginx')}, buckets: [0.1, 5]}}\n")
        )
        load.ab(cluster, server.url + "/page.html", 200)
        load.ab(cluster, server.url + "/missing", 50, keep_alive=False)
        server.log_lines(250)
        data = fetch(agent, "http")
        rows = rows_of(data, "server", server.cgroup_path)
        counts = {(row["method"].lower(), row["status"]): row["count"] for row in rows}
        equal("counts", counts, dict(server.log_counts()))
        equal("bounds", data["bounds"], [0.1, 5])
        true("buckets", all(sum(row["buckets"]) == row["count"] for row in rows))
        true("three buckets", all(len(row["buckets"]) == 3 for row in rows))
        true("sums", all(row["durationSum"] >= row["firstByteSum"] > 0 for row in rows))
        true("labels of the place alone", all(set(row["labels"]) == {"cgroup"} for row in rows))
        true("times", data["time"] >= data["lastDrain"] > 1e9)
        equal("interval", data["interval"], 1)

        kernel = fetch(agent, "kernel")
        for part, rest in (("heads", "waiting"), ("connections", "undecided")):
            account = kernel[part]
            parts = dict(account, **account.get("lost", {}))
            parts.pop("lost", None)
            seen = parts.pop("seen")
            equal(f"{part}: seen = the sum of its parts", seen, sum(parts.values()))
            equal(f"{part}: {rest}", account[rest], 0)
        true("heads", kernel["heads"]["counted"] >= 250)
        true("rows", 0 < kernel["rows"]["used"] < kernel["rows"]["max"])
        true("map memory", kernel["mapBytes"] > 0)


def test_queues():
    require_programs("prometheus")
    with Cluster("api") as cluster:
        prometheus = cluster.start_prometheus()
        closed = free_port()
        agent = cluster.start_edgemeter(
            config(f"""
scrape_configs:
  - job_name: self
    metrics_path: /metrics/self
    static_configs: [{{targets: ["{prometheus.url[7:]}"], labels: {{__metrics_path__: /metrics}}}}]
remote_write:
  - {{url: "{prometheus.url}/api/v1/write", name: there, queue_config: {{batch_send_deadline: 1s}}}}
  - url: "http://user:secret@127.0.0.1:{closed}/write"
    name: away
    queue_config: {{batch_send_deadline: 1s}}
"""),
            metered=False,
        )

        def settled():
            there, away = fetch(agent, "queues")["remotes"]
            return there["samples"]["acknowledged"] > 0 and away["lastError"]

        wait_until("samples to be sent and refused", settled)
        data = fetch(agent, "queues")
        there, away = data["remotes"]
        equal("names", [there["name"], away["name"]], ["there", "away"])
        equal("a password is not shown", "secret" in json.dumps(data), False)
        equal("failing", (there["failing"], away["failing"]), (False, True))
        equal("no error", there["lastError"], None)
        true("an error", away["lastError"]["time"] > 1e9 and away["lastError"]["message"])
        equal("its status", away["lastError"]["status"], 0)
        equal("nothing was taken", away["samples"]["acknowledged"], 0)
        true("all of it waits", away["pending"]["samples"] >= there["samples"]["acknowledged"])
        equal("its lag", away["lag"], None)
        true("a lag", there["lag"] is not None and there["lag"] < 60)
        true("bytes", 0 < data["queue"]["bytes"] < data["queue"]["maxBytes"] == 1 << 30)
        equal("durable", data["queue"]["durable"], False)
        equal("nothing is metered", fetch(agent, "http")["enabled"], False)
        equal("nothing is accounted", fetch(agent, "kernel")["enabled"], False)
        # The receiver that is away would be waited for at the end.
        agent.stop(timeout=60)


if __name__ == "__main__":
    run(test_http_rows_and_kernel, test_queues)
