# SPDX-License-Identifier: Apache-2.0
"""Pages of classic histograms in text, good ones and bad ones, for a Prometheus that converts them to
native histograms with custom buckets. Without the # EOF that makes them OpenMetrics."""

import random

TYPE = "# TYPE h histogram\n"
PLAIN = 'h_bucket{le="0.1"} 1\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 5\nh_sum 12.5\nh_count 5\n'
OTHER = PLAIN.replace("h_", "i_")


def buckets(*counts, bounds=None, labels="", name="h"):
    """Lines of the buckets up to 1, 2, ...; the last one is +Inf's."""
    bounds = bounds or [*map(str, range(1, len(counts))), "+Inf"]
    return "".join(
        f'{name}_bucket{{{labels}le="{bound}"}} {count}\n' for bound, count in zip(bounds, counts)
    )


def whole(*counts, **more):
    name, labels = more.get("name", "h"), more.get("labels", "")
    own = "{" + labels + "}" if labels else ""
    return buckets(*counts, **more) + f"{name}_sum{own} 1.5\n{name}_count{own} {counts[-1]}\n"


def fixed():
    inf = 'h_bucket{le="+Inf"} 5\n'
    series = [
        # what is there, and in which order
        PLAIN,
        "h_sum 12.5\nh_count 5\n" + PLAIN.partition("h_sum")[0],
        'h_bucket{le="1"} 3\nh_sum 12.5\n' + inf + 'h_count 5\nh_bucket{le="0.1"} 1\n',
        "h_count 5\n", "h_sum 1\n", "h_sum 1\nh_count 5\n", inf, "h_count 0\nh_sum 0\n", "h_count 5\nh_sum NaN\n",
        buckets(1, 3, 5), buckets(1, 3, 5) + "h_count 5\n", buckets(1, 3, 5) + "h_sum 1\n",
        buckets(1, 3, bounds=("1", "2")), buckets(1, 3, bounds=("1", "2")) + "h_count 5\n",
        buckets(1, 3, bounds=("1", "2")) + "h_count 3\n", buckets(5, 3, 1, bounds=("+Inf", "2", "1")),
        buckets(3, 1, 5, bounds=("2", "1", "+Inf")), buckets(3, 4, 5, bounds=("2", "1", "+Inf")),
        # counts that do not add up
        buckets(1, 3, 5) + "h_count 6\n", buckets(3, 1, 5), buckets(1, 3, 2), buckets(-1, 3, 5), buckets(1, 3, 5) + "h_count -5\n",
        buckets(1, 3, 5) + "h_count 4\nh_count 5\n", buckets(1, 3, 5) + "h_sum 1\nh_sum 2\n", buckets("NaN", 3, 5), buckets(1, "NaN", 5),
        buckets(1, 3, "NaN"), buckets(1, 3, 5) + "h_count NaN\n", buckets(1, 3, "+Inf"), buckets(1, "+Inf", "+Inf") + "h_count +Inf\n",
        # bounds
        *(f'h_bucket{{le="{bound}"}} 1\n{inf}' for bound in ("x", "", "NaN", "1e6", "01.50", "-1", "0", "-0", "1e-300", "0.30000000000000004")),
        inf + inf,
        'h_bucket{le="1"} 1\nh_bucket{le="1"} 1\nh_bucket{le="1"} -1\n' + inf, "h_bucket 1\n" + PLAIN, 'h_bucket{x="y"} 1\n' + PLAIN,
        # fractions and large numbers
        buckets(0.5, 1, 1.5), buckets(1, 3, 5.5) + "h_sum 0.1\nh_count 5.5\n", buckets(1, 3, 5) + "h_count 5.0\n", buckets(0.1, 0.1, 0.3, 0.3),
        buckets(1, "1e3", "1e15"), buckets(1, "9007199254740993", "9007199254740993"), buckets(3, "1152921504606846976", "1152921504606846976"),
        buckets(1, "9223372036854774784", "9223372036854774784"), buckets(1, "9223372036854775808", "9223372036854775808"), buckets(1, 2, "1e19"),
        # empty buckets
        buckets(0, 0, 0), buckets(0, 1, 1), buckets(1, 1, 1), buckets(0, 0, 5), buckets(1, 1, 2), buckets(1, 1, 1, 2), buckets(1, 1, 1, 1, 2),
        buckets(1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4), buckets(0.5, 0.5, 1), buckets(0.5, 0.5, 0.5, 0.5, 1), buckets(0, 0, 0.5, 0.5), buckets("0", "-0", "1"),
        # labels
        whole(1, 3, 5, labels='a="b",'), whole(1, 3, 5, labels='a="b",') + whole(1, 2, 3, labels='a="c",') + whole(0, 0, 3),
        'h_bucket{a="1",le="1",b="2"} 1\nh_bucket{b="2",le="+Inf",a="1"} 2\nh_count{b="2",a="1"} 2\n', 'h_bucket{le="1",} 1\nh_bucket{ le="+Inf"} 2\nh_count{} 2\n',
        'h_bucket{a="x\\"y\\\\z\\n",le="1"} 1\nh_bucket{a="x\\"y\\\\z\\n",le="+Inf"} 2\n', 'h_bucket{a="",le="+Inf"} 2\nh_count{a=""} 2\n',
        whole(1, 2, labels='a="\xe4",') + whole(1, 2, labels='a="\xe4\xe4",'), '{"h_bucket",le="1"} 1\n{"h_count"} 1\n', 'h_bucket{"le"="1"} 1\nh_count 1\n',
        'h_bucket{a="1",le="+Inf"} 1\nh_bucket{a="2",le="+Inf"} 1\nh_count{a="1"} 1\nh_count{a="2"} 1\n', 'h_bucket{job="x",le="+Inf"} 1\nh_count{job="x"} 1\n',
        # what is no part of one
        PLAIN + "h_max 7\nh_min 1\n", "h_max 7\n" + PLAIN, 'h_bucket{le="1"} 1\nh_max 7\n' + inf, PLAIN + "other 1\n",
        PLAIN + OTHER, OTHER + PLAIN, PLAIN + "i_count 1\n", 'h_bucket{le="1"} 1\nh_bucket{le="x"} 2\n' + inf, PLAIN + PLAIN, PLAIN + "\n\n" + OTHER,
        "h_bucket_count 1\nh_count_sum 1\nh_sum_bucket 1\n", "h_count_bucket 1\n" + PLAIN,
    ]
    yield from (TYPE + page for page in series)
    yield from [
        PLAIN, "# HELP h x\n" + TYPE + PLAIN, TYPE + "# HELP h x\n" + PLAIN, TYPE + PLAIN + "# TYPE i histogram\n" + OTHER + "# TYPE g gauge\ng 1\n",
        *(f"# TYPE h {kind}\n" + PLAIN for kind in ("counter", "gauge", "summary")),
        "# TYPE h_count histogram\n" + PLAIN, "# TYPE h_bucket histogram\n" + PLAIN, "# TYPE i histogram\n" + PLAIN, TYPE + "# TYPE i histogram\n" + PLAIN,
        TYPE + "# TYPE h gauge\n" + PLAIN, "# TYPE h gauge\n" + TYPE + PLAIN, TYPE + "# TYPE h_count gauge\nh_count 1\n",
        TYPE + 'h_bucket{le="1"} 3\n# TYPE g gauge\ng 1\n' + inf,
        TYPE + whole(2, 1, 3) + "# TYPE i histogram\n" + OTHER, TYPE + "h_count -1\n# TYPE i histogram\n" + OTHER,
        '# TYPE "h.x" histogram\n{"h.x_bucket",le="1",a="b"} 1\n{"h.x_count",a="b"} 1\n', "# TYPE h_count histogram\n" + whole(1, 2, name="h_count"),
        "# TYPE g gauge\ng 1\n" + TYPE + PLAIN + 'g{a="b"} 1\n', TYPE + PLAIN + "bad line here\n",
        # what goes wrong at one histogram spoils the next ones in Prometheus, but not here
        TYPE + f'h_bucket{{le="-Inf"}} 0\n{inf}', TYPE + buckets(1, 3, bounds=("1", "2")) + "h_count 2\n",
    ]


def repeated():
    """A series twice, which both a server's storage and a receiver take once."""
    inf = 'h_bucket{le="+Inf"} 5\n'
    yield TYPE + 'h_bucket{le="1"} 1\nh_bucket{le="1.0"} 2\n' + inf
    yield TYPE + 'h_bucket{le="1"} 1\nh_bucket{le="2"} 2\nh_bucket{le="1.0"} 2\n' + inf
    yield TYPE + 'h_bucket{le="inf"} 4\n' + inf
    yield TYPE + 'h_bucket{le="+INF"} 5\n' + inf


def created():
    """Prometheus takes no _created behind these, of whatever it is."""
    yield TYPE + PLAIN + "h_created 1.5\n"
    yield TYPE + "h_created 1.5\n" + PLAIN
    yield TYPE + 'h_bucket{a="b",le="1"} 1 # {id="a"} 0.5 1600000000\nh_created{a="b"} 1.5\nh_bucket{a="c",le="1"} 2\n'


def texts():
    """Of classic text alone."""
    yield "# TYPE h untyped\n" + PLAIN
    yield TYPE + PLAIN + "# a comment\n" + "g 1\n"
    yield TYPE + 'h_bucket{le="1"} 3\n# a comment\nh_bucket{le="+Inf"} 5\n'


def openmetrics():
    with_times = 'h_bucket{le="1"} 1 # {id="a"} 0.5 1600000000.5\nh_bucket{le="2"} 2 # {id="b"} 1.5 1600000000\nh_bucket{le="+Inf"} 3\nh_count 3\n'
    yield from (
        TYPE + page
        for page in (
            with_times, with_times.replace(" 1600000000.5", ""), with_times.replace("1600000000.5", "1600000000"),
            'h_bucket{le="+Inf"} 3 # {id="a"} 0.5 1600000000\n', 'h_bucket{le="+Inf"} 3 # {id="a"} 0.5\n',
            'h_count 3 # {id="a"} 0.5 1600000000\nh_sum 3 # {id="b"} 0.5 1600000001\n', 'h_bucket{le="1"} 3 # {} 0.5 1600000000\n',
            'h_bucket{le="1"} 2 # {id="a"} 0.5 1600000000\nh_bucket{le="2"} 1 # {id="b"} 0.5 1600000000\n' + "i_count 1\n",
            'h_bucket{le="x"} 3 # {id="a"} 0.5 1600000000\n',
            'h_bucket{a="1",le="1"} 3 # {id="a"} 0.5 1600000000\nh_bucket{a="2",le="1"} 3 # {id="b"} 0.5 1600000000\n',
        )
    )
    yield "# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n# HELP h_seconds x\n" + PLAIN.replace("h_", "h_seconds_")
    yield "# TYPE h gaugehistogram\n" + PLAIN.replace("h_sum", "h_gsum").replace("h_count", "h_gcount")
    yield "# TYPE h gaugehistogram\n" + PLAIN


def chance(number):
    """Histograms of which all may be wrong that can be, though mostly it is not."""
    dice = random.Random(number)
    lines = []
    for index in range(dice.randrange(1, 4)):
        labels = f'a="{index}",' if index or dice.random() < 0.5 else ""
        own = "{" + labels + "}" if labels else ""
        step = dice.choice((1, 1, 1, 0.25))
        count, series = 0, []
        for bound in sorted(dice.sample(range(-3, 40), dice.randrange(0, 14))):
            count += dice.choice((0, 0, 0, 0, 1, 1, 2, 7)) * step
            series.append(f'h_bucket{{{labels}le="{bound / 4}"}} {count:g}')
        if dice.random() < 0.8:
            count += dice.choice((0, 0, 3)) * step
            series.append(f'h_bucket{{{labels}le="+Inf"}} {count:g}')
        if dice.random() < 0.8:
            series.append(f"h_sum{own} {dice.choice((0, 1, 12.75, -3))}")
        if dice.random() < 0.8:
            series.append(f"h_count{own} {count + (dice.random() < 0.05):g}")
        if dice.random() < 0.2:
            dice.shuffle(series)
        lines += series
    return TYPE + "\n".join(lines) + "\n"


def text_cases(*more):
    for page in [*fixed(), *texts(), *more, *map(chance, range(120))]:
        yield page.encode()


def openmetrics_cases(*more):
    for page in [*fixed(), *openmetrics(), *more, *map(chance, range(1000, 1040))]:
        yield (page.replace("\n\n\n", "\n") + "# EOF\n").encode()
