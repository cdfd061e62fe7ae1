#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/global: rules and configurations pass promtool, what is generated is up to date, and every metric that
a rule or a dashboard names is in a global Prometheus that a live agent writes to."""

import glob
import json
import os
import re
import socket
import subprocess
import tempfile
import urllib.parse

import manifests  # first: it finds the other modules
import grafana
import load
import schema
from agent_metrics import sources
from checks import equal, run, true
from cluster import EDGEMETER, Agent, Cluster, free_port, get, require_programs, wait_until
from manifests import find, kustomize, parse, read
from servers import start_nginx

GLOBAL = os.path.join(manifests.DEPLOY, "global")
RULES = [os.path.join(GLOBAL, "rules", name) for name in ("recording.yml", "alerts.yml")]
DASHBOARDS = sorted(glob.glob(os.path.join(GLOBAL, "dashboards", "*.json")))
WORDS = {
    "and", "or", "unless", "on", "ignoring", "by", "without", "group_left", "group_right", "bool", "offset",
    "inf", "nan",
}  # fmt: skip
# Some trouble is in it: a target that is down, and a remote that takes nothing of what there is.
AGENT = """
global: {{scrape_interval: 1s, external_labels: {{cluster: test}}}}
http_metrics: {{interval: 1s}}
scrape_configs:
  - job_name: pods
    metrics_path: /metrics/self
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{node: edge-1}}}}]
  - job_name: down
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
remote_write:
  - {{url: "{url}/api/v1/write", name: global, queue_config: {{batch_send_deadline: 1s}}}}
  - {{url: "{url}/api/v1/write", name: nothing, write_relabel_configs: [{{action: drop, regex: "", source_labels: [nothing]}}]}}
"""


def promtool(*arguments):
    require_programs("promtool")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    equal(f"promtool {' '.join(map(os.path.basename, arguments))}", (done.returncode, done.stderr), (0, ""))


def rules():
    return [rule for path in RULES for group in parse(read(path))[0]["groups"] for rule in group["rules"]]


def expressions():
    """(where, expression) of all rules and panels; a dashboard's variables stand for everything."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        with open(path) as file:
            board = json.load(file)
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"].replace("$__rate_interval", "1m")
                yield f"{board['title']}: {panel['title']}", re.sub(r"\$(cluster|node|namespace|pod)", ".*", expression)


def metrics(expression):
    """The names in it: what is left without texts, selectors, ranges, grouping and functions."""
    text = re.sub(r'"[^"]*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    names = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])", text)
    return {name for name in names if name not in WORDS}


def test_metrics_are_found():
    """The check itself."""
    found = metrics('sum by (a, b) (rate(x_total{y="z"}[5m])) / on (c) group_left (d) count(a:b:rate5m offset 1h) > 0')
    equal("names", found, {"x_total", "a:b:rate5m"})


def test_promtool():
    promtool("check", "rules", *RULES)
    promtool("test", "rules", *sorted(glob.glob(os.path.join(GLOBAL, "rules/tests/*.yml"))))
    with tempfile.TemporaryDirectory() as folder:
        text = read("global/pull/prometheus.yml")
        for name in ("ca.crt", "tls.crt", "tls.key"):
            text = text.replace(f"/etc/prometheus/edge/{name}", f"{folder}/{name}")
            open(f"{folder}/{name}", "w").close()
        with open(f"{folder}/prometheus.yml", "w") as file:
            file.write(text)
        promtool("check", "config", "--syntax-only", f"{folder}/prometheus.yml")


def test_every_alert_is_tested():
    tested = {
        test["alertname"]
        for group in parse(read("global/rules/tests/alerts_test.yml"))[0]["tests"]
        for test in group["alert_rule_test"]
        if test["exp_alerts"]
    }
    equal("alerts without a test", {rule["alert"] for rule in rules() if "alert" in rule} - tested, set())
    recorded = read("global/rules/tests/recording_test.yml")
    names = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for name in names if f"expr: {name}" in recorded}
    # One is a step towards the quantiles, which are tested.
    equal("records without a test", names - used, {"cluster_namespace_le:http_server_request_duration_seconds_bucket:rate5m"})


def test_generated():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(GLOBAL, "dashboards/generate"), folder], check=True)
        for path in DASHBOARDS:
            with open(path) as mine, open(os.path.join(folder, os.path.basename(path))) as made:
                true(f"{os.path.basename(path)} is what generate makes", mine.read() == made.read())
        subprocess.run([os.path.join(GLOBAL, "rules/generate"), f"{folder}/rule.yaml"], check=True)
        with open(f"{folder}/rule.yaml") as made:
            true("prometheusrule.yaml is what generate makes", made.read() == read("global/rules/prometheusrule.yaml"))
    groups = [group for path in RULES for group in parse(read(path))[0]["groups"]]
    true("it has the same groups", parse(read("global/rules/prometheusrule.yaml"))[0]["spec"]["groups"] == groups)


def test_kustomization():
    objects = kustomize("global")
    boards = find(objects, "ConfigMap", "edgemeter-dashboards")
    equal("label", boards["metadata"]["labels"], {"grafana_dashboard": "1"})
    equal("dashboards", sorted(boards["data"]), [os.path.basename(path) for path in DASHBOARDS])
    kubernetes = manifests.Schema()
    equal("schema", kubernetes.problems(boards), [])


def model_problems(board):
    """What is not as Grafana's model has it."""
    yield from schema.problems(board, grafana.DASHBOARD, {})
    for what, kinds, found in (
        ("panel", grafana.PANELS, board["panels"]),
        ("variable", grafana.VARIABLES, board["templating"]["list"]),
    ):
        for one in found:
            name = one.get("title") or one.get("name")
            if one["type"] not in kinds:
                yield f"{name}: no {what} is a {one['type']}"
            else:
                yield from (f"{name}{problem}" for problem in schema.problems(one, kinds[one["type"]], {}))


def test_model_finds_mistakes():
    """The check itself."""
    with open(DASHBOARDS[0]) as file:
        text = file.read()
    for mistake in (
        lambda board: board.update(rows=[]),
        lambda board: board["panels"][0].update(type="graph"),
        lambda board: board["panels"][0]["targets"][0].pop("expr"),
        lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(unit="requests"),
        lambda board: board["panels"][0]["targets"][0]["datasource"].update(uid="P1809F7CD0C75ACF3"),
        lambda board: board["templating"]["list"][1].update(type="label"),
    ):
        board = json.loads(text)
        mistake(board)
        true("a mistake is found", list(model_problems(board)))


def test_dashboards():
    """What Grafana would trip over."""
    for path in DASHBOARDS:
        with open(path) as file:
            board = json.load(file)
        equal(f"{board['title']}: model", list(model_problems(board)), [])
        ids = [panel["id"] for panel in board["panels"]]
        equal(f"{board['title']}: ids that occur twice", len(ids) - len(set(ids)), 0)
        cells = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            mine = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            if mine & cells or place["x"] + place["w"] > 24:
                raise AssertionError(f"{panel['title']} overlaps")
            cells |= mine
            if panel["type"] != "row" and not panel["targets"]:
                raise AssertionError(f"{panel['title']} is empty")
        variables = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval", "__all"}
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
        equal(f"{board['title']}: variables that are not there", used - variables, set())


def check_names(known):
    text = sources()
    for where, expression in expressions():
        for name in metrics(expression) - known:
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if f'"{base}"' not in text:
                raise AssertionError(f"{where}: nothing shows {name}")
            print(f"    {name} is shown only when it happens")


def check_answers(prometheus):
    """Every panel has something to show, each of its expressions; an alert has not, where all is well."""
    empty = set()
    for where, expression in expressions():
        query = urllib.parse.urlencode({"query": expression})
        answer = json.loads(get(f"{prometheus.url}/api/v1/query?{query}"))
        if answer["status"] != "success":
            raise AssertionError(f"{where}: {answer}")
        if where.startswith("edgemeter / ") and not answer["data"]["result"]:
            empty.add(where)
    equal("panels without data", sorted(empty), [])


def leave_unanswered():
    """A request whose connection ends before an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
            accepted, _ = server.accept()
            accepted.recv(4096)
            accepted.close()


def test_metrics_exist():
    with Cluster("rules") as cluster:
        prometheus = cluster.start_prometheus()
        nginx = start_nginx(cluster)
        port = free_port()
        config = cluster.write("agent.yml", AGENT.format(port=port, url=prometheus.url))
        flags = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.path={cluster.path('queue')}"]
        agent = cluster.start(Agent, "agent", [EDGEMETER, f"--config.file={config}", *flags])
        agent.wait_up()
        load.ab(cluster, nginx.url + "/page.html", 500)
        load.ab(cluster, nginx.url + "/broken", 100)
        leave_unanswered()

        def names():
            return set(json.loads(get(prometheus.url + "/api/v1/label/__name__/values"))["data"])

        wait_until("the agent's metrics", lambda: {"edgemeter_build_info", "http_requests_total"} <= names(), 60)
        wait_until("a second sample", lambda: prometheus.value("max(count_over_time(edgemeter_build_info[1m]))") > 3, 60)
        check_names(names() | {rule["record"] for rule in rules() if "record" in rule})
        check_answers(prometheus)


if __name__ == "__main__":
    run(
        test_metrics_are_found,
        test_promtool,
        test_every_alert_is_tested,
        test_generated,
        test_kustomization,
        test_model_finds_mistakes,
        test_dashboards,
        test_metrics_exist,
    )
