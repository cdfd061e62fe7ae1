#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The configuration is loaded again and again while the agent scrapes and sends: what is unchanged
misses no scrape, what changes does so at once, and a bad file changes nothing."""

import json
import math
import os
import re
import signal
import struct
import subprocess
import time
import urllib.error
import urllib.request

import cluster as clusters
from checks import equal, run, true
from cluster import Cluster, get, wait_until
from exporter import Exporter
from receiver import Receiver, status, target_of

SERIES = 2000 if os.environ.get("FULL") else 300
RELOADS = 40 if os.environ.get("FULL") else 12
STALE = 0x7FF0000000000002


def is_stale(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0] == STALE


def start(cluster, config, *flags):
    file = cluster.write("edgemeter.yml", config)
    agent = cluster.start(
        clusters.Agent,
        "edgemeter",
        [clusters.EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0", *flags],
    )
    agent.wait_up()
    return agent


def post(agent, method="POST"):
    """Status and text of the answer to /-/reload."""
    request = urllib.request.Request(agent.url + "/-/reload", method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metric(agent, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(agent.url + "/metrics"), re.MULTILINE)
    return float(found.group(1)) if found else None


def reloads(agent):
    return agent.log_text().count("configuration reloaded")


def samples(receiver, name, **labels):
    """(labels, samples) of each series of that name with these labels."""
    with receiver.lock:
        taken = [(dict(key), list(values)) for key, values in receiver.taken.items()]
    return [
        (found, values)
        for found, values in taken
        if found["__name__"] == name and all(found.get(k) == v for k, v in labels.items())
    ]


def config(exporter, receiver, labels="", jobs=4, extra="", more=""):
    return (
        f"global: {{scrape_timeout: 900ms, scrape_interval: 1s, external_labels: {{c: edge{labels}}}}}\n"
        f"scrape_configs:\n{exporter.jobs(jobs)}{extra}"
        f"remote_write:\n  - url: {receiver.url}\n    name: first\n{more}"
    )


def test_under_load():
    """Reloads while a job comes and goes: test0 to test3 miss no scrape and have no end."""
    with Cluster("reload") as cluster, Exporter(SERIES) as exporter, Receiver() as receiver:
        other = "  - job_name: other\n    metrics_path: /other\n    honor_labels: {}\n    static_configs: [{{targets: ['{}']}}]\n"
        agent = start(cluster, config(exporter, receiver), "--web.enable-lifecycle")
        wait_until("the first samples", lambda: receiver.count() > 4 * SERIES)
        for i in range(RELOADS):
            extra = other.format("true" if i % 2 else "false", exporter.address) if i % 3 else ""
            cluster.write("edgemeter.yml", config(exporter, receiver, extra=extra))
            before = reloads(agent)
            if i % 2:
                equal("answer to POST", post(agent, "PUT" if i % 4 == 1 else "POST"), (200, ""))
            else:
                agent.child.send_signal(signal.SIGHUP)
            wait_until("the reload", lambda: reloads(agent) > before)
            time.sleep(0.7)
        equal("metric", metric(agent, "prometheus_config_last_reload_successful"), 1)
        equal("exit status", agent.stop(), 0)

        for job in range(4):
            series = samples(receiver, "test_value", job=f"test{job}")
            equal(f"series of test{job}", len(series), SERIES)
            # A scrape that this machine was too slow for has up 0, and is missing for that reason.
            failed = [value for _, value in samples(receiver, "up", job=f"test{job}")[0][1]].count(0)
            values = [[value for _, value in taken if not is_stale(value)] for _, taken in series]
            count = int(max(map(max, values)))
            true(f"{count} scrapes of test{job}, {failed} of them failed, the others once and in order",
                 all(v == sorted(set(v)) and len(v) >= count - failed for v in values))
            true("an end for those that failed alone",
                 all(len(taken) - len(v) <= failed for (_, taken), v in zip(series, values)))
            times = [t for t, _ in series[0][1]]
            phases = sorted(t % 1000 for t in times)
            print(f"    moments within the second: {phases[0]} to {phases[-1]} ms")
        true("the job that came and went has samples", samples(receiver, "test_value", job="other"))
        equal("out of order", receiver.series_out_of_order(), [])


def test_bad_file():
    with Cluster("reload") as cluster, Exporter(5) as exporter, Receiver() as receiver:
        secret = "hunter2-secret"
        good = config(exporter, receiver)
        agent = start(cluster, good, "--web.enable-lifecycle")
        moment = metric(agent, "prometheus_config_last_reload_success_timestamp_seconds")
        true("a moment of the first load", moment)
        bad = good + (
            f"  - url: http://u:{secret}@127.0.0.1:x/\n    bearer_token: {secret}\n"
            f"    basic_auth: {{username: u, password: {secret}}}\n  - nmae: x\nscrap_configs: []\n"
        )
        cluster.write("edgemeter.yml", bad)
        status, text = post(agent)
        equal("status for a bad file", status, 500)
        true("its first words", text.startswith("failed to reload config: "))
        file = cluster.path("edgemeter.yml")
        for words in ("unknown key \"nmae\"", "unknown key \"scrap_configs\"", "excludes basic_auth"):
            line = re.search(rf"{re.escape(file)}:\d+:\d+: .*{re.escape(words)}", text)
            true(f"in the answer: {words}", line)
            quoted = words.replace('"', '\\"')
            true(f"in the log: {words}", quoted in agent.log_text())
        equal("metric", metric(agent, "prometheus_config_last_reload_successful"), 0)
        equal("the moment stays",
              metric(agent, "prometheus_config_last_reload_success_timestamp_seconds"), moment)
        for where, said in (("answer", text), ("log", agent.log_text()),
                            ("metrics", get(agent.url + "/metrics"))):
            true(f"no secret in the {where}", secret not in said)
        before = receiver.count()
        wait_until("more samples all the same", lambda: receiver.count() > before + 20)
        cluster.write("edgemeter.yml", good)
        equal("the good one again", post(agent), (200, ""))
        equal("metric", metric(agent, "prometheus_config_last_reload_successful"), 1)


def test_without_lifecycle():
    with Cluster("reload") as cluster, Exporter(1) as exporter, Receiver() as receiver:
        agent = start(cluster, config(exporter, receiver))
        equal("POST", post(agent), (403, "Lifecycle API is not enabled."))
        equal("PUT", post(agent, "PUT"), (403, "Lifecycle API is not enabled."))
        equal("GET", post(agent, "GET")[0], 405)
        equal("reloads", reloads(agent), 0)


def test_file_changes():
    """--enable-feature=auto-reload-config; the file renamed over, as editors and kubelet do it."""
    with Cluster("reload") as cluster, Exporter(1) as exporter, Receiver() as receiver:
        include = "scrape_config_files: [jobs/*.yml]\n"
        text = include + config(exporter, receiver, jobs=1)
        os.mkdir(cluster.path("jobs"))
        agent = start(cluster, text, "--enable-feature=auto-reload-config")
        wait_until("samples with the old label", lambda: samples(receiver, "test_value", c="edge"))
        cluster.write("new", text.replace("c: edge", "c: other"))
        os.rename(cluster.path("new"), cluster.path("edgemeter.yml"))
        wait_until("samples with the new label", lambda: samples(receiver, "test_value", c="other"))
        cluster.write("jobs/a.yml", "scrape_configs:\n" + exporter.jobs(1).replace("test0", "included"))
        wait_until("samples of the included job",
                   lambda: samples(receiver, "test_value", job="included"))
        ended = lambda: [s for _, s in samples(receiver, "test_value", c="edge") if is_stale(s[-1][1])]
        wait_until("the end of the series with the old label", ended)
        before = reloads(agent)
        os.utime(cluster.path("edgemeter.yml"))
        cluster.write("jobs/a.txt", "not one of them")
        time.sleep(1)
        equal("reloads where nothing has changed", reloads(agent), before)


def test_while_stopping():
    """An agent that still has to send something takes nothing new up."""
    with Cluster("reload") as cluster, Exporter(1) as exporter, Receiver(status(503, times=1000)) as receiver:
        agent = start(cluster, config(exporter, receiver, jobs=1), "--web.enable-lifecycle")
        wait_until("a send that fails", lambda: receiver.requests)
        discovered = 'prometheus_sd_discovered_targets{config="test0",name="scrape"}'
        equal("targets discovered", metric(agent, discovered), 1)
        agent.child.send_signal(signal.SIGTERM)
        wait_until("that it stops", lambda: "msg=stopping" in agent.log_text())
        equal("targets discovered", metric(agent, discovered), None)
        equal("answer to POST", post(agent), (503, "edgemeter is stopping"))
        agent.child.send_signal(signal.SIGHUP)
        receiver.faults = iter(())
        equal("exit status", agent.child.wait(60), 0)
        equal("reloads", reloads(agent), 0)


def test_second_signal():
    """Who does not want to wait for what is still to be sent ends the agent at once: status 1."""
    with Cluster("reload") as cluster, Exporter(1) as exporter, Receiver(status(503, times=1000)) as receiver:
        file = cluster.write("edgemeter.yml", config(exporter, receiver, jobs=1))
        argv = [clusters.EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
        with open(cluster.path("log"), "w+") as log:
            agent = subprocess.Popen(argv, stderr=log)
            try:
                wait_until("a send that fails", lambda: receiver.requests)
                for said in ("msg=stopping", "samples not yet sent are lost"):
                    agent.terminate()
                    wait_until(said, lambda: said in open(log.name).read())
                equal("exit status", agent.wait(10), 1)
            finally:
                agent.kill()
                agent.wait()


def test_external_labels_and_remotes():
    """New labels: the old series end, the new ones begin. A remote that moves takes what the old one
    did not."""
    with Cluster("reload") as cluster, Exporter(20) as exporter, Receiver() as first, \
            Receiver() as second:
        agent = start(cluster, config(exporter, first), f"--storage.path={cluster.path('queue')}")
        wait_until("the first samples", lambda: first.count() > 200)
        cluster.write("edgemeter.yml", config(exporter, first, labels=", zone: b"))
        agent.child.send_signal(signal.SIGHUP)
        wait_until("samples with the new label", lambda: samples(first, "test_value", zone="b"))

        def old_series():
            return [s for found, s in samples(first, "test_value") if "zone" not in found]

        wait_until("the end of all old series",
                   lambda: all(is_stale(s[-1][1]) for s in old_series()))
        equal("old series", len(old_series()), 80)
        equal("their reports have ended too",
              [is_stale(s[-1][1]) for found, s in samples(first, "up") if "zone" not in found],
              [True] * 4)

        first.stop()  # nobody answers there now
        time.sleep(3)
        moved = config(exporter, second, labels=", zone: b")
        cluster.write("edgemeter.yml", moved)
        agent.child.send_signal(signal.SIGHUP)
        wait_until("the second receiver's samples", lambda: second.count() > 500)
        equal("exit status", agent.stop(), 0)
        both, failed = {}, {}
        for receiver in (first, second):
            for target, count in receiver.failed_scrapes().items():
                failed[target] = failed.get(target, 0) + count
            for found, taken in samples(receiver, "test_value", zone="b"):
                key = tuple(sorted(found.items()))
                both.setdefault(key, set()).update(int(v) for _, v in taken if v == v)
        equal("series at both", len(both), 80)
        for labels, values in both.items():
            # A scrape that the reload cancelled may have got its number behind the one in its place.
            missing = sorted(set(range(min(values) + 2, max(values) + 1)) - values)
            # Those that this machine was too slow for are missing for that reason.
            if len(missing) > failed[target_of(labels)]:
                equal("scrapes missing between the receivers", missing, [])


def test_metering_changes():
    """http_metrics comes, changes its labels, and goes."""
    clusters.require_metering()
    with Cluster("reload") as cluster, Exporter(1) as exporter, Receiver() as receiver:
        plain = config(exporter, receiver, jobs=1)
        metered = plain + f"http_metrics: {{cgroup_root: {cluster.cgroup_folder()}, interval: 1s}}\n"
        agent = start(cluster, plain)
        equal("BPF links", agent.bpf_links(), [])
        for what, text, links in (("on", metered, True), ("relabelled", metered.replace("c: edge", "c: x"), True),
                                  ("the same again", metered.replace("c: edge", "c: x"), True), ("off", plain, False)):
            attached = agent.bpf_links()
            before = reloads(agent)
            cluster.write("edgemeter.yml", text)
            agent.child.send_signal(signal.SIGHUP)
            wait_until(f"the reload, {what}", lambda: reloads(agent) > before)
            equal(f"programs are attached, {what}", bool(agent.bpf_links()), links)
            if what == "the same again":
                equal("the same links", agent.bpf_links(), attached)
            answer = json.loads(get(agent.url + "/api/v1/targets"))
            equal("targets", len(answer["data"]["activeTargets"]), 1)
            own = get(agent.url + "/metrics/self")
            equal(f"figures of metering, {what}", "edgemeter_bpf_map_memory_bytes" in own, links)
            if links:  # the agent's own scrapes are rows
                count = "http_client_request_duration_seconds_count"
                wait_until("a row", lambda: count in get(agent.url + "/federate?match[]=" + count))
        equal("what is not metered, in /federate", get(agent.url + "/federate?match[]={job='http-metrics'}"), "")
        equal("exit status", agent.stop(), 0)
        last = [
            max(samples)[1]
            for labels, samples in receiver.taken.items()
            if dict(labels)["job"] == "http-metrics"
        ]
        true(f"{len(last)} series have gone stale", last and all(math.isnan(value) for value in last))


if __name__ == "__main__":
    run(
        test_under_load,
        test_bad_file,
        test_without_lifecycle,
        test_file_changes,
        test_while_stopping,
        test_second_signal,
        test_external_labels_and_remotes,
        test_metering_changes,
        metered=False,
    )
