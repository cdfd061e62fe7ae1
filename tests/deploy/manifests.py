# SPDX-License-Identifier: Apache-2.0
"""Objects of Kubernetes out of deploy/: rendered, and checked against Kubernetes' OpenAPI schema. What is
asserted about them is the tests' business."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import schema  # noqa: E402
from cluster import BUILD, EDGEMETER, ROOT, Unable  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

DEPLOY = os.path.join(ROOT, "deploy")
CHART = os.path.join(DEPLOY, "helm", "edgemeter")


def fetch(file):
    done = subprocess.run([os.path.join(HERE, "fetch"), file], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Unable(f"no {file}: tests/deploy/fetch failed (above)")
    return done.stdout.strip()


class UniqueKeys(getattr(yaml, "SafeLoader", object)):
    """A key given twice is an error, as it is to Kubernetes."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"{node.start_mark}: given twice: {twice}")
        return super().construct_mapping(node, deep)


def parse(text):
    """The documents of a YAML text that are not empty."""
    if not yaml:
        raise Unable("not installed: python3-yaml (run: tools/install-deps)")
    return [document for document in yaml.load_all(text, UniqueKeys) if document]


def read(*path):
    with open(os.path.join(DEPLOY, *path)) as file:
        return file.read()


def kustomize(*path):
    folder = os.path.join(DEPLOY, *path)
    return parse(subprocess.check_output([fetch("kubectl"), "kustomize", folder], text=True))


def chart_renderer():
    """tests/deploy/chart/render.go, built when it is newer."""
    source = os.path.join(HERE, "chart", "render.go")
    program = os.path.join(BUILD, "tests", "deploy", "render_chart")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    if not shutil.which("go"):
        raise Unable("not installed: golang-go (run: tools/install-deps)")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": os.path.join(BUILD, "go-cache"),
    }
    subprocess.run(["go", "build", "-o", program, source], env=environment, check=True)
    return program


def helm(values=None, release="edgemeter", namespace="edgemeter"):
    """The objects of the chart, as `helm template` gives them; RuntimeError says why there are none."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump(values or {}, file)
        file.flush()
        done = subprocess.run(
            [chart_renderer(), CHART, release, namespace, file.name], capture_output=True, text=True
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    notes = re.search(r"^---\n# Source: templates/NOTES.txt\n(.*?)(?=^---$)", done.stdout, re.M | re.S)
    return parse(done.stdout.replace(notes.group(0), "")), notes.group(1)


def name_of(thing):
    return f"{thing['kind']} {thing['metadata']['name']}"


def find(objects, kind, name="edgemeter"):
    """The one object of that kind and name, whatever hash its name ends with."""
    pattern = re.compile(re.escape(name) + r"(-[a-z0-9]{10})?$")
    found = [o for o in objects if o["kind"] == kind and pattern.match(o["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {kind} {name}")
    return found[0]


def pod_specs(objects):
    for thing in objects:
        template = thing if thing["kind"] == "Pod" else thing.get("spec", {}).get("template")
        if template:
            yield name_of(thing), template["spec"]


def configuration(objects, name="edgemeter"):
    return parse(find(objects, "ConfigMap", name)["data"]["edgemeter.yml"])[0]


def check_config(text):
    """What `edgemeter check-config` finds wrong. The files of Secrets are where the configuration names them,
    but in a folder of ours."""
    with tempfile.TemporaryDirectory() as folder:
        text = re.sub(r"/etc/(?=edgemeter-)", f"{folder}/", text)
        for secret in re.findall(rf"{folder}/[^\s\"]+", text):
            os.makedirs(os.path.dirname(secret), exist_ok=True)
            with open(secret, "w") as file:
                file.write("secret")
        path = f"{folder}/edgemeter.yml"
        with open(path, "w") as file:
            file.write(text)
        done = subprocess.run([EDGEMETER, "check-config", path], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


class Schema:
    """Kubernetes' OpenAPI 2.0 document. Unknown keys are problems, as for kubectl's strict validation."""

    def __init__(self):
        with open(fetch("swagger.json")) as file:
            self.document = json.load(file)
        self.kinds = {}
        for name, definition in self.document["definitions"].items():
            for kind in definition.get("x-kubernetes-group-version-kind", []):
                group = f"{kind['group']}/" if kind["group"] else ""
                self.kinds[group + kind["version"], kind["kind"]] = definition
            # Texts by their description, but numbers are taken too.
            if name.endswith(("util.intstr.IntOrString", "api.resource.Quantity")):
                definition["type"] = ["string", "number"]

    def problems(self, thing):
        kind = thing.get("apiVersion"), thing.get("kind")
        if kind not in self.kinds:
            return [f"Kubernetes has no {kind}"]
        found = schema.problems(thing, self.kinds[kind], self.document, strict=True)
        return [f"{name_of(thing)}: {problem}" for problem in found]
