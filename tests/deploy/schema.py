# SPDX-License-Identifier: Apache-2.0
"""Values against a JSON schema: as much of it as Kubernetes' OpenAPI document and the chart's schema use."""

import base64
import binascii
import re

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def problems(value, schema, document, strict=False):
    """What is wrong, a text for each. `document` holds what $ref names; strict: keys without a schema are wrong
    also where additionalProperties does not say so."""
    return list(Checker(document, strict).check("", value, schema))


class Checker:
    def __init__(self, document, strict):
        self.document = document
        self.strict = strict

    def check(self, path, value, schema):
        while "$ref" in schema:
            place = self.document
            for key in schema["$ref"].split("/")[1:]:
                place = place[key]
            schema = place
        if not self.type_fits(value, schema):
            yield f"{path}: {value!r} is no {schema['type']}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path}: {value!r} is none of {schema['enum']}"
        if isinstance(value, dict):
            yield from self.check_object(path, value, schema)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.check(f"{path}[{index}]", item, schema.get("items", {}))
        elif isinstance(value, str):
            yield from self.check_text(path, value, schema)

    @staticmethod
    def type_fits(value, schema):
        wanted = schema.get("type", [])
        wanted = wanted if isinstance(wanted, list) else [wanted]
        if value is None:
            return False
        return not wanted or any(
            isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
            for name in wanted
        )

    @staticmethod
    def check_text(path, value, schema):
        if not re.search(schema.get("pattern", ""), value):
            yield f"{path}: {value!r} does not match {schema['pattern']}"
        if schema.get("format") == "byte":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                yield f"{path}: no base64"

    def check_object(self, path, value, schema):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", not (self.strict and known))
        for key in schema.get("required", []):
            if key not in value:
                yield f"{path}.{key} is missing"
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{path}: the key {key!r} is no text"
            elif key in known:
                yield from self.check(f"{path}.{key}", item, known[key])
            elif others is False:
                yield f"{path}.{key} is unknown"
            elif others is not True:
                yield from self.check(f"{path}.{key}", item, others)
