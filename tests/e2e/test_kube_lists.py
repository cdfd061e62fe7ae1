#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists and watches: both ways to list, pages, both forms of 410, streams that are cut anywhere, and
what is asked for."""

import os
import signal
import time

from certificates import Authority
from checks import equal, run, true
from cluster import Cluster, wait_until
from kube_node import AGENT, NODE, Node
from servers import start_http2_proxy


def forget(node):
    """The server no longer knows the version that the watch will go on from."""
    node.api.store.advance()
    node.api.store.compact()
    node.api.cut()


def test_gone():
    for as_status in (False, True):
        with Cluster("gone") as cluster, Node(cluster).start() as node:
            node.api.gone_as_status = as_status
            node.wait_targets("first")
            for turn in range(2):
                node.api.stop()
                node.put(f"new{turn}")
                forget(node)
                node.api.start()
                names = [f"new{i}" for i in range(turn + 1)]
                node.wait_targets("first", *names)
            gone = [said for said in node.said() if "forgotten" in said]
            equal("each is said once", len(gone), 2)


def test_cut_anywhere():
    with Cluster("cut") as cluster, Node(cluster).start() as node:
        node.wait_targets("first")
        node.api.piece_bytes = 7
        node.api.cut()
        for turn in range(6):
            # Within an event: the first bytes of it come, then nothing.
            node.api.stall_after(40 + 111 * turn)
            node.put("first", turn=str(turn))
            time.sleep(0.2)
            node.api.cut()
            node.wait_targets(f"first{turn}")
        equal("nothing to say", node.said("warn"), [])
        equal("lists", node.api.count("list"), 0)  # it always went on from where it was
        node.wait_watches(1)


def test_without_streaming_lists():
    with Cluster("pages") as cluster, Node(cluster, watch_list=False) as node:
        for i in range(1203):
            node.put(f"p{i}", node="other")
        node.start("selectors: [{role: pod, field: 'spec.nodeName!=none'}]", "1h")
        wanted = sorted(["first", *(f"p{i}" for i in range(1203))])
        wait_until("all targets", lambda: node.targets() == wanted, 60)
        lists = [r for r in node.api.requests if r.verb == "list"]
        equal("pages", [int(r.query["limit"]) for r in lists], [500, 500, 500])
        equal("the first asks for", lists[0].query["resourceVersion"], "0")
        true("one after the other", all(r.query.get("continue") for r in lists[1:]))
        node.wait_watches(1)

        # Pages that do not go together: the token is stale, in both ways of a server to say so.
        for anew in (False, True):
            node.api.continue_anew = anew
            node.api.piece_bytes = 4099  # of what is compressed, too
            first = len(node.api.requests)
            node.api.after_lists = [node.api.store.advance, node.api.store.compact]
            forget(node)
            node.put("first", turn=str(anew))
            wanted = sorted([f"first{anew}", *(f"p{i}" for i in range(1203))])
            wait_until("all targets again", lambda: node.targets() == wanted, 60)
            wait_until("its watch", lambda: node.api.watchers == 1)
            lists = [r.query["limit"] for r in node.api.requests[first:] if r.verb == "list"]
            equal("then all in one", lists, ["500", "500", "0"])
        true("large lists were compressed", node.api.compressed >= 2)


def test_node_only():
    with Cluster("node") as cluster, Node(cluster) as node:
        node.put("elsewhere", node="edge-2")
        node.start()
        node.wait_targets("first")
        query = node.api.requests[0].query
        equal("the field selector", query["fieldSelector"], f"spec.nodeName={NODE}")
        node.put("elsewhere")  # it moves here: no pod does, but a selector's view is this
        node.wait_targets("elsewhere", "first")
        node.put("elsewhere", node="edge-2")
        node.wait_targets("first")
        wanted = {"add": 2, "delete": 1}
        for event, count in wanted.items():
            name = f'prometheus_sd_kubernetes_events_total{{event="{event}",role="pod"}}'
            equal(name, node.metric(name), count)


def test_kubeconfig():
    with Cluster("kubeconfig") as cluster, Node(cluster) as node:
        node.start(server=f"kubeconfig_file: {node.kubeconfig()}")
        node.wait_targets("first")
        equal("nothing to say", node.said(), [])


def test_namespaces():
    """One watch for each, with rights in no other."""
    with Cluster("namespaces") as cluster, Node(cluster) as node:
        node.api.grants = {(AGENT, verb, "pods", "shop") for verb in ("list", "watch")}
        node.put("elsewhere", namespace="bank")
        node.start("namespaces: {names: [shop, bank]}")
        node.wait_targets("first")
        wait_until("a word", lambda: node.said("warn"))
        node.wait_watches(1)
        node.api.grants |= {(AGENT, verb, "pods", "bank") for verb in ("list", "watch")}
        node.wait_targets("first", "elsewhere")
        node.wait_watches(2)


def test_attached_metadata():
    with Cluster("attached") as cluster, Node(cluster) as node:
        api = node.api
        api.grants |= {(AGENT, "watch", what, "") for what in ("nodes", "namespaces")}
        api.store.put("namespaces", {"metadata": {"name": "shop", "labels": {"team": "a"}}})
        node.start("attach_metadata: {node: true, namespace: true}")
        wait_until("watches", lambda: api.watchers == 3)
        equal("without its node it is no target", node.targets(), [])
        for zone in ("north", "south"):
            item = {"metadata": {"name": NODE, "labels": {"zone": zone}}, "spec": {}, "status": {}}
            api.store.put("nodes", item)
            wanted = [("shop", "a", NODE, zone)]
            wait_until(zone, lambda: node.discovered() == wanted)
        fields = {r.resource: r.query.get("fieldSelector") for r in api.requests}
        equal("only this node", fields["nodes"], f"metadata.name={NODE}")


def test_http2():
    """As API servers are spoken to: all watches on one connection, which the server gives up for another."""
    with Cluster("http2") as cluster, Node(cluster) as node:
        node.api.grants |= {(AGENT, "watch", what, "") for what in ("nodes", "namespaces")}
        node.api.store.put("namespaces", {"metadata": {"name": "shop"}})
        node.api.store.put("nodes", {"metadata": {"name": NODE}, "spec": {}, "status": {}})
        authority = Authority(cluster.path("ca"))
        proxy = start_http2_proxy(cluster, authority.issue("api"), node.api.url)
        server = f"""api_server: https://edge:hidden@localhost:{proxy.port}
        authorization: {{credentials_file: {node.token_file}}}
        tls_config: {{ca_file: {authority.certificate}}}"""
        node.start("attach_metadata: {node: true, namespace: true}", server=server)
        node.wait_targets("first")
        os.kill(proxy.pid, signal.SIGHUP)
        node.put("second")
        node.wait_targets("first", "second")
        node.api.cut()
        node.put("third")
        node.wait_targets("first", "second", "third")
        node.wait_watches(3)
        with open(cluster.path("protocols.txt")) as file:
            equal("what was spoken", set(file.read().split("\n")) - {""}, {"HTTP/2.0 200"})
        true("no password is in the log", "hidden" not in node.agent.log_text())


def put_annotated(node, name, text):
    item = node.api.store.objects["pods"][("shop", "first")]
    metadata = {"name": name, "namespace": "shop", "annotations": {"a": text}}
    node.api.store.put("pods", {**item, "metadata": metadata})


def test_odd_pods():
    """What one pod has in it is no other pod's trouble, whether it is listed or comes later."""
    for watch_list in (True, False):
        with Cluster("odd") as cluster, Node(cluster, watch_list).start() as node:
            node.wait_targets("first")
            for turn in range(2):
                put_annotated(node, f"nul{turn}", "a\0b")
                put_annotated(node, f"large{turn}", "x" * (5 << 20))
                node.put(f"new{turn}")
                names = [f"{name}{i}" for i in range(turn + 1) for name in ("nul", "new")]
                node.wait_targets("first", *names)
                forget(node)
            wait_until("the list", lambda: node.api.watchers == 1)
            wait_until("what is said", lambda: "too large" in node.agent.log_text())
            node.wait_targets("first", *names)
            true("no garbage", not any("not its API" in said for said in node.said()))


if __name__ == "__main__":
    run(
        test_gone,
        test_cut_anywhere,
        test_without_streaming_lists,
        test_node_only,
        test_kubeconfig,
        test_namespaces,
        test_attached_metadata,
        test_http2,
        test_odd_pods,
        metered=False,
    )
