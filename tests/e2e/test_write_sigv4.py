#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sigv4: every request is signed as AWS describes it, checked by a receiver that knows the key."""

import hashlib
import hmac
import os

from agent_metrics import adds_up, page_of
from checks import equal, run, true
from cluster import Cluster, wait_until
from exporter import Exporter
from receiver import Receiver

REGION, KEY, SECRET, TOKEN = "eu-west-1", "AKIDEXAMPLE", "wJalr/XUtnFEMI+K7MDENG", "a-session+token/=="


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def fields_of(authorization):
    """AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..."""
    algorithm, _, rest = authorization.partition(" ")
    equal("algorithm", algorithm, "AWS4-HMAC-SHA256")
    return dict(part.strip().split("=", 1) for part in rest.split(","))


def signature_of(headers, body, path):
    """What the signature must be, from the request as it came and the secret."""
    fields = fields_of(headers["Authorization"])
    key_id, day, region, service, end = fields["Credential"].split("/")
    equal("credential", (key_id, region, service, end), (KEY, REGION, "aps", "aws4_request"))
    names = fields["SignedHeaders"].split(";")
    equal("signed and not sent", [name for name in names if headers[name] is None], [])
    true("host and date are signed", {"host", "x-amz-date"} <= set(names) and names == sorted(names))
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    request = "\n".join(
        ["POST", path, "", lines, fields["SignedHeaders"], hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{REGION}/aps/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"], scope,
                      hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in (day, REGION, "aps", "aws4_request"):
        key = mac(key, part)
    return mac(key, text).hex(), fields["Signature"]


def config(exporter, receiver, keys):
    return f"""scrape_configs:
{exporter.jobs(1)}remote_write:
  - name: amp
    url: {receiver.url}
    sigv4: {{region: {REGION}{keys}}}
    metadata_config: {{send: false}}
    queue_config: {{batch_send_deadline: 300ms}}
"""


def check(keys):
    with Cluster("sigv4") as cluster, Exporter(50) as exporter, Receiver() as receiver:
        receiver.keep_bodies = True
        agent = cluster.start_edgemeter(config(exporter, receiver, keys), metered=False)
        wait_until("some requests", lambda: len(receiver.requests) > 3)
        for request in list(receiver.requests):
            wanted, got = signature_of(request.headers, request.body, "/api/v1/write")
            equal("signature", got, wanted)
        page = page_of(agent)
        true("it adds up", adds_up(page.account("amp")))
        equal("failed", page.account("amp")["failed"], 0)
        return receiver.requests[0].headers.get("X-Amz-Security-Token")


def test_keys_of_the_file():
    equal("token", check(f", access_key: {KEY}, secret_key: '{SECRET}'"), None)


def test_keys_of_the_environment():
    names = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    os.environ.update(names)
    try:
        equal("token", check(""), TOKEN)
    finally:
        for name in names:
            del os.environ[name]


if __name__ == "__main__":
    run(test_keys_of_the_file, test_keys_of_the_environment, metered=False)
