# SPDX-License-Identifier: Apache-2.0
"""As much of Grafana's dashboard model as the dashboards here use (its kinds/dashboard), as a JSON schema for schema.py:
strict, so that a key that Grafana does not know is found."""

TEXT, BOOLEAN, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "number"}
TEXTS = {"type": "array", "items": TEXT}


def thing(required, optional=None):
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": {**required, **(optional or {})},
    }


def things(schema):
    return {"type": "array", "items": schema}


def whole(least, most):
    return {"type": "integer", "enum": list(range(least, most + 1))}


# The one that the user chooses in the dashboard, never one of the machine it was made on.
SOURCE = thing({"type": {"enum": ["prometheus"]}, "uid": {"enum": ["${datasource}"]}})
UNITS = ["short", "none", "percentunit", "s", "bytes", "Bps", "ops", "reqps"]
PLACE = thing({"x": whole(0, 23), "y": {"type": "integer"}, "w": whole(1, 24), "h": whole(1, 40)})
TARGET = thing(
    {"refId": TEXT, "datasource": SOURCE, "expr": TEXT, "legendFormat": TEXT},
    {"format": {"enum": ["table", "time_series", "heatmap"]}, "instant": BOOLEAN},
)
CUSTOM = thing(
    {},
    {
        "fillOpacity": whole(0, 100),
        "showPoints": {"enum": ["auto", "never", "always"]},
        "stacking": thing({"mode": {"enum": ["none", "normal", "percent"]}}),
    },
)
OPTIONS = {
    "timeseries": thing(
        {
            "legend": thing(
                {"displayMode": {"enum": ["list", "table", "hidden"]}, "placement": {"enum": ["bottom", "right"]}}
            ),
            "tooltip": thing({"mode": {"enum": ["single", "multi", "none"]}, "sort": {"enum": ["none", "asc", "desc"]}}),
        }
    ),
    "stat": thing({"reduceOptions": thing({"calcs": TEXTS})}),
    "table": thing({"showHeader": BOOLEAN}),
}


def panel(kind):
    common = {"id": {"type": "integer"}, "type": {"enum": [kind]}, "title": TEXT, "gridPos": PLACE}
    if kind == "row":
        return thing({**common, "collapsed": BOOLEAN, "panels": {"type": "array"}})
    defaults = thing({"unit": {"enum": UNITS}}, {"min": NUMBER, "max": NUMBER, "custom": CUSTOM})
    fields = thing({"defaults": defaults, "overrides": {"type": "array"}})
    more = {"datasource": SOURCE, "fieldConfig": fields, "options": OPTIONS[kind], "targets": things(TARGET)}
    return thing({**common, **more}, {"description": TEXT})


PANELS = {kind: panel(kind) for kind in ("row", *OPTIONS)}
COMMON = {"name": TEXT, "label": TEXT, "current": {"type": "object"}}
VARIABLES = {
    "datasource": thing({**COMMON, "type": {"enum": ["datasource"]}, "query": {"enum": ["prometheus"]}}),
    "query": thing(
        {
            **COMMON,
            "type": {"enum": ["query"]},
            "datasource": SOURCE,
            "query": thing({"query": TEXT, "refId": TEXT}),
            "definition": TEXT,
            "refresh": whole(0, 2),
            "sort": whole(0, 8),
        },
        {"includeAll": BOOLEAN, "multi": BOOLEAN, "allValue": TEXT},
    ),
}
LINK = thing(
    {
        "type": {"enum": ["link", "dashboards"]},
        "title": TEXT,
        "icon": TEXT,
        "tooltip": TEXT,
        "url": TEXT,
        "tags": TEXTS,
        "asDropdown": BOOLEAN,
        "targetBlank": BOOLEAN,
        "includeVars": BOOLEAN,
        "keepTime": BOOLEAN,
    }
)
# Panels and variables are looked at by their kind.
DASHBOARD = thing(
    {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{8,40}$"},
        "title": TEXT,
        "tags": TEXTS,
        "schemaVersion": {"type": "integer"},
        "editable": BOOLEAN,
        "graphTooltip": whole(0, 2),
        "refresh": {"type": "string", "pattern": "^[0-9]+[smh]$"},
        "time": thing({"from": TEXT, "to": TEXT}),
        "timezone": TEXT,
        "templating": thing({"list": things({"type": "object"})}),
        "annotations": thing({"list": {"type": "array"}}),
        "links": things(LINK),
        "panels": things({"type": "object"}),
    }
)
