#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes: every overlay is rendered by kubectl, fits Kubernetes' schema and keeps to the rules
of policy.py; its configurations are valid and agree with each other."""

import copy
import os

import manifests  # first: it finds the other modules
import policy
from checks import equal, run, true
from cluster import ROOT
from manifests import check_config, configuration, find, kustomize, parse, read

OVERLAYS = ["base"] + sorted(
    os.path.join("overlays", name) for name in os.listdir(os.path.join(manifests.DEPLOY, "kubernetes/overlays"))
)


def rendered():
    return {overlay: kustomize("kubernetes", overlay) for overlay in OVERLAYS}


def test_schema():
    schema = manifests.Schema()
    for overlay, objects in rendered().items():
        equal(overlay, [p for thing in objects for p in schema.problems(thing)], [])


def test_schema_finds_mistakes():
    """The check itself: what a typing error would look like."""
    schema = manifests.Schema()
    daemonset = find(kustomize("kubernetes/base"), "DaemonSet")
    mistakes = [
        lambda spec: spec.update(replicas=3),
        lambda spec: spec.pop("selector"),
        lambda spec: spec["template"]["spec"].update(hostNetwork="yes"),
        lambda spec: spec["template"]["spec"]["containers"][0].update(ports=[{"containerPort": "9595"}]),
        lambda spec: spec["template"]["spec"]["tolerations"][0].update(operators="Exists"),
    ]
    for mistake in mistakes:
        broken = copy.deepcopy(daemonset)
        mistake(broken["spec"])
        true("a mistake is found", schema.problems(broken))


def test_policy():
    for overlay, objects in rendered().items():
        excepted = ["containers_are_confined"] if overlay.endswith("privileged") else []
        equal(overlay, policy.problems(objects, excepted), [])
    true("the privileged overlay is found out", policy.problems(kustomize("kubernetes/overlays/privileged")))


def test_capabilities():
    def capabilities(overlay):
        daemonset = find(kustomize("kubernetes", overlay), "DaemonSet")
        return daemonset["spec"]["template"]["spec"]["containers"][0]["securityContext"].get("capabilities")

    least = {"drop": ["ALL"], "add": policy.AGENT_CAPABILITIES}
    equal("base", capabilities("base"), least)
    equal("5.10", capabilities("overlays/linux-5.10"), {**least, "add": [*least["add"], "SYS_RESOURCE"]})


def test_configurations():
    base = configuration(kustomize("kubernetes/base"))
    true("deploy/edgemeter.yml is the base's", parse(read("edgemeter.yml")) == [base])
    remote_write = configuration(kustomize("kubernetes/overlays/remote-write"))
    true("it sends", remote_write.pop("remote_write"))
    true("it names the cluster", remote_write["global"].pop("external_labels"))
    true("remote-write is the base but for that", remote_write == base)
    for overlay, objects in rendered().items():
        for thing in objects:
            if thing["kind"] == "ConfigMap":
                equal(f"{overlay}: {manifests.name_of(thing)}", check_config(thing["data"]["edgemeter.yml"]), "")


def test_a_change_rolls():
    """The name of the ConfigMap follows its contents."""
    names = [
        find(kustomize("kubernetes", overlay), "ConfigMap")["metadata"]["name"]
        for overlay in ("base", "overlays/remote-write")
    ]
    true(f"{names[0]} and {names[1]}", names[0] != names[1])
    for overlay in ("base", "overlays/remote-write"):
        policy_problems = list(policy.references_are_there(kustomize("kubernetes", overlay)))
        equal(f"{overlay}: the DaemonSet names it", policy_problems, [])


def test_version():
    with open(os.path.join(ROOT, "VERSION")) as file:
        version = file.read().strip()
    for overlay, objects in rendered().items():
        for where, _, container in policy.containers(objects):
            equal(f"{overlay}: {where}", container["image"], f"edgemeter:{version}")


if __name__ == "__main__":
    run(
        test_schema,
        test_schema_finds_mistakes,
        test_policy,
        test_capabilities,
        test_configurations,
        test_a_change_rolls,
        test_version,
        metered=False,
    )
