#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/helm/edgemeter: with its own values the chart is the kustomize base; with a user's it says what the
user means; what fits no schema is refused."""

import copy
import json
import os
import re

import manifests  # first: it finds the other modules
import policy
import schema
from checks import equal, run, true
from cluster import ROOT
from manifests import CHART, check_config, configuration, find, helm, kustomize, name_of, parse

SECRET = {"name": "edgemeter-remote-write", "key": "password"}
EVERYTHING = {
    "cluster": {"name": "edge-1"},
    "externalLabels": {"region": "eu"},
    "scrapeTimeout": "5s",
    "httpMetrics": {"routes": ["/api/"], "max_rows": 100000},
    "queue": {"max_bytes": "512MiB"},
    "additionalScrapeConfigs": [
        {"job_name": "node", "static_configs": [{"targets": ["127.0.0.1:9100"]}]},
    ],
    "remoteWrite": [
        {
            "url": "https://prometheus.example.org/api/v1/write",
            "name": "global",
            "remoteTimeout": "20s",
            "messageVersion": "V2.0",
            "enableHTTP2": False,
            "headers": {"X-Scope-OrgID": "edge"},
            "basicAuth": {"username": {**SECRET, "key": "username"}, "password": SECRET},
            "queueConfig": {"maxShards": 10, "retryOnRateLimit": True},
            "metadataConfig": {"sendInterval": "2m"},
            "writeRelabelConfigs": [{"sourceLabels": ["__name__"], "regex": "go_.*", "action": "Drop"}],
        },
        {
            "url": "https://mimir.example.org/api/v1/push",
            "authorization": {"credentials": {"name": "mimir", "key": "token"}},
            "tlsConfig": {"serverName": "mimir", "minVersion": "TLS13"},
        },
    ],
    "extraArgs": ["--log.level=debug"],
    "extraCapabilities": ["SYS_RESOURCE"],
    "podLabels": {"team": "edge"},
    "podAnnotations": {"example.org/owner": "edge"},
    "imagePullSecrets": [{"name": "registry"}],
    "image": {"repository": "registry.example.org:5000/edgemeter", "digest": "sha256:" + "0" * 64},
}
MUTUAL_TLS = {
    "remoteWrite": [
        {
            "url": "https://prometheus.example.org/api/v1/write",
            "tlsConfig": {
                "ca": {"configMap": {"name": "global-ca", "key": "ca.crt"}},
                "cert": {"secret": {"name": "edge-1-client", "key": "tls.crt"}},
                "keySecret": {"name": "edge-1-client", "key": "tls.key"},
            },
        }
    ]
}


# What users of other charts look for.
PLATFORM = {
    "global": {"imageRegistry": "registry.example.org", "imagePullSecrets": ["shared"]},
    "imagePullSecrets": [{"name": "own"}],
    "namespaceOverride": "monitoring",
    "commonLabels": {"example.org/part": "edge"},
    "revisionHistoryLimit": 3,
    "daemonSetAnnotations": {"example.org/owner": "edge"},
    "podAnnotations": {"prometheus.io/scrape": "false"},
    "podLabels": {"team": "edge", "app.kubernetes.io/name": "not-the-selector"},
    "priorityClassName": "system-node-critical",
    "nodeSelector": {"example.org/pool": "edge"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "virtual", "operator": "DoesNotExist"}]}]
            }
        }
    },
    "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
    "updateStrategy": {"type": "OnDelete"},
    "hostNetwork": True,
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["prometheus.example.org"]}],
    "seLinuxOptions": {"type": "spc_t"},
    "secrets": ["exporter-client"],
    "configMaps": ["exporter-ca"],
    "envFrom": [{"secretRef": {"name": "proxy"}}],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.org:3128"}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "initContainers": [{"name": "wait", "image": "busybox:1.36", "command": ["true"]}],
    "extraContainers": [{"name": "beside", "image": "busybox:1.36", "command": ["sleep", "1d"]}],
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"a": "b"}}],
    "service": {"annotations": {"example.org/a": "b"}, "labels": {"example.org/c": "d"}},
    "livenessProbe": {"httpGet": {"scheme": "HTTPS"}},
}


def daemonset(values=None):
    return find(helm(values)[0], "DaemonSet")


def container(values=None):
    return daemonset(values)["spec"]["template"]["spec"]["containers"][0]


def plain(objects, ours=()):
    """Without what differs by nature: the hash of a name or of an annotation, and who manages it."""
    out = {}
    for thing in objects:
        if thing["kind"] in ours:
            continue
        thing = json.loads(json.dumps(thing).replace(find(objects, "ConfigMap")["metadata"]["name"], "edgemeter"))
        labels = thing["metadata"].get("labels", {})
        for label in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
            labels.pop(label, None)
        if thing["kind"] == "ConfigMap":
            thing["data"]["edgemeter.yml"] = parse(thing["data"]["edgemeter.yml"])[0]
        if thing["kind"] == "DaemonSet":
            thing["spec"]["template"]["metadata"]["annotations"].pop("checksum/config", None)
        out[name_of(thing)] = thing
    return out


def test_same_as_kustomize():
    chart = plain(helm()[0], ours=["Pod"])  # the test of `helm test`
    base = plain(kustomize("kubernetes/base"), ours=["Namespace"])  # helm install --create-namespace
    equal("objects", sorted(chart), sorted(base))
    for name, thing in base.items():
        if chart[name] != thing:
            raise AssertionError(f"{name}:\nchart     {chart[name]}\nkustomize {thing}")
    true("every object is the same", True)


def test_schema_and_policy():
    kubernetes = manifests.Schema()
    for what, values in (("defaults", {}), ("everything", EVERYTHING), ("mutual TLS", MUTUAL_TLS)):
        objects, _ = helm(values)
        equal(f"{what}: schema", [p for thing in objects for p in kubernetes.problems(thing)], [])
        agents = [thing for thing in objects if thing["kind"] != "Pod"]
        # A ConfigMap with a CA is the user's.
        excepted = ["references_are_there"] if values is MUTUAL_TLS else []
        equal(f"{what}: policy", policy.problems(agents, excepted), [])


def test_configuration():
    objects, _ = helm(EVERYTHING)
    text = find(objects, "ConfigMap")["data"]["edgemeter.yml"]
    equal("check-config", check_config(text), "")
    config = configuration(objects)
    equal("external labels", config["global"]["external_labels"], {"cluster": "edge-1", "region": "eu"})
    equal("jobs", [job["job_name"] for job in config["scrape_configs"]], ["kubernetes-pods", "kubernetes-pods-slow", "node"])
    first, second = config["remote_write"]
    folder = "/etc/edgemeter-secrets"
    wanted = {
        "url": "https://prometheus.example.org/api/v1/write",
        "name": "global",
        "remote_timeout": "20s",
        "protobuf_message": "io.prometheus.write.v2.Request",
        "enable_http2": False,
        "headers": {"X-Scope-OrgID": "edge"},
        "basic_auth": {
            "username_file": f"{folder}/edgemeter-remote-write/username",
            "password_file": f"{folder}/edgemeter-remote-write/password",
        },
        "queue_config": {"max_shards": 10, "retry_on_http_429": True},
        "metadata_config": {"send_interval": "2m"},
        "write_relabel_configs": [{"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"}],
    }
    equal("the first remote", first, wanted)
    equal("the token", second["authorization"], {"credentials_file": f"{folder}/mimir/token"})
    true("no secret is in the ConfigMap", "password:" not in text)
    equal("max_rows", config["http_metrics"]["max_rows"], 100000)
    without, _ = helm({"httpMetrics": {"enabled": False}})
    true("without metering", "http_metrics" not in configuration(without))


def renamed(values, names):
    text = json.dumps(values)
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return json.loads(text)


def test_files_are_mounted():
    """Each file that the configuration names is below a mount of a volume that holds it. The name of a Secret
    may have dots and 253 characters, that of a volume none and 63."""
    odd = renamed(MUTUAL_TLS, {"global-ca": "global.ca", "edge-1-client": "edge-1." + "x" * 200})
    for values in (EVERYTHING, MUTUAL_TLS, odd):
        objects, _ = helm(values)
        spec = find(objects, "DaemonSet")["spec"]["template"]["spec"]
        mounts = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
        volumes = {v["name"]: v for v in spec["volumes"]}
        equal("names", [name for name in volumes if not re.fullmatch("[a-z0-9]([-a-z0-9]{,61}[a-z0-9])?", name)], [])
        files = files_of(configuration(objects)["remote_write"])
        true(f"{len(files)} files", files)
        for file in files:
            folder, name = os.path.dirname(file), os.path.basename(os.path.dirname(file))
            volume = volumes[mounts[folder]]
            held = volume.get("secret", {}).get("secretName") or volume["configMap"]["name"]
            equal(file, held, name)


def files_of(value):
    if isinstance(value, dict):
        found = [v for k, v in value.items() if k.endswith("_file")]
        return found + [f for v in value.values() for f in files_of(v)]
    return [f for v in value for f in files_of(v)] if isinstance(value, list) else []


def test_pod():
    spec = daemonset(EVERYTHING)["spec"]["template"]
    agent = spec["spec"]["containers"][0]
    equal("image", agent["image"], "registry.example.org:5000/edgemeter@sha256:" + "0" * 64)
    equal("its last argument", agent["args"][-1], "--log.level=debug")
    equal("capabilities", agent["securityContext"]["capabilities"]["add"], [*policy.AGENT_CAPABILITIES, "SYS_RESOURCE"])
    equal("a label", spec["metadata"]["labels"]["team"], "edge")
    context = container({"privileged": True})["securityContext"]
    equal("privileged", (context["privileged"], context.get("capabilities")), (True, None))


def test_what_a_platform_sets():
    objects, _ = helm(PLATFORM)
    kubernetes = manifests.Schema()
    equal("schema", [p for thing in objects for p in kubernetes.problems(thing)], [])
    agent = find(objects, "DaemonSet")
    template = agent["spec"]["template"]
    spec = template["spec"]
    container = spec["containers"][0]
    namespaced = ("ServiceAccount", "ConfigMap", "DaemonSet", "Service", "NetworkPolicy", "Pod")
    namespaces = {o["metadata"].get("namespace") for o in objects if o["kind"] in namespaced}
    equal("namespaces", namespaces - {None}, {"monitoring"})  # None: the object of the user's
    equal("subject", find(objects, "ClusterRoleBinding")["subjects"][0]["namespace"], "monitoring")
    labelled = [o for o in objects if o["kind"] != "Pod" and o["metadata"]["name"] != "mine"]
    equal("without the label", [name_of(o) for o in labelled if "example.org/part" not in o["metadata"]["labels"]], [])
    equal("image", container["image"].split("/")[0], "registry.example.org")
    equal("pull secrets", spec["imagePullSecrets"], [{"name": "own"}, {"name": "shared"}])
    equal("history", agent["spec"]["revisionHistoryLimit"], 3)
    equal("annotation", agent["metadata"]["annotations"], PLATFORM["daemonSetAnnotations"])
    annotations = template["metadata"]["annotations"]
    equal("no scrape", annotations["prometheus.io/scrape"], "false")
    true("a change of the configuration rolls", annotations["checksum/config"])
    labels = template["metadata"]["labels"]
    equal("labels", (labels["team"], labels["example.org/part"]), ("edge", "edge"))
    true("it is selected", agent["spec"]["selector"]["matchLabels"].items() <= labels.items())
    equal("its class", spec["priorityClassName"], "system-node-critical")
    equal("classes made", [o for o in objects if o["kind"] == "PriorityClass"], [])
    for key in ("affinity", "tolerations", "hostNetwork", "dnsConfig", "hostAliases", "initContainers"):
        equal(key, spec[key], PLATFORM[key])
    equal("nodeSelector", spec["nodeSelector"]["example.org/pool"], "edge")
    equal("DNS", spec["dnsPolicy"], "ClusterFirstWithHostNet")
    equal("strategy", agent["spec"]["updateStrategy"]["type"], "OnDelete")
    equal("SELinux", spec["securityContext"]["seLinuxOptions"], {"type": "spc_t"})
    equal("beside it", [c["name"] for c in spec["containers"]], ["edgemeter", "beside"])
    equal("envFrom", container["envFrom"], PLATFORM["envFrom"])
    true("env", PLATFORM["extraEnv"][0] in container["env"])
    mounts = {m["mountPath"] for m in container["volumeMounts"]}
    wanted = {"/etc/edgemeter-secrets/exporter-client", "/etc/edgemeter-configmaps/exporter-ca", "/more"}
    equal("mounts", wanted - mounts, set())
    equal("volumes", {m["name"] for m in container["volumeMounts"]} - {v["name"] for v in spec["volumes"]}, set())
    service = find(objects, "Service")["metadata"]
    equal("service", (service["annotations"], service["labels"]["example.org/c"]), ({"example.org/a": "b"}, "d"))
    probe = container["livenessProbe"]["httpGet"]
    equal("probe", (probe["scheme"], probe["path"]), ("HTTPS", "/-/healthy"))
    equal("an object of the user's", find(objects, "ConfigMap", "mine")["data"], {"a": "b"})


def test_monitors():
    kinds = {"serviceMonitor": ("ServiceMonitor", "endpoints"), "podMonitor": ("PodMonitor", "podMetricsEndpoints")}
    settings = {
        "enabled": True,
        "additionalLabels": {"release": "prometheus"},
        "interval": "30s",
        "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "go_.*"}],
    }
    for key, (kind, endpoints) in kinds.items():
        objects, _ = helm({key: settings})
        monitor = find(objects, kind)
        labels = find(objects, "DaemonSet")["spec"]["template"]["metadata"]["labels"]
        true("it selects the agents", monitor["spec"]["selector"]["matchLabels"].items() <= labels.items())
        equal("where", monitor["spec"]["namespaceSelector"], {"matchNames": ["edgemeter"]})
        equal("its label", monitor["metadata"]["labels"]["release"], "prometheus")
        (endpoint,) = monitor["spec"][endpoints]
        wanted = {
            "port": "http",
            "path": "/metrics",
            "honorLabels": True,
            "interval": "30s",
            "metricRelabelings": settings["metricRelabelings"],
        }
        equal("the endpoint", endpoint, wanted)
    # What a ServiceMonitor selects is the Service.
    objects, _ = helm({"serviceMonitor": settings})
    selector = find(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    true("it selects the Service", selector.items() <= find(objects, "Service")["metadata"]["labels"].items())


def test_gateway_is_the_overlay():
    overlay = kustomize("kubernetes/overlays/federate")
    ingress = find(overlay, "Ingress", "edgemeter-gateway")
    values = {
        "gateway": {
            "enabled": True,
            "ingress": {
                "enabled": True,
                "annotations": ingress["metadata"]["annotations"],
                "hosts": [rule["host"] for rule in ingress["spec"]["rules"]],
                "tls": ingress["spec"]["tls"],
            },
        }
    }
    objects, _ = helm(values)
    kubernetes = manifests.Schema()
    equal("schema", [p for thing in objects for p in kubernetes.problems(thing)], [])
    equal("policy", policy.problems([o for o in objects if o["kind"] != "Pod"]), [])

    def gateways(objects):
        config = find(objects, "ConfigMap", "edgemeter-gateway")["metadata"]["name"]
        out = {}
        for thing in json.loads(json.dumps(objects).replace(config, "edgemeter-gateway")):
            if not thing["metadata"]["name"].startswith("edgemeter-gateway"):
                continue
            thing["metadata"].pop("labels", None)
            if thing["kind"] == "ConfigMap":
                thing["data"]["edgemeter.yml"] = parse(thing["data"]["edgemeter.yml"])[0]
                label = thing["data"]["edgemeter.yml"]["scrape_configs"][0]["kubernetes_sd_configs"][0]["selectors"][0]
                label["label"] = sorted(label["label"].split(","))
            if thing["kind"] == "Deployment":
                thing["spec"]["template"]["metadata"].pop("annotations", None)
            out[name_of(thing)] = thing
        return out

    chart, wanted = gateways(objects), gateways(overlay)
    equal("objects", sorted(chart), sorted(wanted))
    for name, thing in wanted.items():
        equal(name, chart[name], thing)


def test_switched_off():
    off = {
        "service": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "priorityClass": {"create": False},
        "existingConfigMap": "mine",
    }
    objects, notes = helm(off)
    equal("what is left", [name_of(o) for o in objects], ["DaemonSet edgemeter"])
    spec = objects[0]["spec"]["template"]["spec"]
    equal("service account", spec["serviceAccountName"], "mine")
    true("no class", "priorityClassName" not in spec)
    equal("configuration", next(v["configMap"]["name"] for v in spec["volumes"] if v["name"] == "config"), "mine")
    true("the notes do not know it", "nothing is sent" not in notes)


def test_privileged_is_the_overlay():
    chart = daemonset({"privileged": True})["spec"]["template"]["spec"]
    overlay = find(kustomize("kubernetes/overlays/privileged"), "DaemonSet")["spec"]["template"]["spec"]
    for spec in (chart, overlay):
        volume = next(volume for volume in spec["volumes"] if volume["name"] == "config")
        volume["configMap"]["name"] = "edgemeter"
    true("they are the same", chart == overlay)


def test_a_change_rolls():
    def checksum(values):
        return daemonset(values)["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    true("another configuration, another checksum", checksum({}) != checksum({"cluster": {"name": "edge-2"}}))
    true("the same for an argument", checksum({}) == checksum({"extraArgs": ["--log.level=debug"]}))


def test_names():
    objects, notes = helm({"cluster": {"name": "edge-1"}}, release="metrics", namespace="monitoring")
    equal("DaemonSet", find(objects, "DaemonSet", "metrics-edgemeter")["metadata"]["namespace"], "monitoring")
    binding = find(objects, "ClusterRoleBinding", "metrics-edgemeter")
    equal("subject", binding["subjects"][0]["namespace"], "monitoring")
    agents = [thing for thing in objects if thing["kind"] != "Pod"]
    equal("policy", policy.problems(agents), [])
    true("the notes name the DaemonSet", "daemonset/metrics-edgemeter" in notes)
    true("the notes name the cluster", '"edge-1"' in notes)
    true("the notes say what is missing", "nothing is sent" in notes)


def test_values_schema():
    with open(os.path.join(CHART, "values.schema.json")) as file:
        wanted = json.load(file)
    values = parse(manifests.read("helm/edgemeter/values.yaml"))[0]

    def problems(more):
        return schema.problems({**values, **more}, wanted, wanted)

    equal("values.yaml", problems({}), [])
    every = copy.deepcopy(EVERYTHING)
    every["httpMetrics"] = {**values["httpMetrics"], **every["httpMetrics"]}
    equal("everything", problems(every), [])
    equal("mutual TLS", problems(MUTUAL_TLS), [])
    equal("a platform's", problems({**PLATFORM, "queue": {}}), [])
    equal("keys without a schema", set(values) - set(wanted["properties"]), set())
    for mistake in (
        {"remotewrite": []},
        {"remoteWrite": [{"name": "no-url"}]},
        {"remoteWrite": [{"url": "prometheus:9090"}]},
        {"remoteWrite": [{"url": "http://h", "basicAuth": {"username": "edge", "password": "secret"}}]},
        {"remoteWrite": [{"url": "http://h", "tlsConfig": {"keyFile": 1}}]},
        {"remoteWrite": [{"url": "http://h", "queueConfig": {"max_shards": 1}}]},
        {"cluster": "edge-1"},
        {"scrapeInterval": "15"},
        {"scrapeConfigs": [{"jobName": "x"}]},
        {"resources": {"limit": {}}},
        {"privileged": "true"},
        {"serviceMonitor": {"enable": True}},
        {"podMonitor": {"path": "/federate"}},
        {"secrets": [{"name": "exporter-client"}]},
        {"priorityClassName": {"create": True}},
    ):
        true(f"refused: {mistake}", problems(mistake))


def test_version():
    with open(os.path.join(ROOT, "VERSION")) as file:
        version = file.read().strip()
    chart = parse(manifests.read("helm/edgemeter/Chart.yaml"))[0]
    equal("the chart's version", (chart["version"], chart["appVersion"]), (version, version))
    equal("image", container()["image"], f"edgemeter:{version}")


if __name__ == "__main__":
    run(
        test_same_as_kustomize,
        test_schema_and_policy,
        test_configuration,
        test_files_are_mounted,
        test_pod,
        test_what_a_platform_sets,
        test_monitors,
        test_gateway_is_the_overlay,
        test_switched_off,
        test_privileged_is_the_overlay,
        test_a_change_rolls,
        test_names,
        test_values_schema,
        test_version,
        metered=False,
    )
