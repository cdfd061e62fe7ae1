#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real receivers: what is scraped is in Prometheus 2 and 3 and VictoriaMetrics, over both protocols, as
the same series with the same values that a Prometheus agent sends; native histograms are queried back."""

import json
import math
import time
import urllib.parse

import load
from checks import equal, run, settles, true
from cluster import Cluster, Process, Prometheus, answers, free_port, get, require_metering, wait_until
from exporter import Exporter
from peers import fetch
from receiver import Receiver
from servers import start_nginx

V2 = "protobuf_message: io.prometheus.write.v2.Request"
REQUESTS = 500


def real_page(cluster):
    """What node_exporter shows of this host, once."""
    exporter = cluster.start_exporter()
    return get(f"http://{exporter.address}/metrics").encode()


def start_prometheus(cluster, name, program, *flags):
    port = free_port()
    config = cluster.write(f"{name}.yml", "global: {scrape_interval: 1h}\n")
    prometheus = cluster.start(Prometheus, name, [
        program, f"--config.file={config}", f"--storage.tsdb.path={cluster.path(name + '-data')}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", *flags,
    ], metered=False)
    prometheus.url = f"http://127.0.0.1:{port}"
    prometheus.wait_up()
    return prometheus


def start_victoria(cluster, program):
    port = free_port()
    victoria = cluster.start(Process, "victoria", [
        program, f"-storageDataPath={cluster.path('victoria-data')}",
        f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s", "-loggerLevel=ERROR",
    ], metered=False)
    victoria.url = f"http://127.0.0.1:{port}"
    victoria.wait_ready("its port", lambda: answers(victoria.url + "/health"))
    return victoria


def stored(url, selector):
    """label set -> value, as the receiver answers now."""
    query = urllib.parse.urlencode({"query": selector})
    answer = json.loads(get(f"{url}/api/v1/query?{query}"))
    return {
        frozenset(entry["metric"].items()): float(entry["value"][1])
        for entry in answer["data"]["result"]
    }


def remote(name, url, *settings):
    lines = [f"  - name: {name}", f"    url: {url}/api/v1/write",
             "    queue_config: {batch_send_deadline: 500ms}", *(f"    {s}" for s in settings)]
    return "\n".join(lines) + "\n"


def agent_file(exporter, remotes, interval="1s"):
    return (f"global: {{scrape_interval: {interval}, external_labels: {{cluster: test}}}}\n"
            f"scrape_configs:\n{exporter.jobs(1, interval)}remote_write:\n{remotes}")


def start_prometheus_agent(cluster, program, config):
    file = cluster.write("prometheus-agent.yml", config)
    return cluster.start(Process, "prometheus-agent", [
        program, "--agent", f"--config.file={file}",
        f"--storage.agent.path={cluster.path('agent-data')}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
    ], metered=False)


def without_timings(taken):
    return {
        labels: value for labels, value in taken.items()
        if dict(labels)["__name__"] != "scrape_duration_seconds"
    }


def last_values(receiver):
    with receiver.lock:
        return {labels: samples[-1][1] for labels, samples in receiver.taken.items()}


def comparable(taken):
    # NaN is not equal to itself, and which series the first scrape added differs from the second.
    return {
        frozenset(labels): repr(value) for labels, value in without_timings(taken).items()
        if dict(labels)["__name__"] != "scrape_series_added"
    }


def same_value(a, b, digits):
    return a == b or (digits < 17 and math.isclose(float(a), float(b), rel_tol=10 ** (1 - digits)))


def test_same_as_a_prometheus_agent():
    program = fetch("prometheus-3")
    with Cluster("write-same") as cluster, Exporter(fixed=real_page(cluster)) as exporter:
        with Receiver() as theirs, Receiver() as ours, Receiver() as ours_v2:
            base = lambda receiver: receiver.url.removesuffix("/api/v1/write")
            start_prometheus_agent(cluster, program, agent_file(exporter, remote("a", base(theirs))))
            cluster.start_edgemeter(
                agent_file(exporter, remote("a", base(ours)) + remote("b", base(ours_v2), V2)),
                metered=False,
            )
            for receiver in (theirs, ours, ours_v2):
                wait_until("a few scrapes", lambda: receiver.count() > 3000)
            wanted = comparable(last_values(theirs))
            true(f"{len(wanted)} series of a Prometheus agent", len(wanted) > 400)
            for name, receiver in (("1.0", ours), ("2.0", ours_v2)):
                got = comparable(last_values(receiver))
                equal(f"{name}: missing", set(wanted) - set(got), set())
                equal(f"{name}: more", set(got) - set(wanted), set())
                different = {k for k in wanted if got[k] != wanted[k]}
                equal(f"{name}: other values", different, set())


def test_real_receivers():
    new, old, victoria = fetch("prometheus-3"), fetch("prometheus-2"), fetch("victoria-metrics")
    with Cluster("write-peers") as cluster, Exporter(fixed=real_page(cluster)) as exporter:
        peers = {
            "prometheus2": (start_prometheus(cluster, "prometheus2", old), ()),
            "prometheus3": (start_prometheus(cluster, "prometheus3", new), ()),
            "prometheus3_v2": (start_prometheus(cluster, "prometheus3_v2", new), (V2,)),
            "prometheus2_v2": (start_prometheus(cluster, "prometheus2_v2", old), (V2,)),
            "victoria": (start_victoria(cluster, victoria), ()),
        }
        with Receiver() as stand_in:
            remotes = remote("stand_in", stand_in.url.removesuffix("/api/v1/write"))
            remotes += "".join(remote(n, p.url, *s) for n, (p, s) in peers.items())
            agent = cluster.start_edgemeter(agent_file(exporter, remotes), metered=False)
            wait_until("a few scrapes", lambda: stand_in.count() > 3000)
            wanted = comparable(last_values(stand_in))
            for name, (peer, _) in peers.items():
                wait_until(f"{name} to have all",
                           lambda: len(stored(peer.url, '{cluster="test"}')) >= len(wanted))
                got = comparable(stored(peer.url, '{cluster="test"}'))
                equal(f"{name}: missing", set(wanted) - set(got), set())
                equal(f"{name}: more", set(got) - set(wanted), set())
                # VictoriaMetrics keeps 15 decimal digits.
                digits = 15 if name == "victoria" else 17
                different = {
                    k: (got[k], wanted[k]) for k in wanted
                    if not same_value(got[k], wanted[k], digits)
                }
                equal(f"{name}: other values", different, {})
            log = agent.log_text()
            equal("refused", log.count("its samples are lost"), 0)
            equal("fell back to 1.0", log.count("sending 1.0 from now on"), 1)


def test_native_histograms():
    require_metering()
    program = fetch("prometheus-3")
    with Cluster("write-native") as cluster:
        flag = "--enable-feature=native-histograms"
        peers = {
            "v1": (start_prometheus(cluster, "v1", program, flag), ""),
            "v2": (start_prometheus(cluster, "v2", program, flag), V2),
        }
        nginx = start_nginx(cluster)
        remotes = "".join(
            remote(name, peer.url, "send_native_histograms: true", *([extra] if extra else []))
            for name, (peer, extra) in peers.items()
        )
        cluster.start_edgemeter(
            f"http_metrics: {{interval: 1s, native_histograms: true}}\nremote_write:\n{remotes}"
        )
        time.sleep(1)
        load.ab(cluster, nginx.url + "/page.html", REQUESTS)
        counted = (f'histogram_count(sum(http_server_request_duration_seconds'
                   f'{{cgroup="{nginx.cgroup_path}",http_response_status_code="200"}}))')
        for name, (peer, _) in peers.items():
            settles(f"{name}: requests in the histogram", lambda: peer.value(counted), REQUESTS)
            middle = peer.value(counted.replace("histogram_count(", "histogram_quantile(0.5, "))
            true(f"{name}: half of them took less than {middle:.6f} s", 0 < middle < 1)


if __name__ == "__main__":
    run(
        test_same_as_a_prometheus_agent,
        test_real_receivers,
        test_native_histograms,
        metered=False,
    )
