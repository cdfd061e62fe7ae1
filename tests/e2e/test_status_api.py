#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/api/v1/status/... and /api/v1/targets/metadata beside those of a real Prometheus: the same keys, types and
errors; what is secret stays so; /-/quit ends the agent where that is allowed."""

import json
import os
import re
import resource
import time
import urllib.error
import urllib.parse
import urllib.request

from checks import equal, run, true
from cluster import (
    EDGEMETER,
    Agent,
    Cluster,
    answers,
    get,
    require_programs,
    wait_until,
)

PATHS = ["status/config", "status/flags", "status/buildinfo", "status/runtimeinfo"]
METADATA = ["", "?limit=0", "?metric=node_load1", "?metric=nothing", '?match_target={job="node"}']
METADATA += ["?match_target={}", '?match_target={job="no"}', "?match_target={", "?limit=x"]
FAMILIES = ["metadata", "metadata?metric=node_load1", "metadata?metric=nothing", "metadata?limit=0", "metadata?limit=x"]


def fetch(url, method="GET"):
    request = urllib.request.Request(urllib.parse.quote(url, safe=":/?=&"), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def types(value):
    if isinstance(value, dict):
        return {key: types(inner) for key, inner in value.items()}
    return type(value).__name__


def comparable(text):
    """Metadata in no order."""
    answer = json.loads(text)
    if isinstance(answer.get("data"), list):
        answer["data"].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    return answer


def test_beside_prometheus():
    require_programs("prometheus")
    with Cluster("status") as cluster:
        exporter = cluster.start_exporter()
        text = f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: node
    basic_auth: {{username: u, password: hidden-word}}
    static_configs: [{{targets: ["{exporter.address}"]}}]
"""
        agent = cluster.start_edgemeter(text, metered=False)
        prometheus = cluster.start_prometheus(text, metered=False)
        for path in PATHS:
            ours = json.loads(get(f"{agent.url}/api/v1/{path}"))
            theirs = json.loads(get(f"{prometheus.url}/api/v1/{path}"))
            equal(f"{path}: status", ours["status"], theirs["status"])
            shared = {k: v for k, v in types(theirs["data"]).items() if k in ours["data"]}
            if path == "status/flags":  # those that both have
                true("flags in common", len(shared) >= 6)
            else:
                equal(f"{path}: missing", theirs["data"].keys() - ours["data"].keys(), set())
            ours_typed = types(ours["data"])
            equal(f"{path}: types", {k: ours_typed[k] for k in shared}, shared)
        page = get(agent.url + "/api/v1/status/config")
        equal("a password", ("hidden-word" in page, "<secret>" in page), (False, True))
        times = json.loads(get(agent.url + "/api/v1/status/runtimeinfo"))["data"]
        for key in ("startTime", "serverTime", "lastConfigTime"):
            true(f"{key} is a moment", re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", times[key]))

        def families(server):
            return len(json.loads(get(server.url + "/api/v1/targets/metadata"))["data"])

        wait_until("the targets' metadata", lambda: families(agent) == families(prometheus) > 50)
        for query in METADATA:
            path = "/api/v1/targets/metadata" + query
            status, ours = fetch(agent.url + path)
            wanted_status, theirs = fetch(prometheus.url + path)
            equal(f"{query}: HTTP status", status, wanted_status)
            true(f"{query}: equal", comparable(ours) == comparable(theirs))
        for path in FAMILIES + ["scrape_pools"]:
            status, ours = fetch(f"{agent.url}/api/v1/{path}")
            wanted_status, theirs = fetch(f"{prometheus.url}/api/v1/{path}")
            equal(f"{path}: HTTP status", status, wanted_status)
            true(f"{path}: equal", json.loads(ours) == json.loads(theirs))
        true("three families", len(json.loads(get(f"{agent.url}/api/v1/metadata?limit=3"))["data"]) == 3)
        for method, path in (("POST", "/api/v1/status/flags"), ("GET", "/api/v1/nothing")):
            ours, theirs = fetch(agent.url + path, method), fetch(prometheus.url + path, method)
            equal(f"{method} {path}", ours, theirs)
        for method, path in (("GET", "query?query=up"), ("POST", "query_range"), ("GET", "rules"),
                             ("GET", "label/job/values"), ("DELETE", "series"), ("PUT", "admin/tsdb/snapshot")):
            status, ours = fetch(f"{agent.url}/api/v1/{path}", method)
            equal(f"{method} {path}, of an agent", (status, json.loads(ours)["errorType"]), (422, "execution"))
        for method in ("POST", "PUT"):
            wanted = (403, "Lifecycle API is not enabled.")
            equal(f"{method} /-/quit", fetch(agent.url + "/-/quit", method), wanted)


def test_process():
    """What the agent says of its own process, beside what the kernel says."""
    with Cluster("status") as cluster:
        file = cluster.write("edgemeter.yml", "global: {scrape_interval: 1s}\n")
        argv = [EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
        before = time.time()
        agent = cluster.start(Agent, "edgemeter", argv, metered=False)
        agent.wait_up()
        after = time.time()
        for _ in range(20):
            text = get(agent.url + "/metrics/self")
        said = {name: float(value) for name, value in re.findall(r"^(process_\w+) (\S+)$", text, re.MULTILINE)}
        folder = f"/proc/{agent.pid}"
        ticks = sum(int(field) for field in open(f"{folder}/stat").read().rpartition(")")[2].split()[11:13])
        pages = [int(field) * resource.getpagesize() for field in open(f"{folder}/statm").read().split()[:2]]
        for name, least, most in (
            ("process_start_time_seconds", before - 1, after + 1),
            ("process_open_fds", len(os.listdir(f"{folder}/fd")), len(os.listdir(f"{folder}/fd")) + 1),
            ("process_virtual_memory_bytes", pages[0] / 1.2, pages[0] * 1.2),
            ("process_resident_memory_bytes", pages[1] / 1.5, pages[1] * 1.5),
            ("process_cpu_seconds_total", 1e-6, (ticks + 3) / os.sysconf("SC_CLK_TCK")),
        ):
            true(f"{name}: {said[name]}, {least} to {most}", least <= said[name] <= most)
        limit = re.search(r"^Max open files +(\d+)", open(f"{folder}/limits").read(), re.MULTILINE)
        equal("process_max_fds", said["process_max_fds"], float(limit.group(1)))


def test_quit():
    with Cluster("status") as cluster:
        file = cluster.write("edgemeter.yml", "global: {scrape_interval: 1s}\n")
        argv = [EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
        agent = cluster.start(Agent, "edgemeter", argv + ["--web.enable-lifecycle"], metered=False)
        agent.wait_up()
        equal("GET /-/quit", fetch(agent.url + "/-/quit")[0], 405)
        true("still there", answers(agent.url + "/-/healthy"))
        wanted = (200, "Requesting termination... Goodbye!")
        equal("POST /-/quit", fetch(agent.url + "/-/quit", "POST"), wanted)
        equal("exit status", agent.child.wait(30), 0)


if __name__ == "__main__":
    run(test_beside_prometheus, test_process, test_quit, metered=False)
