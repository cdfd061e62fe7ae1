#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/federate: a real Prometheus with the job of the tutorial pulls what a second one is sent; stale
series end; formats, compression, errors."""

import gzip
import re
import urllib.error
import urllib.parse
import urllib.request

import load
from checks import equal, run, settles, true
from cluster import Cluster, require_programs, wait_until
from exporter import Exporter
from servers import start_nginx



def federate(agent, *matches, headers=None):
    query = urllib.parse.urlencode([("match[]", match) for match in matches])
    request = urllib.request.Request(f"{agent.url}/federate?{query}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def start_central(cluster, address):
    """The tutorial's central server, every second."""
    config = f"""
scrape_configs:
- job_name: example-api-federate
  honor_labels: true
  honor_timestamps: true
  params:
    match[]:
    - '{{job!=""}}'
  scrape_interval: 1s
  scrape_timeout: 1s
  metrics_path: /federate
  scheme: http
  static_configs:
  - targets:
    - {address}
    labels:
      env: prod
      location: us
"""
    return cluster.start_prometheus(config, name="central", metered=False)


def samples(prometheus, selector):
    """Labels, less those of the pulling target -> [(timestamp, value)], without markers."""
    result = {}
    for labels, values in prometheus.query(f"{selector}[5m]"):
        own = {k: v for k, v in labels.items() if k not in ("env", "location")}
        result[tuple(sorted(own.items()))] = [(t, v) for t, v in values]
    return result


def test_pulled_as_pushed():
    require_programs("prometheus")
    with Cluster("federate") as cluster, Exporter(series=300) as exporter:
        pushed_to = cluster.start_prometheus()
        server = start_nginx(cluster)
        agent = cluster.start_edgemeter(
            f"""
global: {{scrape_interval: 1s, external_labels: {{cluster: edge-1}}}}
http_metrics: {{cgroup_root: {cluster.cgroup_folder('nginx')}, roles: [server]}}
scrape_configs:
{exporter.jobs(2)}
remote_write:
  - url: {pushed_to.url}/api/v1/write
    queue_config: {{batch_send_deadline: 500ms}}
"""
        )
        central = start_central(cluster, agent.url.removeprefix("http://"))
        load.ab(cluster, server.url + "/page.html", 100)
        server.log_lines(100)
        settles(
            "requests in the central Prometheus",
            lambda: central.value("sum(http_requests_total)"),
            sum(server.log_counts().values()),
        )
        pulled = samples(central, '{job!="",job!="example-api-federate"}')
        pushed = samples(pushed_to, '{job!=""}')
        equal("series pulled that were not pushed", len(pulled.keys() - pushed.keys()), 0)
        equal("series pushed that were not pulled", len(pushed.keys() - pulled.keys()), 0)
        true("hundreds of series", len(pulled) > 600)
        true("rows of HTTP", any("http_requests_total" in dict(labels).values() for labels in pulled))
        strange = [
            (labels, sample)
            for labels, list_of in pulled.items()
            for sample in set(map(tuple, list_of)) - set(map(tuple, pushed[labels]))
        ]
        # What was pulled a moment ago may be in no request yet.
        newest = min(max(t for t, _ in list_of) for list_of in pushed.values())
        strange = [one for one in strange if one[1][0] <= newest]
        equal("samples pulled that are not those pushed", strange, [])
        wait_until("the pulling job is up", lambda: central.value('up{job="example-api-federate"}') == 1)


def test_stale_series_end():
    with Cluster("federate") as cluster, Exporter(series=20) as exporter:
        agent = cluster.start_edgemeter(
            f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{exporter.jobs()}", metered=False
        )

        def lines(selector):
            body = federate(agent, selector)[2].decode()
            return sum(1 for line in body.splitlines() if not line.startswith("#"))

        wait_until("20 series", lambda: lines("test_value") == 20)
        exporter.series = 12
        wait_until("8 to be stale", lambda: lines("test_value") == 12)
        exporter.fixed = b"other 1\n"
        wait_until("all to be stale", lambda: lines("test_value") == 0)
        equal("the new one", lines("other"), 1)


def test_formats_and_errors():
    with Cluster("federate") as cluster, Exporter(series=3000) as exporter:
        agent = cluster.start_edgemeter(
            "global: {scrape_interval: 1s, external_labels: {cluster: c}}\n"
            f"scrape_configs:\n{exporter.jobs()}",
            metered=False,
        )
        wait_until("samples", lambda: b"test_value" in federate(agent, "test_value")[2])
        status, headers, body = federate(agent, '{__name__="test_value"}')
        equal("status", status, 200)
        wanted = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        equal("type", headers["Content-Type"], wanted)
        lines = body.decode().splitlines()
        equal("lines", len(lines), 3001)
        true("sorted", lines[1:] == sorted(lines[1:], key=lambda line: line.split('"')[5]))
        true("labels", all(line.split("} ")[0].endswith(',cluster="c"') for line in lines[1:]))

        _, headers, packed = federate(
            agent, '{__name__="test_value"}', headers={"Accept-Encoding": "deflate, gzip"}
        )
        equal("compressed", headers["Content-Encoding"], "gzip")
        unpacked = gzip.decompress(packed).decode().splitlines()
        equal("the same lines", len(unpacked), 3001)
        true("a tenth of the bytes", len(packed) * 10 < len(body))
        _, headers, _ = federate(agent, "up", headers={"Accept-Encoding": "gzip;q=0, br"})
        equal("not compressed", headers["Content-Encoding"], None)

        wait_until("the target is up", lambda: b"} 1 " in federate(agent, "up")[2])
        _, headers, body = federate(agent, "up", headers={"Accept": "application/openmetrics-text"})
        equal(
            "OpenMetrics",
            re.sub(r"\d{10}\.\d{3}", "T", body.decode()),
            "# TYPE up unknown\n"
            f'up{{instance="{exporter.address}",job="test0",cluster="c"}} 1 T\n# EOF\n',
        )
        equal("no selector", federate(agent)[2], b"")
        status, _, body = federate(agent, "up", "up{")
        wanted = b"1:4: parse error: unexpected end of input inside braces\n"
        equal("an error", (status, body), (400, wanted))
        query = "match%5B%5D=" + urllib.parse.quote('{job="a+b%22"}', safe="+")
        request = urllib.request.Request(f"{agent.url}/federate?{query}", method="HEAD")
        with urllib.request.urlopen(request, timeout=10) as response:
            equal("HEAD", (response.status, response.read()), (200, b""))
        try:
            urllib.request.urlopen(f"{agent.url}/federate?match[]=up", data=b"x", timeout=10)
        except urllib.error.HTTPError as error:
            equal("POST", error.code, 405)


if __name__ == "__main__":
    run(test_pulled_as_pushed, test_stale_series_end, test_formats_and_errors)
