# SPDX-License-Identifier: Apache-2.0
"""What a reviewer of manifests would look for, as rules over rendered objects."""

import re

from manifests import name_of, pod_specs

AGENT_CAPABILITIES = ["BPF", "PERFMON", "NET_ADMIN"]


def containers(objects):
    for owner, spec in pod_specs(objects):
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield f"{owner}/{container['name']}", spec, container


def images_are_pinned(objects):
    for where, _, container in containers(objects):
        if not re.search(r":[\w.-]+$|@sha256:", container["image"]) or container["image"].endswith(":latest"):
            yield f"{where}: image {container['image']}"


def memory_is_limited(objects):
    for where, _, container in containers(objects):
        resources = container.get("resources", {})
        if not resources.get("limits", {}).get("memory"):
            yield f"{where}: no memory limit"
        for what in ("cpu", "memory"):
            if not resources.get("requests", {}).get(what):
                yield f"{where}: no request of {what}"


def rights_are_named(objects):
    for thing in objects:
        if thing["kind"] not in ("Role", "ClusterRole"):
            continue
        for rule in thing["rules"]:
            if "*" in str(rule) or "nonResourceURLs" in rule:
                yield f"{name_of(thing)}: a wildcard"
            if set(rule["verbs"]) - {"get", "list", "watch"}:
                yield f"{name_of(thing)}: verbs {rule['verbs']}"
            if set(rule["resources"]) - {"pods", "nodes"}:
                yield f"{name_of(thing)}: resources {rule['resources']}"


def host_is_shared_little(objects):
    for owner, spec in pod_specs(objects):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield f"{owner}: {key}"
        for volume in spec.get("volumes", []):
            path = volume.get("hostPath", {}).get("path")
            if path not in (None, "/sys/fs/cgroup", "/var/lib/edgemeter"):
                yield f"{owner}: hostPath {path}"
    for where, spec, container in containers(objects):
        host = {v["name"] for v in spec.get("volumes", []) if v.get("hostPath", {}).get("path", "").startswith("/sys")}
        for mount in container.get("volumeMounts", []):
            if mount["name"] in host and not mount.get("readOnly"):
                yield f"{where}: {mount['mountPath']} is writable"


def containers_are_confined(objects):
    for where, spec, container in containers(objects):
        context = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
        if not context.get("readOnlyRootFilesystem"):
            yield f"{where}: the root is writable"
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            yield f"{where}: privileges can grow"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{where}: no seccomp profile"
        capabilities = context.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"]:
            yield f"{where}: capabilities are kept"
        if set(capabilities.get("add", [])) - {*AGENT_CAPABILITIES, "SYS_RESOURCE"}:
            yield f"{where}: capabilities {capabilities['add']}"
        if capabilities.get("add") is None and not context.get("runAsNonRoot"):
            yield f"{where}: root without a need"


def volumes_are_there(objects):
    for where, spec, container in containers(objects):
        names = {volume["name"] for volume in spec.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in names:
                yield f"{where}: no volume {mount['name']}"


def references_are_there(objects):
    """A ConfigMap, ServiceAccount or PriorityClass that is named is among the objects."""
    names = {(o["kind"], o["metadata"]["name"]) for o in objects}
    for owner, spec in pod_specs(objects):
        wanted = [("ServiceAccount", spec.get("serviceAccountName"))]
        if spec.get("priorityClassName"):
            wanted.append(("PriorityClass", spec["priorityClassName"]))
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                wanted.append(("ConfigMap", volume["configMap"]["name"]))
        for reference in wanted:
            if reference not in names:
                yield f"{owner}: no {' '.join(map(str, reference))}"


def selectors_match(objects):
    """What a Service, NetworkPolicy or workload selects carries these labels."""
    labels = [
        o["spec"]["template"]["metadata"]["labels"] for o in objects if "template" in o.get("spec", {})
    ]
    for thing in objects:
        spec = thing.get("spec", {})
        for selector in (
            spec.get("selector", {}) if thing["kind"] == "Service" else spec.get("selector", {}).get("matchLabels"),
            spec.get("podSelector", {}).get("matchLabels"),
        ):
            if selector and not any(selector.items() <= one.items() for one in labels):
                yield f"{name_of(thing)}: selects nothing"


def probes_are_local(objects):
    for where, _, container in containers(objects):
        for probe, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
            if container.get(probe, {}).get("httpGet", {}).get("path") != path:
                yield f"{where}: {probe} is not {path}"


def names_do_not_collide(objects):
    seen = set()
    for thing in objects:
        key = thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"]
        if key in seen:
            yield f"twice: {key}"
        seen.add(key)


RULES = [
    images_are_pinned,
    memory_is_limited,
    rights_are_named,
    host_is_shared_little,
    containers_are_confined,
    volumes_are_there,
    references_are_there,
    selectors_match,
    probes_are_local,
    names_do_not_collide,
]


def problems(objects, excepted=()):
    return [
        f"{rule.__name__}: {problem}"
        for rule in RULES
        if rule.__name__ not in excepted
        for problem in rule(objects)
    ]
