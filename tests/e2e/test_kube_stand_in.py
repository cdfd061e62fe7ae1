#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stand-in API server against the recordings of a real one: the same requests in the same
state, answers equal but for what names a moment (revisions, dates, ids)."""

import http.client
import json
import os
import ssl
import tempfile
import urllib.parse

import cluster
from checks import equal, run, true
from cluster import wait_until
from kube_api import KubeApi

RECORDINGS = os.path.join(cluster.ROOT, "tests/kube/recordings")
EDGE_1 = "fieldSelector=spec.nodeName%3Dedge-1"


def recorded(name):
    with open(os.path.join(RECORDINGS, name + ".body")) as body:
        text = body.read()
    with open(os.path.join(RECORDINGS, name + ".headers")) as head:
        lines = head.read().strip().splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, text


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Fixture:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.api = KubeApi(self.folder.name)
        verbs = [(verb, r, "") for verb in ("get", "list", "watch") for r in ("pods", "nodes")]
        self.token = self.api.add_user("system:admin", *verbs)
        self.powerless = self.api.add_user("system:serviceaccount:shop:default")
        self.api.start()
        for item in json.loads(recorded("list")[2])["items"]:
            self.api.store.put("pods", item)
        node = json.loads(recorded("node")[2])
        del node["kind"], node["apiVersion"]
        self.api.store.put("nodes", node)
        return self

    def __exit__(self, *_):
        self.api.stop()
        self.folder.cleanup()

    def open(self, path, token=None, agent="curl/8"):
        context = ssl.create_default_context(cafile=self.api.ca_file)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.api.port, context=context, timeout=20
        )
        headers = {"Authorization": f"Bearer {token or self.token}", "User-Agent": agent}
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    def get(self, path, token=None, agent="curl/8"):
        response = self.open(path, token, agent)
        return response.status, dict(response.getheaders()), response.read().decode()


def without_moments(value):
    """Revisions, and what a store adds by itself, are of the moment."""
    if isinstance(value, dict):
        # The order of the keys is that of the recording too.
        return [
            (key, "" if key in ("resourceVersion", "continue") else without_moments(part))
            for key, part in value.items()
        ]
    if isinstance(value, list):
        return [without_moments(part) for part in value]
    return value


def compare(name, answer):
    status, headers, text = recorded(name)
    equal(f"{name}: status", answer[0], status)
    ours = {key.lower() for key in answer[1]}
    # HTTP/2 has no chunks.
    equal(f"{name}: headers", sorted(ours - {"transfer-encoding"}), sorted(headers))
    same = without_moments(json.loads(answer[2])) == without_moments(json.loads(text))
    true(f"{name}: body", same)


def test_single_answers():
    with Fixture() as f:
        compare("list", f.get(f"/api/v1/pods?{EDGE_1}&resourceVersion=0"))
        page = f.get(f"/api/v1/pods?{EDGE_1}&resourceVersion=0&limit=1")
        compare("list-paged-1", page)
        compare("node", f.get("/api/v1/nodes/edge-1"))
        compare("unauthorized", f.get("/api/v1/pods", token="nobody's"))
        compare("forbidden", f.get("/api/v1/pods", token=f.powerless))
        f.api.store.revision = 252
        compare("future-list", f.get("/api/v1/pods?resourceVersion=99999999"))

        token = json.loads(page[2])["metadata"]["continue"]
        rest = json.loads(f.get(f"/api/v1/pods?{EDGE_1}&limit=1&continue={token}")[2])
        equal("the next page", [i["metadata"]["name"] for i in rest["items"]], ["worker-0"])
        true("it is the last", "continue" not in rest["metadata"])
        f.api.store.put("pods", json.loads(page[2])["items"][0])
        f.api.store.compact()
        equal("a stale token", f.get(f"/api/v1/pods?limit=1&continue={token}")[0], 410)
        f.api.continue_anew = True
        compare("gone-continue", f.get(f"/api/v1/pods?limit=1&continue={token}"))


def test_watches():
    with Fixture() as f:
        events = lines(recorded("timeout-watch")[2])
        start = f.api.store.revision
        for event in events:
            item = event["object"]
            if event["type"] == "DELETED":
                f.api.store.delete("pods", "shop", item["metadata"]["name"])
            else:
                f.api.store.put("pods", {k: item[k] for k in ("metadata", "spec", "status")})
        f.api.bookmark_seconds = 0.5
        for name, more in (("timeout-watch", ""), ("watch", "&allowWatchBookmarks=true")):
            path = f"/api/v1/pods?{EDGE_1}&watch=1&resourceVersion={start}&timeoutSeconds=1{more}"
            status, headers, text = f.get(path)
            wanted_status, wanted_headers, wanted = recorded(name)
            equal(f"{name}: status", status, wanted_status)
            ours = {key.lower() for key in headers} - {"transfer-encoding"}
            equal(f"{name}: headers", sorted(ours), sorted(wanted_headers))
            got = [without_moments(event) for event in lines(text)]
            got = got[: len(lines(wanted))]  # more than one bookmark may have come
            same = got == [without_moments(event) for event in lines(wanted)]
            true(f"{name}: {len(got)} events", same)
        f.api.store.compact()
        status, headers, text = f.get(f"/api/v1/pods?watch=1&resourceVersion={start}")
        gone = lines(recorded("gone-watch")[2])
        compacted = f.api.store.compacted
        gone[0]["object"]["message"] = f"too old resource version: {start} ({compacted})"
        equal("gone-watch: status", status, 200)
        equal("gone-watch: the event", lines(text), gone)
        f.api.gone_as_status = True
        path = f"/api/v1/pods?watch=1&resourceVersion={start}"
        equal("gone in the other form", f.get(path)[0], 410)


def test_streaming_list():
    options = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
    with Fixture() as f:
        path = f"/api/v1/pods?{EDGE_1}&{options}&resourceVersionMatch=NotOlderThan"
        events = lines(f.get(path)[2])
        equal("events", [event["type"] for event in events], ["ADDED", "ADDED", "BOOKMARK"])
        annotations = events[-1]["object"]["metadata"]["annotations"]
        equal("the mark of its end", annotations, {"k8s.io/initial-events-end": "true"})
        equal("without its match", f.get(f"/api/v1/pods?{options}")[0], 422)
        match = "/api/v1/pods?watch=1&resourceVersionMatch=NotOlderThan"
        equal("a match alone", f.get(match)[0], 422)
        f.api.watch_list = False
        equal("without the feature", f.get(path)[0], 422)


def test_selectors():
    with Fixture() as f:

        def names(**selectors):
            status, _, body = f.get("/api/v1/pods?" + urllib.parse.urlencode(selectors))
            if status != 200:
                return status
            return [item["metadata"]["name"] for item in json.loads(body)["items"]]

        apache, worker = "apache-ingress-5d4f8", "worker-0"
        equal("another node", names(fieldSelector="spec.nodeName=edge-2"), [])
        equal("not another", names(fieldSelector="spec.nodeName!=edge-2"), [apache, worker])
        equal("two", names(fieldSelector="spec.nodeName=edge-1,metadata.name=worker-0"), [worker])
        equal("an unknown field", names(fieldSelector="spec.name=x"), 400)
        equal("no selector", names(fieldSelector="spec.nodeName"), 400)
        equal("a label", names(labelSelector="app=worker"), [worker])
        equal("not this label", names(labelSelector="app!=worker"), [apache])
        equal("a set", names(labelSelector="app in (apache, web),app"), [apache])
        equal("not in a set", names(labelSelector="app notin (apache)"), [worker])
        equal("is there", names(labelSelector="app.kubernetes.io/name"), [apache])
        equal("is not there", names(labelSelector="!app.kubernetes.io/name"), [worker])
        equal("not a selector", names(labelSelector="a=b=c"), 400)
        equal("a namespace", f.get("/api/v1/namespaces/other/pods")[0], 200)
        equal("an unknown resource", f.get("/api/v1/services")[0], 404)


def test_faults():
    with Fixture() as f:
        f.api.fail(429, headers={"Retry-After": "7"}, times=1)
        status, headers, _ = f.get("/api/v1/pods")
        equal("busy", (status, headers["Retry-After"]), (429, "7"))
        equal("once", f.get("/api/v1/pods")[0], 200)
        f.api.garble("<html>", times=1)
        equal("garbage", f.get("/api/v1/pods")[2], "<html>")
        f.api.piece_bytes = 7
        response = f.open("/api/v1/pods?watch=1")
        equal("in pieces", json.loads(response.readline())["type"], "ADDED")
        f.api.cut()
        try:
            cut = response.read() != b"" and False
        except (http.client.IncompleteRead, OSError):
            cut = True
        true("a cut stream has no end", cut)
        f.api.expire_tokens("system:admin")
        equal("an expired token", f.get("/api/v1/pods")[0], 401)
        short = f.api.new_token("system:admin", seconds=4)
        equal("a new one", f.get("/api/v1/pods", token=short)[0], 200)
        wait_until("it expires by itself", lambda: f.get("/api/v1/pods", token=short)[0] == 401)


if __name__ == "__main__":
    run(
        test_single_answers,
        test_watches,
        test_streaming_list,
        test_selectors,
        test_faults,
        metered=False,
    )
