#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""When rows are sent: a new one behind a 0 at the drain before, and at the end also those that still wait for
the name of their pod."""

import http.client
import os
import subprocess
import sys
import time

from checks import equal, run, true
from cluster import Cluster, wait_until
from kube_node import NODE, Node
from receiver import Receiver
from served import Served

POD_UID = "7d9f3c52-1a2b-4c3d-8e4f-5a6b7c8d9e0f"
CONTAINER = "5f" * 32
ASK = """
import http.client, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
connection = http.client.HTTPConnection(sys.argv[2])
for _ in range(int(sys.argv[3])):
    connection.request("GET", "/")
    connection.getresponse().read()
"""


def remote(receiver):
    return f"remote_write: [{{url: '{receiver.url}', queue_config: {{batch_send_deadline: 200ms}}}}]\n"


def received(receiver, **labels):
    """The samples of the one series with these labels."""
    with receiver.lock:
        found = [
            sorted(samples)
            for series, samples in receiver.taken.items()
            if labels.items() <= dict(series).items()
        ]
    return found[0] if len(found) == 1 else []


def test_zero_at_the_drain_before():
    """Of a row that begins when the agent has drained for a while."""
    with Cluster("drains") as cluster, Receiver() as receiver, Served(
        lambda handler: handler.answer(b"ok", "text/plain", 299)
    ) as served:
        agent = cluster.start_edgemeter("http_metrics: {interval: 1s}\n" + remote(receiver))
        time.sleep(3.2)
        asked = time.time()
        connection = http.client.HTTPConnection(served.address)
        for _ in range(5):
            connection.request("GET", "/")
            connection.getresponse().read()
        series = {"__name__": "http_requests_total", "code": "299"}
        wait_until("the row", lambda: len(received(receiver, **series)) > 2)
        equal("exit status", agent.stop(), 0)
        samples = received(receiver, **series)
        (before, zero), (now, first), (_, last) = (*samples[:2], samples[-1])
        true(f"values: {zero:g}, {first:g}, {last:g}", zero == 0 < first <= last == 5)
        true(f"the 0 is {now - before} ms before", 100 <= now - before <= 10000)
        true(f"and at most an interval older than the requests: {asked * 1000 - before:.0f} ms",
             0 <= asked * 1000 - before <= 10000)


def test_waiting_rows_are_sent_at_the_end():
    with Cluster("drains") as cluster, Receiver() as receiver, Node(cluster) as node, Served(
        lambda handler: handler.answer(b"ok", "text/plain")
    ) as served:
        folder = cluster.cgroup_folder(f"kubepods/pod{POD_UID}/{CONTAINER}")
        os.makedirs(folder)
        text = f"http_metrics: {{interval: 1s, cgroup_root: {cluster.cgroup_folder()}}}\n"
        agent = cluster.start_edgemeter(
            text + remote(receiver) + node.config(None, "", "1s"), prefix=["env", f"NODE_NAME={NODE}"]
        )
        wait_until("the pods", lambda: node.api.watchers == 1)
        subprocess.run([sys.executable, "-c", ASK, folder, served.address, "7"], check=True, timeout=30)
        series = {"__name__": "http_client_request_duration_seconds_count", "pod_uid": POD_UID}
        time.sleep(2.5)
        equal("sent while the pod may become known", received(receiver, **series), [])
        equal("exit status", agent.stop(), 0)
        samples = received(receiver, **series)
        equal("values", [value for _, value in samples], [0.0, 7.0])
        for path in (folder, os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
            os.rmdir(path)


if __name__ == "__main__":
    run(test_zero_at_the_drain_before, test_waiting_rows_are_sent_at_the_end)
