# SPDX-License-Identifier: Apache-2.0
"""What the stand-in API server keeps: objects, the history of their changes by resourceVersion, and
the selectors over them. Speaks no HTTP."""

import copy
import re
import threading
import time
import uuid

KINDS = {"pods": "Pod", "nodes": "Node", "namespaces": "Namespace"}

# The fields that the real server selects by; anything else is an error, as there.
FIELDS = {
    "pods": (
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("metadata.name", "spec.unschedulable"),
    "namespaces": ("metadata.name", "status.phase"),
}


class BadSelector(Exception):
    pass


def field_of(item, path):
    value = item
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return {True: "true", False: "false"}.get(value, str(value))


def field_selector(resource, text):
    """A predicate over objects; BadSelector for what the server does not know."""
    terms = []
    for term in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", term)
        if not match:
            raise BadSelector(f"invalid selector: '{text}'; can't understand '{term}'")
        name, operator, value = match.groups()
        if name not in FIELDS[resource]:
            raise BadSelector(
                f'Unable to find "/v1, Resource={resource}" that match label selector "", '
                f'field selector "{text}": field label not supported: {name}'
            )
        terms.append((name, operator != "!=", value))
    return lambda item: all((field_of(item, n) == v) == same for n, same, v in terms)


def label_selector(text):
    terms = []
    # Commas in parentheses separate values, the others terms.
    for term in filter(None, re.split(r",(?![^(]*\))", text)):
        term = term.strip()
        among = re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", term)
        equal = re.fullmatch(r"([^=!\s]+)\s*(==|!=|=)\s*([^=!\s]*)", term)
        exists = re.fullmatch(r"(!?)([A-Za-z0-9][\w./-]*)", term)
        if among:
            values = {value.strip() for value in among[3].split(",")}
            terms.append((among[1], among[2] == "in", values))
        elif equal:
            terms.append((equal[1], equal[2] != "!=", {equal[3]}))
        elif exists:
            terms.append((exists[2], not exists[1], None))
        else:
            raise BadSelector(f"unable to parse requirement: found '{term}'")

    def matches(item):
        labels = item["metadata"].get("labels") or {}
        return all(
            ((name in labels) if values is None else labels.get(name) in values) == wanted
            for name, wanted, values in terms
        )

    return matches


def key_of(item):
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


class Store:
    """Objects are never changed in place: what a watcher was given stays as it was."""

    def __init__(self):
        self.changed = threading.Condition()
        self.revision = 1
        self.objects = {resource: {} for resource in KINDS}
        self.history = {resource: [] for resource in KINDS}  # (revision, type, new, old)
        self.compacted = 0  # what happened up to here is forgotten

    def put(self, resource, item):
        """Creates or replaces; gives the object as it is stored."""
        item = copy.deepcopy(item)
        metadata = item["metadata"]
        with self.changed:
            old = self.objects[resource].get(key_of(item))
            self.revision += 1
            if old:
                metadata.setdefault("uid", old["metadata"]["uid"])
                metadata.setdefault("creationTimestamp", old["metadata"]["creationTimestamp"])
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault(
                "creationTimestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            )
            metadata["resourceVersion"] = str(self.revision)
            self.objects[resource][key_of(item)] = item
            self._record(resource, "MODIFIED" if old else "ADDED", item, old)
        return item

    def delete(self, resource, namespace, name):
        with self.changed:
            old = self.objects[resource].pop((namespace, name))
            self.revision += 1
            item = copy.deepcopy(old)
            item["metadata"]["resourceVersion"] = str(self.revision)
            self._record(resource, "DELETED", item, old)

    def _record(self, resource, kind, new, old):
        self.history[resource].append((self.revision, kind, new, old))
        self.changed.notify_all()

    def get(self, resource, namespace, name):
        return self.objects[resource].get((namespace, name))

    def advance(self, revisions=1):
        """Other resources change: the revision goes on."""
        with self.changed:
            self.revision += revisions

    def compact(self):
        """Forgets the history: a watch from an older resourceVersion is refused."""
        with self.changed:
            self.compacted = self.revision
            for resource in self.history:
                self.history[resource] = []

    def select(self, resource, predicate):
        """The objects in the order of their keys, and the revision at which they are so."""
        with self.changed:
            items = self.objects[resource]
            chosen = [items[key] for key in sorted(items) if predicate(items[key])]
            return chosen, self.revision

    def events_after(self, resource, revision, predicate):
        """As a watcher with a selector sees them: what moves into it is added, what moves out of it
        deleted. The caller holds `changed`."""
        events = []
        for at, kind, new, old in reversed(self.history[resource]):
            if at <= revision:
                break
            was = old is not None and predicate(old)
            now = kind != "DELETED" and predicate(new)
            if was and now:
                events.append(("MODIFIED", new))
            elif now:
                events.append(("ADDED", new))
            elif was:
                events.append(("DELETED", new))
        return events[::-1]
