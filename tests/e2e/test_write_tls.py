#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates that expire and are rotated, the receiver's and the agent's own: samples wait, and
all of them arrive. TLS is verified unless the configuration says otherwise."""

import ssl
import time

import receiver as faults
from agent_metrics import adds_up, page_of
from certificates import Authority
from checks import equal, run, true
from cluster import Cluster, wait_until
from exporter import Exporter
from receiver import Receiver

SECONDS = 8  # of a certificate that expires, the agent's start among them


def context(files, authority=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    if authority:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(authority.certificate)
    return made


def config(receiver, tls, exporter):
    return f"""scrape_configs:
{exporter.jobs(1)}remote_write:
  - name: it
    url: {receiver.url}
    tls_config: {tls}
    remote_timeout: 5s
    metadata_config: {{send: false}}
    queue_config: {{batch_send_deadline: 500ms, max_backoff: 500ms}}
"""


def check_all_arrive(agent, receiver):
    def account():
        return page_of(agent).account("it")

    # Samples go on being made: what was pending at one moment has been taken at another.
    before = account()
    true(f"before: {before}", adds_up(before))
    wait_until("what was pending to be taken",
               lambda: account()["acknowledged"] >= before["in"])
    after = account()
    true(f"after: {after}", adds_up(after))
    equal("failed", after["failed"], 0)
    equal("dropped", after["dropped"], 0)
    equal("series out of order", receiver.series_out_of_order(), [])
    equal("series that miss a scrape", receiver.missing_scrapes("test_value"), [])


def expires(cluster, receiver, tls, exporter, words, rotate):
    """Takes samples, then connections are refused for the certificate, then it is rotated."""
    begin = time.monotonic()
    agent = cluster.start_edgemeter(config(receiver, tls, exporter), metered=False)
    wait_until("the first samples", lambda: receiver.count() > 0)
    time.sleep(max(0, begin + SECONDS + 1 - time.monotonic()))
    with receiver.lock:  # from here on each request ends its connection
        receiver.faults = iter(faults.reset(1))
    wait_until("a refusal", lambda: words in agent.log_text())
    taken = receiver.count()
    time.sleep(2)
    equal("taken meanwhile", receiver.count(), taken)
    rotate()
    wait_until("samples again", lambda: receiver.count() > taken)
    check_all_arrive(agent, receiver)


def test_receivers_certificate_expires():
    with Cluster("write-tls") as cluster, Exporter(50) as exporter:
        authority = Authority(cluster.path("ca"))
        receiver = Receiver(tls=context(authority.issue("receiver", SECONDS)))

        def rotate():
            receiver.tls = context(authority.issue("receiver"))

        with receiver:
            tls = f"{{ca_file: {authority.certificate}}}"
            expires(cluster, receiver, tls, exporter, "certificate has expired", rotate)


def test_own_certificate_expires():
    with Cluster("write-mtls") as cluster, Exporter(50) as exporter:
        authority = Authority(cluster.path("ca"))
        receiver = Receiver(tls=context(authority.issue("receiver"), authority))
        own = authority.issue("agent", SECONDS)  # last: its time begins to run

        def rotate():
            authority.issue("agent")  # into the same files

        with receiver:
            tls = f"{{ca_file: {authority.certificate}, cert_file: {own[0]}, key_file: {own[1]}}}"
            expires(cluster, receiver, tls, exporter, "will be sent again", rotate)


def test_verified_unless_told_otherwise():
    with Cluster("write-verify") as cluster, Exporter(10) as exporter:
        authority = Authority(cluster.path("ca"))
        with Receiver(tls=context(authority.issue("receiver"))) as receiver:
            agent = cluster.start_edgemeter(config(receiver, "{}", exporter), metered=False)
            wait_until("a refusal", lambda: "certificate" in agent.log_text())
            equal("taken", receiver.count(), 0)
            cluster.processes.remove(agent)
            agent.child.kill()  # would try for half a minute
            agent.child.wait()
            cluster.start_edgemeter(
                config(receiver, "{insecure_skip_verify: true}", exporter),
                name="careless",
                metered=False,
            )
            wait_until("samples", lambda: receiver.count() > 0)


def test_ipv6():
    with Cluster("write-ipv6") as cluster, Exporter(10) as exporter:
        with Receiver(host="::1") as receiver:
            cluster.start_edgemeter(config(receiver, "{}", exporter), metered=False)
            wait_until("samples", lambda: receiver.count() > 20)


if __name__ == "__main__":
    run(
        test_receivers_certificate_expires,
        test_own_certificate_expires,
        test_verified_unless_told_otherwise,
        test_ipv6,
        metered=False,
    )
