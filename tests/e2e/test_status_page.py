#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser, on agents with real traffic. The scenarios are in
tests/browser; SCREENSHOTS=docs/screenshots puts the pictures there (else: the build folder)."""

import base64
import gzip
import hashlib
import http.client
import os
import random
import re
import subprocess
import threading
import time
import urllib.parse

import cluster as clusters
import load
from checks import FULL, equal, run, true
from cluster import Agent, Cluster, Unable, free_port, require_metering, require_programs
from servers import start_apache, start_nginx
from test_web_config import bcrypt, start_agent

BROWSER = os.path.join(clusters.ROOT, "tests/browser")
PATHS = ["/page.html"] * 24 + ["/moved"] * 2 + ["/none", "/broken"]


def require_browser():
    require_programs("chromium", "node")
    if not os.path.isdir(os.path.join(BROWSER, "node_modules/playwright-core")):
        raise Unable("tests/browser has no node_modules (run: tools/install-deps)")


def drive(scenario, url, *arguments, commands=None, timeout=240):
    """Runs a scenario to its end; what it asks for ("@stop") is done by `commands`."""
    environment = {**os.environ, "NO_COLOR": "1"}
    argv = ["node", os.path.join(BROWSER, scenario + ".mjs"), url, *arguments]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        watchdog = threading.Timer(timeout, child.kill)
        watchdog.start()
        try:
            for line in child.stdout:
                print(line, end="", flush=True)
                if line.startswith("@"):
                    commands[line[1:].strip()]()
                    child.stdin.write("done\n")
                    child.stdin.flush()
        finally:
            watchdog.cancel()
            child.kill() if child.poll() is None and not child.stdout.closed else None
            status = child.wait()
    equal(f"exit status of {scenario}", status, 0)


class Traffic:
    """Requests at a rate that goes up and down, until told to stop."""

    def __init__(self, servers):
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(s, 3 * i + 1)) for i, s in enumerate(servers)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, server, slowness):
        while not self._stopping.is_set():
            connection = load.connect(server)
            for _ in range(50):
                if self._stopping.is_set():
                    break
                wave = 1.2 + time.monotonic() // 4 % 5 / 4
                time.sleep(0.004 * slowness * wave * random.random())
                try:
                    load.request(connection, "GET", random.choice(PATHS))
                except (OSError, http.client.HTTPException):
                    break
            connection.close()


def config(cluster, prometheus, exporter, note):
    """Rows of this cluster alone, named as pods; one target and one remote of two are away."""
    return f"""
global: {{scrape_interval: 5s, external_labels: {{cluster: berlin-3}}}}
http_metrics:
  cgroup_root: {cluster.cgroup_folder().rstrip("/")}
  interval: 2s
  relabel_configs:
    - {{source_labels: [cgroup], regex: '/{cluster.name}/.*', action: keep}}
    - {{source_labels: [cgroup], regex: '.*/(.*)', target_label: pod}}
    - {{target_label: namespace, replacement: shop}}
    - {{regex: 'cgroup|service', action: labeldrop}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ['{exporter.address}'], labels: {{node: edge-1}}}}]
  - job_name: orders
    scrape_interval: 2s
    static_configs:
      - targets: ['127.0.0.1:{free_port()}']
        labels: {{node: edge-1, note: '{note}'}}
  - job_name: prometheus
    static_configs: [{{targets: ['{urllib.parse.urlsplit(prometheus.url).netloc}'], labels: {{node: edge-1}}}}]
remote_write:
  - url: {prometheus.url}/api/v1/write
    name: global
    queue_config: {{batch_send_deadline: 1s}}
  - url: http://127.0.0.1:{free_port()}/api/v1/write
    name: second
    basic_auth: {{username: edge, password: s3cret}}
    queue_config: {{batch_send_deadline: 1s}}
"""


def start_all(cluster, note="<img src=x onerror=alert(1)>"):
    prometheus, exporter = cluster.start_prometheus(), cluster.start_exporter()
    servers = [start_nginx(cluster), start_apache(cluster)]
    return cluster.start_edgemeter(config(cluster, prometheus, exporter, note)), Traffic(servers)


def test_page_as_a_file():
    with Cluster("page") as cluster:
        agent = cluster.start_edgemeter("scrape_configs: []\n", metered=False)
        host, port = urllib.parse.urlsplit(agent.url).netloc.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)

        def get(method="GET", **headers):
            connection.request(method, "/", headers={k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return response, response.read()

        plain, page = get()
        equal("status", plain.status, 200)
        equal("type", plain.getheader("Content-Type"), "text/html; charset=utf-8")
        packed, body = get(Accept_Encoding="br, gzip;q=0.5")
        equal("encoding", packed.getheader("Content-Encoding"), "gzip")
        true("the same page, compressed", gzip.decompress(body) == page)
        for refused in ("gzip;q=0", "br, gzip;Q=0.000, deflate", "gzipped", "br"):
            equal(refused, get(Accept_Encoding=refused)[0].getheader("Content-Encoding"), None)
        tag = plain.getheader("ETag")
        again, nothing = get(If_None_Match=tag)
        equal("asked again", (again.status, nothing), (304, b""))
        equal("another tag", get(If_None_Match='"x"')[0].status, 200)
        head, nothing = get("HEAD")
        equal("HEAD", (head.status, nothing), (200, b""))

        policy = plain.getheader("Content-Security-Policy")
        true("nothing from elsewhere by default", policy.startswith("default-src 'none'"))
        for tag in ("style", "script"):
            inside = re.search(f"<{tag}[^>]*>(.*?)</{tag}>".encode(), page, re.S).group(1)
            digest = base64.b64encode(hashlib.sha256(inside).digest()).decode()
            true(f"the policy has the hash of the {tag}", f"{tag}-src 'sha256-{digest}'" in policy)
        outside = re.findall(rb'(?:src|href)="(?:https?:)?//[^"]*"', page)
        equal("resources from elsewhere", outside, [])


def test_live():
    require_browser()
    require_metering()
    with Cluster("page") as cluster:
        agent, traffic = start_all(cluster)
        try:
            drive("live", agent.url, commands={"quiet": traffic.stop})
        finally:
            traffic.stop()


def test_recorded_answers():
    require_browser()
    with Cluster("page") as cluster:
        agent = cluster.start_edgemeter("scrape_configs: []\n", metered=False)
        drive("recorded", agent.url)


def test_empty_agent():
    require_browser()
    with Cluster("page") as cluster:
        agent = cluster.start_edgemeter("scrape_configs: []\n", metered=False)
        drive("empty", agent.url)


def test_agent_goes_away():
    require_browser()
    with Cluster("page") as cluster:
        exporter = cluster.start_exporter()
        target = f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{exporter.address}']}}]}}]\n"
        port = free_port()
        argv = [clusters.EDGEMETER, f"--config.file={cluster.write('away.yml', target)}"]
        argv += [f"--web.listen-address=127.0.0.1:{port}"]
        agent = cluster.start(Agent, "away", argv, metered=False)
        agent.wait_up()

        def start():
            agent.start()
            agent.wait_up()

        drive("away", agent.url, commands={"stop": agent.stop, "start": start})


def test_behind_a_password():
    """The page, and edgemeter top, of an agent that has users."""
    require_browser()
    with Cluster("page") as cluster:
        users = f"basic_auth_users: {{alice: {bcrypt('open sesame')}}}\n"
        agent = start_agent(cluster, users, "scrape_configs: []\n")
        url = f"http://{agent.address}"
        drive("password", url)
        for password, status, message in (
            ("open sesame", 1, "no http_metrics"),  # it is let in, and told that there is nothing
            ("wrong", 1, "asks for a password"),
        ):
            file = cluster.write("top.yml", f"basic_auth: {{username: alice, password: {password}}}\n")
            argv = [clusters.EDGEMETER, "top", "--once", f"--url={url}", f"--http.config.file={file}"]
            result = subprocess.run(argv, capture_output=True, text=True, timeout=60)
            equal(f"top with the password {password}", result.returncode, status)
            true(result.stderr.strip(), message in result.stderr)


def test_screenshots():
    require_browser()
    require_metering()
    folder = os.environ.get("SCREENSHOTS") or os.path.join(clusters.BUILD, "screenshots")
    os.makedirs(folder, exist_ok=True)
    with Cluster("page") as cluster:
        agent, traffic = start_all(cluster, note="canary")
        try:
            drive("screenshots", agent.url, folder, "118" if FULL else "12")
        finally:
            traffic.stop()


if __name__ == "__main__":
    run(
        test_page_as_a_file,
        test_live,
        test_recorded_answers,
        test_empty_agent,
        test_agent_goes_away,
        test_behind_a_password,
        test_screenshots,
        metered=False,
    )
