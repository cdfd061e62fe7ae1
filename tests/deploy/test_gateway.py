#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pulled variant: the gateway with its own configuration takes what a node's agent counted, and a central
Prometheus pulls it from there with deploy/global/pull's job; the requests are the access log's."""

import manifests  # first: it finds the other modules
import load
from checks import equal, run, settles
from cluster import Cluster, Prometheus, free_port, wait_until
from manifests import parse, read, yaml
from servers import start_nginx

REQUESTS = 500
NODE = """
global: {scrape_interval: 1s, external_labels: {region: eu}}
http_metrics: {interval: 1s}
"""


def gateway_config(agent):
    """The component's, for one agent that is known."""
    config = parse(read("kubernetes/components/federate/gateway.yml"))[0]
    config["global"]["scrape_interval"] = "1s"
    (job,) = config["scrape_configs"]
    del job["kubernetes_sd_configs"]
    job["static_configs"] = [{"targets": [agent.url[7:]]}]
    return yaml.safe_dump(config)


def central_config(gateway):
    config = parse(read("global/pull/prometheus.yml"))[0]
    config["global"]["scrape_interval"] = "1s"
    (job,) = config["scrape_configs"]
    job["scheme"] = "http"
    del job["tls_config"]
    job["static_configs"] = [{"targets": [gateway.url[7:]], "labels": {"cluster": "edge-1"}}]
    return yaml.safe_dump(config)


def start_central(cluster, gateway):
    port = free_port()
    config = cluster.write("central.yml", central_config(gateway))
    argv = ["prometheus", "--log.level=warn", f"--config.file={config}"]
    argv += [f"--storage.tsdb.path={cluster.path('central')}", f"--web.listen-address=127.0.0.1:{port}"]
    central = cluster.start(Prometheus, "central", argv)
    central.url = f"http://127.0.0.1:{port}"
    central.wait_up()
    return central


def test_through_the_gateway():
    with Cluster("gateway") as cluster:
        nginx = start_nginx(cluster)
        agent = cluster.start_edgemeter(NODE, "agent")
        gateway = cluster.start_edgemeter(gateway_config(agent), "gateway")
        central = start_central(cluster, gateway)
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        matcher = f'{{cgroup="{nginx.cgroup_path}", cluster="edge-1", region="eu"}}'
        settles(
            "requests at the central Prometheus, with its label and the edge's",
            lambda: central.value(f"sum(http_requests_total{matcher})"),
            nginx.log_lines(REQUESTS),
        )
        jobs = {labels["job"] for labels, _ in central.query(f"http_requests_total{matcher}")}
        equal("the job is the edge's", jobs, {"http-metrics"})
        ups = lambda: [value for _, value in central.query('up{job="edgemeter-nodes"}')]
        wait_until("the agent is up, as the gateway sees it", lambda: ups() == [1])


if __name__ == "__main__":
    run(test_through_the_gateway)
