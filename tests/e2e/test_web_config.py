#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""--web.config.file: users, TLS with client certificates, files that change while the agent runs; a real Prometheus
pulls over TLS with a password. What is not good is refused at the start."""

import base64
import http.client
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

from certificates import Authority
from checks import FULL, equal, run, true
from cluster import (
    EDGEMETER,
    Agent,
    Cluster,
    require_programs,
    wait_until,
)
from exporter import Exporter


def bcrypt(password, cost=6):
    require_programs("htpasswd")
    made = subprocess.run(
        ["htpasswd", "-nbBC", str(cost), "", password], capture_output=True, text=True, check=True
    )
    return made.stdout.strip().removeprefix(":")


class SecuredAgent(Agent):
    def wait_up(self, timeout=60):
        def logged():
            found = re.search(r"msg=listening address=(\S+)", self.log_text())
            return found and found.group(1)

        self.address = self.wait_ready("its address in the log", logged, timeout)


def start_agent(cluster, web, config="global: {scrape_interval: 1s}\n", name="edgemeter"):
    file = cluster.write(name + ".yml", config)
    argv = [EDGEMETER, f"--config.file={file}", "--web.listen-address=127.0.0.1:0"]
    argv += [f"--web.config.file={cluster.write('web.yml', web)}"]
    agent = cluster.start(SecuredAgent, name, argv, metered=False)
    agent.wait_up()
    return agent


def rewrite(path, text):
    """At once, as tools do it."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def ask(agent, user=None, context=None, path="/-/healthy", method="GET"):
    """Status and header fields; the reason where there is no answer."""
    host, port = agent.address.split(":")
    if context:
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
    else:
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
    headers = {}
    if user is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, dict(answer.getheaders())
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, {}
    finally:
        connection.close()


def test_users():
    with Cluster("web-config") as cluster:
        web = (
            f"basic_auth_users:\n  alice: {bcrypt('open sesame')}\n  bob: {bcrypt('b:o:b')}\n"
            "http_server_config: {headers: {X-Frame-Options: deny}}\n"
        )
        agent = start_agent(cluster, web)
        cases = [
            (None, 401),
            ("alice:open sesame", 200),
            ("alice:open sesame", 200),
            ("bob:b:o:b", 200),
            ("alice:b:o:b", 401),
            ("alice:", 401),
            ("alice", 401),
            (":", 401),
            ("carol:open sesame", 401),
            ("alice:open sesame\0", 401),
            ("x" * 5000 + ":y", 401),
        ]
        for user, status in cases:
            equal(f"{(user or 'nobody')[:20]!r}", ask(agent, user)[0], status)
        fields = ask(agent)[1]
        equal("how to", fields.get("WWW-Authenticate"), "Basic")
        equal("a field of the file", fields.get("X-Frame-Options"), "deny")
        equal("a page", ask(agent, "bob:b:o:b", path="/metrics")[0], 200)
        equal("no method is free", ask(agent, method="POST", path="/-/reload")[0], 401)

        rewrite(cluster.path("web.yml"), f"basic_auth_users: {{alice: {bcrypt('new')}}}\n")
        wait_until("the new password", lambda: ask(agent, "alice:new")[0] == 200)
        equal("the old one", ask(agent, "alice:open sesame")[0], 401)
        equal("who is no longer there", ask(agent, "bob:b:o:b")[0], 401)
        rewrite(cluster.path("web.yml"), "basic_auth_users: {alice: plain}\n")
        wait_until("the bad file", lambda: ask(agent, "alice:new") and "the one before stays" in agent.log_text())
        equal("the password before", ask(agent, "alice:new")[0], 200)
        equal("exit status", agent.stop(), 0)


def test_many_wrong_passwords():
    """While many try, who is known is answered at once, and the agent ends in the middle of it."""
    with Cluster("web-config") as cluster:
        agent = start_agent(cluster, f"basic_auth_users: {{alice: {bcrypt('right', cost=10)}}}\n")
        equal("once", ask(agent, "alice:right")[0], 200)
        statuses = []

        def attack(number):
            for i in range(5):
                statuses.append(ask(agent, f"alice:wrong{number}-{i}")[0])

        threads = [threading.Thread(target=attack, args=[i]) for i in range(20)]
        for thread in threads:
            thread.start()
        known = [ask(agent, "alice:right")[0] for _ in range(10)]
        for thread in threads:
            thread.join()
        equal("who is known", set(known), {200})
        true(f"the others {sorted(set(statuses))}", set(statuses) <= {401, 429})
        threads = [threading.Thread(target=attack, args=[i]) for i in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        equal("exit status", agent.stop(), 0)
        for thread in threads:
            thread.join()


def client_context(authority, pair=None, version=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair:
        context.load_cert_chain(*pair)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def serial(agent, context):
    """Of its certificate; None where there is no connection at the moment."""
    host, port = agent.address.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                return secured.getpeercert()["serialNumber"]
    except OSError:
        return None


def test_tls():
    with Cluster("web-config") as cluster:
        authority = Authority(cluster.path("ca"))
        other = Authority(cluster.path("other"))
        cert, key = authority.issue("server")
        client, stranger = authority.issue("client"), other.issue("stranger")
        web = (
            f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n"
            f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.certificate}\n"
            "  min_version: TLS12\n  max_version: TLS12\n"
            "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
        )
        agent = start_agent(cluster, web)
        good = client_context(authority, client)
        equal("with a certificate", ask(agent, context=good)[0], 200)
        for usage, good_for_us in (("clientAuth", True), ("serverAuth", False)):
            pair = authority.issue("other-usage", usage=usage)
            got = ask(agent, context=client_context(authority, pair))[0]
            true(f"with one for {usage}: {got}", (got == 200) == good_for_us)
        true("without one", ask(agent, context=client_context(authority))[0] != 200)
        true("with a stranger's", ask(agent, context=client_context(authority, stranger))[0] != 200)
        equal("plain", ask(agent)[0] != 200, True)
        newer = client_context(authority, client, ssl.TLSVersion.TLSv1_3)
        true("another version", ask(agent, context=newer)[0] != 200)
        host, port = agent.address.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            with good.wrap_socket(plain, server_hostname="localhost") as secured:
                equal("cipher", secured.cipher()[0], "ECDHE-RSA-AES128-GCM-SHA256")

        before = serial(agent, good)
        authority.issue("server")
        wait_until("the new certificate", lambda: serial(agent, good) not in (before, None))
        rewrite(
            cluster.path("web.yml"),
            web.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"),
        )
        nobody = client_context(authority)
        wait_until("no certificate to be good", lambda: ask(agent, context=nobody)[0] == 200)
        true("a stranger's not", ask(agent, context=client_context(authority, stranger))[0] != 200)
        rewrite(
            cluster.path("web.yml"),
            f"tls_server_config: {{cert_file: {cert}, key_file: {key}, client_auth_type: VerifyClientCertIfGiven}}\n",
        )
        wait_until("the system's authorities alone", lambda: ask(agent, context=good)[0] != 200)
        equal("no certificate", ask(agent, context=nobody)[0], 200)
        equal("exit status", agent.stop(), 0)

        web = (f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n"
               "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]\n  curve_preferences: [CurveP384]\n")
        agent = start_agent(cluster, web, name="older")
        equal("a list without a cipher of TLS 1.3", ask(agent, context=nobody)[0], 200)
        nobody.set_ecdh_curve("secp384r1")
        equal("the listed curve", ask(agent, context=nobody)[0], 200)
        nobody.set_ecdh_curve("prime256v1")
        true("another curve", ask(agent, context=nobody)[0] != 200)


def test_old_connections():
    """Clients that stay connected through one change of the certificate after the other hold up none."""
    with Cluster("web-config") as cluster:
        authority = Authority(cluster.path("ca"))
        cert, key = authority.issue("server")
        agent = start_agent(cluster, f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}\n")
        context = client_context(authority)
        host, port = agent.address.split(":")
        clients = []
        for _ in range(10 if FULL else 3):
            before = serial(agent, context)
            clients.append(http.client.HTTPSConnection(host, int(port), context=context, timeout=20))
            clients[-1].request("GET", "/-/healthy")
            clients[-1].getresponse().read()
            authority.issue("server")
            wait_until("the new certificate", lambda: serial(agent, context) not in (before, None))
        for client in clients:
            client.request("GET", "/-/healthy")
            equal("an old connection", client.getresponse().read(), b"edgemeter is Healthy.\n")


def test_client_names():
    """client_allowed_sans: any name of the certificate, of whatever kind, as it is written."""
    with Cluster("web-config") as cluster:
        authority = Authority(cluster.path("ca"))
        cert, key = authority.issue("server")
        names = ("DNS:client.example,DNS:other.example,email:me@example.org,URI:spiffe://edge/agent,"
                 "IP:192.0.2.7,IP:2001:db8::7")
        named = client_context(authority, authority.issue("client", names=names))
        for number, (allowed, good) in enumerate((
            ("client.example", True),
            ("nobody, other.example", True),
            ("me@example.org", True),
            ("spiffe://edge/agent", True),
            ("192.0.2.7", True),
            ("'2001:db8::7'", True),
            ("client.exampl", False),
            ("Client.example", False),
            ("192.0.2.70", False),
            ("client", False),
        )):
            agent = start_agent(
                cluster,
                f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n"
                f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.certificate}\n"
                f"  client_allowed_sans: [{allowed}]\n",
                name=f"agent{number}",
            )
            equal(f"for {allowed}", ask(agent, context=named)[0] == 200, good)
            agent.stop()


def test_prometheus_pulls():
    require_programs("prometheus")
    with Cluster("web-config") as cluster, Exporter(series=2000) as exporter:
        authority = Authority(cluster.path("ca"))
        cert, key = authority.issue("server")
        agent = start_agent(
            cluster,
            f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}\n"
            f"basic_auth_users: {{central: {bcrypt('secret')}}}\n",
            f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{exporter.jobs()}",
        )
        config = f"""
scrape_configs:
  - job_name: pull
    scrape_interval: 1s
    honor_labels: true
    scheme: https
    metrics_path: /federate
    params: {{"match[]": ['{{job="test0"}}']}}
    basic_auth: {{username: central, password: secret}}
    tls_config: {{ca_file: {authority.certificate}}}
    static_configs: [{{targets: ["{agent.address}"]}}]
"""
        central = cluster.start_prometheus(config, name="central", metered=False)
        wait_until("2,000 series", lambda: central.value('count(test_value{job="test0"})') == 2000)


def test_refused_at_the_start():
    with Cluster("web-config") as cluster:
        config = cluster.write("edgemeter.yml", "global: {scrape_interval: 1s}\n")
        for text, reason in (
            ("tls_server_config: {cert_file: a.pem}\n", "missing one of key or key_file"),
            ("tls_server_config: {cert_file: /nowhere, key_file: /nowhere}\n", "No such file"),
            ("basic_auth_users: {a: b}\n", "is no bcrypt hash"),
            ("basic_auth_user: {}\n", "basic_auth_user"),
            ("http_server_config: {headers: {Server: x}}\n", "can not be configured"),
            ("http_server_config: {headers: {X-Frame-Options: no}}\n", "must be deny or sameorigin"),
            ("http_server_config: {headers: {X-Content-Type-Options: no}}\n", "must be nosniff"),
            ("tls_server_config: {client_auth_type: RequireClientCert}\n", "missing one of cert"),
            (
                "tls_server_config: {cert: a, key: b, client_auth_type: Maybe}\n",
                "must be NoClientCert",
            ),
        ):
            argv = [EDGEMETER, f"--config.file={config}", "--web.listen-address=127.0.0.1:0"]
            argv += [f"--web.config.file={cluster.write('web.yml', text)}"]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
            equal(text.strip(), (done.returncode, reason in done.stderr + done.stdout), (1, True))
        text = "tls_server_config: {}\nhttp_server_config: {headers: {X-Frame-Options: sameorigin}}\n"
        argv[-1] = f"--web.config.file={cluster.write('web.yml', text)}"
        agent = cluster.start(Agent, "edgemeter", argv, metered=False)
        agent.wait_up()
        with urllib.request.urlopen(agent.url + "/-/healthy", timeout=10) as answer:
            equal("no TLS, a header", answer.headers["X-Frame-Options"], "sameorigin")


if __name__ == "__main__":
    run(
        test_users,
        test_many_wrong_passwords,
        test_tls,
        test_old_connections,
        test_client_names,
        test_prometheus_pulls,
        test_refused_at_the_start,
        metered=False,
    )
