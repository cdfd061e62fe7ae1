#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Remote write over HTTP/2 where the receiver offers it: nginx before the stand-in. Its answers'
lower-case headers count as well."""

from agent_metrics import adds_up, page_of
from certificates import Authority
from checks import equal, run, true
from cluster import Cluster, wait_until
from exporter import Exporter
from receiver import Receiver
from servers import start_http2_proxy


def config(exporter, port, authority):
    def remote(name, more):
        return f"""  - name: {name}
    url: https://localhost:{port}/api/v1/write
    tls_config: {{ca_file: {authority.certificate}}}
    {more}
    queue_config: {{batch_send_deadline: 300ms}}
"""
    v2 = "protobuf_message: io.prometheus.write.v2.Request"
    return f"scrape_configs:\n{exporter.jobs(1)}remote_write:\n" + remote("two", v2) + remote(
        "one", "enable_http2: true") + remote("old", "enable_http2: false")


def test_http2():
    with Cluster("http2") as cluster, Exporter(50) as exporter, Receiver() as receiver:
        authority = Authority(cluster.path("ca"))
        url = f"http://127.0.0.1:{receiver.port}"
        port = start_http2_proxy(cluster, authority.issue("receiver"), url).port
        agent = cluster.start_edgemeter(config(exporter, port, authority), metered=False)
        wait_until("samples of all remotes", lambda: receiver.count() > 600)
        page = page_of(agent)
        for remote in ("one", "two", "old"):
            account = page.account(remote)
            true(f"{remote}: {account}", adds_up(account) and account["acknowledged"] > 0)
            equal(f"{remote}: failed", account["failed"], 0)
        equal("exit status", agent.stop(), 0)
        with open(cluster.path("protocols.txt")) as file:
            lines = set(file.read().split("\n")) - {""}
        equal("what was spoken", lines, {"HTTP/2.0 204", "HTTP/1.1 204"})
        true("2.0 among it", any(request.is_v2 for request in receiver.requests))


if __name__ == "__main__":
    run(test_http2, metered=False)
