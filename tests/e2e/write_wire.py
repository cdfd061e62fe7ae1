# SPDX-License-Identifier: Apache-2.0
"""Remote write as bytes: snappy blocks and both protobuf messages, read by hand. Knows nothing of
HTTP."""

import struct


def unsnappy(block):
    """One snappy block; ValueError where it is not one."""
    length, at = varint(block, 0)
    out = bytearray()
    while at < len(block):
        tag = block[at]
        at += 1
        if tag & 3 == 0:  # a literal
            size = (tag >> 2) + 1
            if size > 60:
                extra = size - 60
                size = int.from_bytes(block[at : at + extra], "little") + 1
                at += extra
            out += block[at : at + size]
            at += size
            continue
        if tag & 3 == 1:
            size = (tag >> 2 & 7) + 4
            offset = (tag >> 5) << 8 | block[at]
            at += 1
        else:
            size = (tag >> 2) + 1
            width = 2 if tag & 3 == 2 else 4
            offset = int.from_bytes(block[at : at + width], "little")
            at += width
        if not 0 < offset <= len(out):
            raise ValueError("a copy from before the beginning")
        start = len(out) - offset
        if offset >= size:
            out += out[start : start + size]
        else:
            piece = bytes(out[start:])
            out += (piece * (size // offset + 1))[:size]
    if len(out) != length:
        raise ValueError(f"{len(out)} bytes instead of {length}")
    return bytes(out)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """(number, value) of a message: int for varints, bytes for the rest."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at : at + 8], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > len(data):
                raise ValueError("a member that is longer than its message")
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def double(value):
    return struct.unpack("<d", value)[0]


def packed(data):
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


class Series:
    """One TimeSeries: labels as a sorted tuple of pairs, samples as (timestamp ms, value)."""

    def __init__(self):
        self.labels = ()
        self.samples = []
        self.histograms = []  # (timestamp ms, count)
        self.histogram_bytes = []  # of each, its whole message
        self.exemplars = []  # (labels, value)
        self.metadata = None  # (type, help, unit)
        self.created = 0


def _sample(data):
    value, timestamp = 0.0, 0
    for number, member in fields(data):
        if number == 1:
            value = double(member)
        elif number == 2:
            timestamp = signed(member)
    return timestamp, value


def _histogram(data):
    count, timestamp = 0, 0
    for number, member in fields(data):
        if number == 1:
            count = member
        elif number == 2:
            count = double(member)
        elif number == 15:
            timestamp = signed(member)
    return timestamp, count


def _label(data):
    pair = {number: member.decode() for number, member in fields(data)}
    return pair.get(1, ""), pair.get(2, "")


def _exemplar(data, labels_of):
    labels, value = [], 0.0
    for number, member in fields(data):
        if number == 1:
            labels += labels_of(member)
        elif number == 2:
            value = double(member)
    return tuple(labels), value


def read_v1(data):
    """A WriteRequest: (list of Series, list of metadata as (type, family, help, unit))."""
    found, metadata = [], []
    for number, member in fields(data):
        if number == 3:
            entry = dict(fields(member))
            text = lambda n: entry.get(n, b"").decode()
            metadata.append((entry.get(1, 0), text(2), text(4), text(5)))
            continue
        series, labels = Series(), []
        for inner, value in fields(member):
            if inner == 1:
                labels.append(_label(value))
            elif inner == 2:
                series.samples.append(_sample(value))
            elif inner == 3:
                series.exemplars.append(_exemplar(value, lambda one: [_label(one)]))
            elif inner == 4:
                series.histograms.append(_histogram(value))
                series.histogram_bytes.append(value)
        series.labels = tuple(labels)
        found.append(series)
    return found, metadata


def read_v2(data):
    """A Request: a list of Series."""
    symbols, found = [], []
    members = list(fields(data))
    symbols = [member.decode() for number, member in members if number == 4]
    if symbols and symbols[0]:
        raise ValueError("the first symbol is not empty")

    def labels_of(refs):
        numbers = packed(refs)
        return [
            (symbols[name], symbols[value]) for name, value in zip(numbers[::2], numbers[1::2])
        ]

    for number, member in members:
        if number != 5:
            continue
        series = Series()
        for inner, value in fields(member):
            if inner == 1:
                series.labels = tuple(labels_of(value))
            elif inner == 2:
                series.samples.append(_sample(value))
            elif inner == 3:
                series.histograms.append(_histogram(value))
                series.histogram_bytes.append(value)
            elif inner == 4:
                series.exemplars.append(_exemplar(value, labels_of))
            elif inner == 5:
                entry = dict(fields(value))
                series.metadata = (entry.get(1, 0), symbols[entry.get(3, 0)], symbols[entry.get(4, 0)])
            elif inner == 6:
                series.created = signed(value)
        found.append(series)
    return found
