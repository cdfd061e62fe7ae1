# SPDX-License-Identifier: Apache-2.0
"""Pages of the protobuf exposition format, written member by member, good ones and bad ones."""

import random
import struct

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)
STALE_NAN = 0x7FF0000000000002
INF, NAN = float("inf"), float("nan")


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def tag(field, kind):
    return varint(field << 3 | kind)


def number(field, value):
    return tag(field, 0) + varint(value)


def signed(field, value):
    return number(field, (value << 1) ^ (value >> 63))


def double(field, value):
    return tag(field, 1) + struct.pack("<d", value)


def bits(field, value):
    return tag(field, 1) + struct.pack("<Q", value)


def text(field, value):
    return tag(field, 2) + varint(len(value)) + value


def label(name, value):
    return text(1, name) + text(2, value)


def labels(**pairs):
    return b"".join(text(1, label(name.encode(), value)) for name, value in pairs.items())


def time(field, seconds, nanos=0):
    return text(field, (number(1, seconds) if seconds else b"") + (number(2, nanos) if nanos else b""))


def exemplar(field, value, at=None, **pairs):
    stamp = time(3, *at) if at else b""
    return text(field, labels(**pairs) + double(2, value) + stamp)


def metric(*members):
    return text(4, b"".join(members))


def counter(value, *more):
    return text(3, double(1, value) + b"".join(more))


def gauge(value):
    return text(2, double(1, value))


def untyped(value):
    return text(5, double(1, value))


def summary(count, total, *more):
    return text(4, number(1, count) + double(2, total) + b"".join(more))


def quantile(q, value):
    return text(3, double(1, q) + double(2, value))


def histogram(*members):
    return text(7, b"".join(members))


def bucket(bound, count, *more):
    return text(3, number(1, count) + double(2, bound) + b"".join(more))


def span(field, offset, length):
    return text(field, signed(1, offset) + number(2, length))


def deltas(field, *values):
    return b"".join(signed(field, value) for value in values)


def packed_deltas(field, *values):
    return text(field, b"".join(varint((value << 1) ^ (value >> 63)) for value in values))


def counts(field, *values):
    return b"".join(double(field, value) for value in values)


def packed_counts(field, *values):
    return text(field, struct.pack(f"<{len(values)}d", *values))


def family(name, kind, *metrics, help=None, unit=None):
    members = text(1, name) + (text(2, help) if help is not None else b"")
    members += (number(3, kind) if kind else b"") + b"".join(metrics)
    return framed(members + (text(5, unit) if unit is not None else b""))


def framed(message):
    return varint(len(message)) + message


NATIVE = (
    number(1, 5),
    double(2, 12.5),
    signed(5, 3),
    double(6, 0.001),
    number(7, 1),
    span(12, -2, 2),
    span(12, 3, 1),
    deltas(13, 1, 1, -1),
)
CLASSIC = (
    bucket(0.5, 1),
    bucket(1, 3, exemplar(3, 0.7, id=b"x")),
    bucket(INF, 5, exemplar(3, 9, (1700000000, 5000000), id=b"y")),
)


def plain_cases():
    one = metric(counter(1))
    yield from [
        b"",
        family(b"a", COUNTER, one),
        family(b"a_total", COUNTER, metric(counter(1.5)), help=b"text"),
        family(b"a", GAUGE, metric(gauge(-1.5)), help=b""),
        family(b"a", UNTYPED, metric(untyped(0.1))),
        family(b"a", COUNTER, one) + family(b"b", GAUGE, metric(gauge(2)), metric(labels(x=b"y"), gauge(3))),
        family(b"a", GAUGE, metric(labels(x=b"y", z=b""), gauge(1))),
        family(b"a", GAUGE, metric(labels(b=b"1", a=b"2"), gauge(1))),
        family(b"a", GAUGE, metric(labels(le=b"1", quantile=b"1"), gauge(1))),
        family(b"a", GAUGE, metric(labels(x=b'"\\\n\t'), gauge(1)), help=b'"\\\n\\n'),
        family(b"a", GAUGE, metric(labels(x=b"\x00"), gauge(1))),
        family(b"a", GAUGE, metric(labels(x="ä€😀".encode()), gauge(1)), help="ä".encode()),
        family(b"a", GAUGE, metric(labels(x=b"\xff"), gauge(1))),
        family(b"a", GAUGE, metric(gauge(1)), help=b"\xff"),
        family(b"a", GAUGE, metric(text(1, label(b"\xff", b"x")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, label(b"", b"x")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, text(2, b"x")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, text(1, b"x")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, label(b"la bel", b"x")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, label(b"x", b"1")), text(1, label(b"x", b"2")), gauge(1))),
        family(b"a", GAUGE, metric(text(1, label(b"__name__", b"b")), gauge(1))),
        family(b"my.metric", GAUGE, metric(gauge(1))),
        family(b"", GAUGE, metric(gauge(1))),
        family(b"\xff", GAUGE, metric(gauge(1))),
        family(b"a\x00b", GAUGE, metric(gauge(1))),
        framed(metric(gauge(1))),
        framed(b""),
        b"\x00",
        b"\x00\x00\x00" + family(b"a", COUNTER, one),
        family(b"", GAUGE),
        family(b"\xff", 9),
        family(b"a", COUNTER),
        family(b"a", 6, one),
        family(b"a", -1, one),
        family(b"a", GAUGE, one),
        family(b"a", COUNTER, metric(gauge(1))),
        family(b"a", COUNTER, metric()),
        family(b"a", SUMMARY, metric()),
        family(b"a", HISTOGRAM, metric()),
        family(b"a", COUNTER, metric(gauge(1), counter(2))),
        family(b"a", COUNTER, metric(counter(1), counter(2))),
        family(b"a_s", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"a_s_total", COUNTER, one, unit=b"s"),
        family(b"a_s", COUNTER, one, unit=b"s"),
        family(b"a", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"s", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"_s", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"as", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"a", GAUGE, metric(gauge(1)), unit=b""),
        family(b"a_s_total", GAUGE, metric(gauge(1)), unit=b"s"),
        family(b"a", GAUGE, metric(gauge(1), number(6, 1600000000000))),
        family(b"a", GAUGE, metric(gauge(1), number(6, 0))),
        family(b"a", GAUGE, metric(gauge(1), number(6, -1))),
        family(b"a", GAUGE, metric(gauge(INF))) + family(b"b", GAUGE, metric(gauge(-INF))),
        family(b"a", GAUGE, metric(gauge(NAN))),
        family(b"a", GAUGE, metric(text(2, bits(1, 0x7FF8000000000ABC)))),
        family(b"a", GAUGE, metric(text(2, bits(1, 0xFFF8000000000000)))),
        family(b"a", GAUGE, metric(gauge(1)), metric(gauge(2))),
        # members in another order, twice, unknown, of the wrong type, cut
        framed(metric(gauge(1)) + number(3, GAUGE) + text(2, b"h") + text(1, b"a")),
        framed(text(1, b"x") + number(3, COUNTER) + metric(gauge(1)) + text(1, b"a") + number(3, GAUGE)),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1)) + number(99, 7) + text(98, b"x") + double(97, 1)),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1), number(99, 7), text(98, b"x"))),
        framed(text(1, b"a") + number(3, GAUGE) + metric(text(2, double(1, 1) + number(99, 7)))),
        framed(text(1, b"a") + number(3, GAUGE) + tag(96, 5) + b"abcd" + metric(gauge(1))),
        framed(number(1, 5) + metric(gauge(1))),
        framed(text(1, b"a") + text(3, b"x") + metric(gauge(1))),
        framed(text(1, b"a") + number(4, 1)),
        framed(text(1, b"a") + number(3, GAUGE) + metric(number(2, 1))),
        framed(text(1, b"a") + number(3, GAUGE) + metric(text(2, number(1, 1)))),
        framed(text(1, b"a") + number(3, GAUGE) + metric(text(2, tag(1, 1) + b"abc"))),
        framed(text(1, b"a") + number(3, GAUGE) + text(4, b"\x12\x7f")),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1)) + b"\x00"),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1)) + b"\x0c"),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1)) + b"\xff" * 11),
        framed(text(1, b"a") + number(3, GAUGE) + metric(gauge(1)) + b"\x0a\x7fx"),
        family(b"a", COUNTER, one)[:-1],
        family(b"a", COUNTER, one)[:1],
        family(b"a", COUNTER, one) + b"\x05",
        family(b"a", COUNTER, one) + b"\x80",
        b"\x80\x80\x80\x80\x80\x01",
        b"\xff\xff\xff\xff\x7f",
        b"\xff" * 10 + b"\x01",
        b"a 1\n",
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5, id=b"x")))),
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5, (1700000000, 123456789), id=b"x", b=b"y")))),
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5, (0, 0), id=b"x")))),
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5)))),
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5, id=b"x" * 127)))),
        family(b"a", COUNTER, metric(counter(1, exemplar(2, 0.5, id=b"\\n\"")))),
        family(b"a", COUNTER, metric(counter(1, time(3, 1600000000)))),
        family(b"a", SUMMARY, metric(summary(5, 12.5))),
        family(b"a", SUMMARY, metric(labels(x=b"y"), summary(5, 12.5, quantile(0.5, 1), quantile(1, 2), time(4, 1600000000)))),
        family(b"a", SUMMARY, metric(summary(5, 12.5, quantile(NAN, 1), quantile(0, NAN)))),
        family(b"a", SUMMARY, metric(labels(quantile=b"1"), summary(5, 12.5))),
        family(b"a", SUMMARY, metric(labels(quantile=b"1"), summary(5, 12.5, quantile(0.5, 1)))),
        family(b"a", SUMMARY, metric(summary(5, 1)), metric(labels(x=b"y"), summary(6, 2)), help=b"h"),
    ]


def histogram_cases():
    yield from [
        family(b"h", HISTOGRAM, metric(histogram(number(1, 5), double(2, 12.5), *CLASSIC)), help=b"h"),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 5), double(2, 12.5), bucket(1, 3)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 5), double(2, 12.5)))),
        family(b"h", HISTOGRAM, metric(histogram(bucket(1, 3), bucket(INF, 5), bucket(2, 4)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), bucket(1e6, 1), bucket(123456789, 2)))),
        family(b"h", HISTOGRAM, metric(histogram(double(4, 2.5), double(2, 1), text(3, double(4, 1.5) + double(2, 1))))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 7), double(4, -1), bucket(1, 1)))),
        family(b"h", HISTOGRAM, metric(labels(le=b"x"), histogram(number(1, 1), bucket(1, 1)))),
        family(b"h", HISTOGRAM, metric(labels(x=b"y"), histogram(number(1, 5), *CLASSIC), number(6, 1600000000000))),
        family(b"h", GAUGE_HISTOGRAM, metric(histogram(number(1, 5), double(2, 12.5), *CLASSIC))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE)), help=b"h"),
        family(b"h", HISTOGRAM, metric(labels(x=b"y"), histogram(*NATIVE, *CLASSIC))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, *CLASSIC)), metric(labels(x=b"y"), histogram(*NATIVE))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 1))), metric(labels(x=b"y"), histogram(number(1, 1), number(7, 1)))),
        family(b"h", GAUGE_HISTOGRAM, metric(histogram(*NATIVE))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), signed(5, 3), span(12, 0, 0)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), signed(5, 3), double(6, 0.1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 1), signed(5, 3), number(7, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), signed(5, 3)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 6), span(12, 1, 4), deltas(13, 1, 1, -2, 3)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 6), span(12, 1, 4), packed_deltas(13, 1, 1, -2, 3)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 1), span(12, 1, 3), deltas(13, 0, 0, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 1), span(12, 1, 3), deltas(13, 1, -1, 0)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), span(12, 1, 2), deltas(13, 0, 0)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), span(12, 1, 1), span(12, 0, 1), deltas(13, 1, 0)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), span(12, 1, 1), span(12, 0, 0), span(12, 2, 1), deltas(13, 1, 0)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 4), span(12, 0, 1), deltas(13, 1), span(9, 0, 2), deltas(10, 1, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), signed(5, -4), span(12, -9, 1), deltas(13, 2)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), signed(5, 8), span(12, 999, 1), deltas(13, 2)))),
        # float counts
        family(b"h", HISTOGRAM, metric(histogram(double(4, 2.5), double(2, 1), span(12, 0, 2), counts(14, 1, 1.5)))),
        family(b"h", HISTOGRAM, metric(histogram(double(4, 2.5), span(12, 0, 3), packed_counts(14, 1, 0, 1.5), double(6, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(double(8, 0.5), double(6, 0.1), double(4, 0.5)))),
        family(b"h", HISTOGRAM, metric(histogram(double(4, 9), span(12, 0, 1), counts(14, 1), span(9, 0, 1), counts(11, 2)))),
        family(b"h", GAUGE_HISTOGRAM, metric(histogram(double(4, 1), span(12, 0, 1), counts(14, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(double(4, 1), span(12, 0, 1), counts(14, -1)))),
        family(b"h", HISTOGRAM, metric(histogram(double(4, -1), span(12, 0, 1), counts(14, 1)))),
        # contradictions; not among them spans with another number of buckets than there are counts:
        # they end Prometheus 3.5.3 (index out of range)
        family(b"h", HISTOGRAM, metric(histogram(number(1, 9), span(12, 0, 1), deltas(13, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), span(12, 0, 1), deltas(13, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 9), double(2, NAN), span(12, 0, 1), deltas(13, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 0), double(2, NAN), span(12, 0, 1), deltas(13, 1)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 1), span(12, 0, 2), deltas(13, 1, -2)))),
        family(b"h", HISTOGRAM, metric(histogram(number(1, 2), span(12, 5, 1), span(12, -1, 1), deltas(13, 1, 0)))),
        # exemplars
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, exemplar(16, 1, (1700000000, 0), id=b"x"), exemplar(16, 2, (1700000001, 0), id=b"y")))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, exemplar(16, 2, (1700000001, 0), id=b"y"), exemplar(16, 1, (1700000000, 0), id=b"x")))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, exemplar(16, 1, id=b"x"), exemplar(16, 2, (1700000001, 0), id=b"y")))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, exemplar(16, 2, (1700000001, 0), id=b"y"), exemplar(16, 1, id=b"x")))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, exemplar(16, 1, id=b"x")))),
        family(b"h", HISTOGRAM, metric(histogram(
            *NATIVE, bucket(1, 3, exemplar(3, 0.7, (1700000002, 0), id=b"x")), bucket(2, 4, exemplar(3, 9, id=b"z")),
            bucket(3, 4, exemplar(3, 2.5, (1700000001, 0), id=b"y"))))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, *CLASSIC, exemplar(16, 1, (1700000000, 0), id=b"z")))),
        family(b"h", HISTOGRAM, metric(histogram(*NATIVE, time(15, 1600000000)))),
    ]


def random_side(chance, spans_field, values_field, is_float):
    """(members, sum of the counts): spans of small gaps, some buckets empty."""
    spans, values = [], []
    for i in range(chance.randrange(0, 5)):
        length = chance.randrange(1, 6)
        spans.append(span(spans_field, chance.randrange(0 if i else -20, 9), length))
        values += [chance.choice((0, 1, 2, 5, 70)) for _ in range(length)]
    if is_float:
        return spans + [counts(values_field + 1, *(value / 2 for value in values))], sum(values) / 2
    steps = [b - a for a, b in zip([0, *values], values)]
    return spans + [deltas(values_field, *steps)], sum(values)


def native_cases():
    """Histograms of every schema, of integers and floats."""
    chance = random.Random(4)
    for i in range(78):
        is_float = i % 3 == 2
        above, many = random_side(chance, 12, 13, is_float)
        below, few = random_side(chance, 9, 10, is_float)
        count = double(4, many + few + 1.5) if is_float else number(1, many + few + 1)
        zero = double(8, 1.5) if is_float else number(7, 1)
        schema = signed(5, i % 13 - 4)
        page = histogram(count, double(2, 12.5), schema, double(6, 0.001), zero, *above, *below)
        yield family(b"h", GAUGE_HISTOGRAM if i % 7 == 0 else HISTOGRAM, metric(page))
    # two metrics of one page: one that keeps the limit and one that cannot
    few = histogram(number(1, 2), signed(5, 2), span(12, 0, 2), deltas(13, 1, 0))
    many = histogram(number(1, 9), signed(5, -4), *(span(12, 5, 1) for _ in range(9)), deltas(13, 1, *[0] * 8))
    yield family(b"h", HISTOGRAM, metric(few), metric(labels(x=b"y"), many))
    yield family(b"h", HISTOGRAM, metric(labels(x=b"y"), many), metric(few)) + family(b"g", GAUGE, metric(gauge(1)))
