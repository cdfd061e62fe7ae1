# SPDX-License-Identifier: Apache-2.0
"""A remote-write 2.0 receiver that keeps what it gets, decoded, for the recorders of this folder.

Knows just enough of snappy and protobuf to read what Prometheus sends; refuses nothing.
"""

import http.server
import struct
import threading


def unsnappy(data):
    """The block format: a length, then literals and copies."""
    length, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind, size = tag & 3, (tag >> 2) + 1
        if kind == 0:
            if size > 60:
                extra = size - 60
                size = int.from_bytes(data[at : at + extra], "little") + 1
                at += extra
            out += data[at : at + size]
            at += size
            continue
        if kind == 1:
            size = ((tag >> 2) & 7) + 4
            offset = (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            offset = int.from_bytes(data[at : at + width], "little")
            at += width
        for _ in range(size):
            out.append(out[-offset])
    assert len(out) == length
    return bytes(out)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def members(data):
    """Yields (field number, value): an int for varints, bytes for everything else."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            value = data[at : at + size]
            at += size
        else:
            size = 8 if kind == 1 else 4
            value = data[at : at + size]
            at += size
        yield tag >> 3, value


def packed(data):
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def zigzag(value):
    return (value >> 1) ^ -(value & 1)


def double_bits(data):
    return struct.unpack("<Q", data)[0]


class Sample:
    """Of one series, at one time: `bits` of a float, or a histogram (a dictionary)."""

    def __init__(self, labels, timestamp, bits=None, histogram=None):
        self.labels = labels  # [(name, value)] as bytes, in the order sent
        self.name = dict(labels).get(b"__name__")
        self.timestamp = timestamp
        self.bits = bits
        self.histogram = histogram


class Exemplar:
    def __init__(self, series, labels, timestamp, bits):
        self.series, self.labels, self.timestamp, self.bits = series, labels, timestamp, bits


def read_value(data):
    bits, timestamp = 0, 0
    for field, value in members(data):
        if field == 1:
            bits = double_bits(value)
        elif field == 2:
            timestamp = signed(value)
    return timestamp, bits


def read_exemplar(series, data, symbols):
    labels, bits, timestamp = [], 0, 0
    for field, value in members(data):
        if field == 1:
            labels = read_labels(value, symbols)
        elif field == 2:
            bits = double_bits(value)
        elif field == 3:
            timestamp = signed(value)
    return Exemplar(series, labels, timestamp, bits)


def read_span(data):
    span = {1: 0, 2: 0}
    span.update(members(data))
    return zigzag(span[1]), span[2]


def read_histogram(data):
    h = {"float": False, "hint": 0, "count": 0, "zero_count": 0, "sum": 0, "schema": 0}
    h.update(zero_threshold=0, timestamp=0, negative=([], []), positive=([], []), custom=[])
    for field, value in members(data):
        if field in (1, 6):
            h["count" if field == 1 else "zero_count"] = value
        elif field in (2, 7):
            h["float"] = True
            h["count" if field == 2 else "zero_count"] = double_bits(value)
        elif field in (3, 5):
            h["sum" if field == 3 else "zero_threshold"] = double_bits(value)
        elif field == 4:
            h["schema"] = zigzag(value)
        elif field in (8, 11):
            h["negative" if field == 8 else "positive"][0].append(read_span(value))
        elif field in (9, 12):
            h["negative" if field == 9 else "positive"][1].extend(map(zigzag, packed(value)))
        elif field in (10, 13):
            counts = [double_bits(value[i : i + 8]) for i in range(0, len(value), 8)]
            h["negative" if field == 10 else "positive"][1].extend(counts)
        elif field == 14:
            h["hint"] = value
        elif field == 15:
            h["timestamp"] = signed(value)
        elif field == 16:
            h["custom"] += [double_bits(value[i : i + 8]) for i in range(0, len(value), 8)]
    return h


def read_metadata(data, symbols):
    fields = {1: 0, 3: 0, 4: 0}
    fields.update(members(data))
    return fields[1], symbols[fields[3]], symbols[fields[4]]


def read_labels(data, symbols):
    refs = list(packed(data))
    return [(symbols[refs[i]], symbols[refs[i + 1]]) for i in range(0, len(refs), 2)]


class Receiver:
    """`samples`, `exemplars` and `metadata` (labels -> (type, help, unit)) in order of arrival."""

    def __init__(self):
        self.samples, self.exemplars, self.metadata = [], [], {}
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.take(unsnappy(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, data):
        parts = list(members(data))
        symbols = [value for field, value in parts if field == 4]
        for field, value in parts:
            if field == 5:
                self.take_series(list(members(value)), symbols)

    def take_series(self, parts, symbols):
        labels = []
        for field, value in parts:
            if field == 1:
                labels = read_labels(value, symbols)
        for field, value in parts:
            if field == 2:
                timestamp, bits = read_value(value)
                self.samples.append(Sample(labels, timestamp, bits=bits))
            elif field == 3:
                histogram = read_histogram(value)
                self.samples.append(Sample(labels, histogram["timestamp"], histogram=histogram))
            elif field == 4:
                self.exemplars.append(read_exemplar(labels, value, symbols))
            elif field == 5:
                self.metadata[tuple(labels)] = read_metadata(value, symbols)
