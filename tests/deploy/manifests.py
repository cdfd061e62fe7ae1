# SPDX-License-Identifier: Apache-2.0
"""Objects of Kubernetes out of deploy/: rendered, and checked against Kubernetes' OpenAPI schema. What is
asserted about them is the tests' business."""

import base64
import binascii
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from cluster import ROOT, Unable  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

DEPLOY = os.path.join(ROOT, "deploy")


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


class Schema:
    """Kubernetes' OpenAPI 2.0 document. Unknown keys are problems, as for kubectl's strict validation."""

    def __init__(self):
        with open(fetch("swagger.json")) as file:
            self.definitions = json.load(file)["definitions"]
        self.kinds = {}
        for name, definition in self.definitions.items():
            for kind in definition.get("x-kubernetes-group-version-kind", []):
                group = f"{kind['group']}/" if kind["group"] else ""
                self.kinds[group + kind["version"], kind["kind"]] = name

    def problems(self, thing):
        kind = thing.get("apiVersion"), thing.get("kind")
        if kind not in self.kinds:
            return [f"Kubernetes has no {kind}"]
        return [
            f"{name_of(thing)}: {problem}"
            for problem in self._check("", thing, self.definitions[self.kinds[kind]])
        ]

    def _check(self, path, value, schema):
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self.definitions[name]
            if name.endswith(("util.intstr.IntOrString", "api.resource.Quantity")):
                if isinstance(value, bool) or not isinstance(value, (int, str)):
                    yield f"{path}: {value!r} is neither a number nor a text"
                return
        if value is None:
            yield f"{path}: null"
            return
        yield from self._check_type(path, value, schema)
        if isinstance(value, dict):
            yield from self._check_object(path, value, schema)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._check(f"{path}[{index}]", item, schema.get("items", {}))

    def _check_type(self, path, value, schema):
        types = {
            "object": dict,
            "array": list,
            "string": str,
            "boolean": bool,
            "integer": int,
            "number": (int, float),
        }
        wanted = types.get(schema.get("type"))
        number_is_bool = isinstance(value, bool) and wanted is not bool
        if wanted and (not isinstance(value, wanted) or number_is_bool):
            yield f"{path}: {value!r} is no {schema['type']}"
        elif schema.get("format") == "byte":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                yield f"{path}: no base64"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path}: {value!r} is none of {schema['enum']}"

    def _check_object(self, path, value, schema):
        properties = schema.get("properties")
        for key in schema.get("required", []):
            if key not in value:
                yield f"{path}.{key} is missing"
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{path}: the key {key!r} is no text"
            elif properties and key in properties:
                yield from self._check(f"{path}.{key}", item, properties[key])
            elif "additionalProperties" in schema:
                yield from self._check(f"{path}.{key}", item, schema["additionalProperties"])
            elif properties:
                yield f"{path}.{key} is unknown"
