# SPDX-License-Identifier: Apache-2.0
"""The pages that record_exposition.py serves to a real Prometheus, and how."""

import exposition_nhcb
from exposition_protobuf import histogram_cases, native_cases, number, plain_cases

# Values: the same in both text formats.
NUMBERS = """
0 -0 +0 1 -1 +1 1.5 .5 5. 0.1 1e3 1E3 1e+3 1e-3 1.e2 .5e1 007 00.10 1e400 -1e400 1e-400 -1e-400
179769313486231570814527423731704356798070e267 1.7976931348623157e308 1.7976931348623159e308
4.9406564584124654e-324 2.4703282292062327e-324 2.4703282292062328e-324 2.2250738585072011e-308
9007199254740993 9007199254740995 18446744073709551616 123456789012345678901234567890
0.30000000000000004 0.1e-1 1.00000000000000011102230246251565404236316680908203125
1.00000000000000011102230246251565404236316680908203126 8.3835e-05 1e22 1e23 1e-22 1e-23
Inf +Inf -Inf inf -INF infinity +Infinity -infinitY infin in NaN nan NAN +nan -nan nan(1) NaNx
0x10 0x1p-2 0X1P3 1_000 1__0 0b1 0o7 1e 1e+ 1e_3 e1 . + - -- --1 +-1 1.2.3 1e2e3 1,5 1d 1f 1L
true null 1:2 1% \xc2\xbd \xd9\xa1
""".encode("latin-1").split()

LABELS = [
    b"{}", b'{b="c"}', b'{b="c",}', b'{b="c",d="e"}', b'{b="c",d="e",}', b'{b=""}', b'{_b9="c"}',
    b'{b="c"d="e"}', b'{b="c" d="e"}', b'{ b="c"}', b'{b ="c"}', b'{b= "c"}', b'{b="c" }',
    b'{b="c" ,d="e"}', b'{b="c", d="e"}', b"{ }", b"{,}", b'{,b="c"}', b'{b="c",,}', b'{b="c",,d="e"}',
    b'{b="c"', b"{", b"{b}", b"{b=}", b"{b=c}", b"{b='c'}", b'{b"c"}', b'{="c"}', b'{1b="c"}',
    b'{b-c="d"}', b'{b:c="d"}', b'{b.c="d"}', b'{b="c"}}', b'{{b="c"}', b'{b=="c"}', b'{b="c}',
    b'{b="x\\ny"}', b'{b="x\\\\y"}', b'{b="x\\"y"}', b'{b="x\\ty"}', b'{b="x\\"}', b'{b="\\\\"}',
    b'{b="\\\\\\""}', b'{b="x\ty"}', b'{b="x\ny"}', b'{b="\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"}',
    b'{b="\xff"}', b'{b="\xc3"}', b'{b="\xc0\xaf"}', b'{b="\xed\xa0\x80"}', b'{b="\xf4\x90\x80\x80"}',
    b'{b="{}=, #"}', b'{b="c",b="d"}', b'{b="c",b=""}', b'{__name__="d"}', b'{__x="y"}',
    b'{"la bel"="x"}', b'{"la\\"bel"="x"}', b'{"l\\\\a\\nb"="x"}', b'{""="x"}', b'{"\xff"="x"}',
    b'{"b"="c","d"="e"}', b'{"b" = "c"}', b'{"x"}', b'{"x",b="c"}', b'{b="c","x"}', b'{"l\nb"="x"}',
]

NAMES = [b"a", b"_", b":", b"a:b_C9", b"a9", b"9a", b"a.b", b"a-b", b"\xc3\xa4", b'"a"', b"'a'", b"-", b""]

# Not among them: `{a} 1`, which ends Prometheus 3.5.3 (slice bounds out of range).
QUOTED = [
    b'{"my.metric"} 1', b'{"my.metric",b="c"} 1', b'{b="c","my.metric"} 1', b'{"my.metric",} 1',
    b'{"a","b"} 1', b'{"",b="c"} 1', b'{b="c"} 1', b"{} 1", b'{__name__="a"} 1', b'{"a b"}1',
    b'{"a\\"b\\\\\\n"} 1', b'{"my.metric"', b'{"my.metric} 1', b'{"a" "b"="c"} 1',
    b'{"a\nb"} 1', b'{"\xc3\xa4"} 1', b'{"\xff"} 1', b'{"a"}{b="c"} 1', b'a{"b"} 1', b'"a"{b="c"} 1',
]


# Of families: names over several lines, names of no UTF-8, and where a NUL may stand.
FAMILIES = [
    b'# TYPE "a\nb" counter\n{"a\nb",c="d"} 3.14\n', b'# HELP "a\nb\nc" x y\n{"a\nb\nc"} 1\nd x\n', b'# TYPE "a\n" nothing\nc 1\n',
    b'# HELP "x y\na{b="c"} 1\nb 2\n', b'# TYPE "x\\\ny" counter\na 1\n', b'# HELP "a\n"\n{"a\n"} 1\n', b'# HELP "a\n" \tx\n{"a\n"} 1\n',
    b'# TYPE "a\\"\nb" gauge\n{"a\\"\nb"} 1\n', b'# HELP "a" x "\n" b\nc 1\n', b'# TYPES "a\nc 1\n', b'a 1\n# HELP "b c\nd 1\n',
    b'# TYPE "\xff" counter\na 1\n', b'# HELP "\xff" x\na 1\n', b'# HELP "a\x00" x\na 1\n', b'{"a\x00b"} 1\n', b'a{"b\x00"="c"} 1\n',
    b'a{b="\\\x00"} 1\n', b'{"a",b="\x00"} 1\n',
]

# Where Go's ParseFloat takes more than a sample's value may be.
BOUNDS = b"""1_0 1_000.5_0 1e1_0 -1_0.5 0_1 1__0 _1 1_ 1_. 1._5 1_e5 1e_5 0x10 0x1p4 0X1P-2 +0x1.8p1 -0x.8p3 0x_1p4 0x1_0p0
0x1p1_0 0x1p 0xp1 0x.p1 0x1p+ 0x1p2000 0x1p-1074 0x1p-1075 0x1.fffffffffffff8p0 0b1 0o7 0x1_p1 1p2 in_f""".split()


def text_cases():
    yield from (b"a " + number + b"\n" for number in NUMBERS)
    yield from (b"a" + labels + b" 1\n" for labels in LABELS)
    yield from (name + b" 1\n" for name in NAMES)
    yield from (page + b"\n" for page in QUOTED)
    yield from FAMILIES
    yield from [
        b"", b"\n", b" ", b"\n\n", b" \t \n", b"a", b"a\n", b"a 1", b"a 1 ", b"a\t1\n", b"a  1\n", b" a 1\n",
        b"\ta 1\n", b"a 1 \n", b"a 1\t\n", b"a 1\n\n\nb 2\n", b"a 1\r\n", b"\r\n", b"a 1\rb 2\n", b"a 1\x0bb\n",
        b"a 1\x00\n", b"a\x00 1\n", b"\x00", b"\x00a 1\n", b"a 1\n\x00b 2\n", b"a 1\n\x00", b'a{b="\x00"} 1\n',
        b'a{b\x00="c"} 1\n', b'a {b="c"} 1\n', b'a\t{b="c"} 1\n', b'a{b="c"}1\n', b'a{b="c"}\t1\n',
        b'a{b="c"}{d="e"} 1\n', b"a{} {} 1\n", b"a 1{\n", b"a #1\n", b"a 1 #x\n", b"a 1 # x\n", b"a 1 # {} 1\n",
        b"a 1 2\n", b"a 1 0\n", b"a 1 007\n", b"a 1 -1\n", b"a 1 +1\n", b"a 1 1.5\n", b"a 1 1e3\n", b"a 1 x\n",
        b"a 1 2 3\n", b"a 1 2 \n", b"a 1 2\t\n", b"a 1 2\r\n", b"a 1 2x\n", b"a 1 1_0\n", b"a 1\t2\n",
        b"a 1 9223372036854775807\n", b"a 1 9223372036854775808\n", b"a 1 99999999999999999999\n",
        b"a 1 1600000000000\nb 2 1600000000001\n", b"a 1\na 2\n", b'a{b="c",d="e"} 1\na{d="e",b="c"} 2\n',
        b'a{b="c"} 1\na{ b="c" } 2\n', b"a 1 1000\na 2 2000\n", b"a 1\nbad\nb 1\n", b"a 1\nb 1",
        b"#", b"#\n", b"##\n", b"#a\n", b"# a\n", b"# \n", b"#\t\n", b" # a\n", b"\t#a\n", b"# \xff\na 1\n", b"# \x00\na 1\n",
        b"#\x00\na 1\n", b"# EOF\n", b"# EOF\na 1\n", b"# UNIT a_s s\na_s 1\n", b"#TYPE a x\na 1\n", b"# type a x\na 1\n",
        b"# TYPE\na 1\n", b"# HELP\na 1\n", b"# TYPE \na 1\n", b"# HELP \na 1\n", b"# TYPE a\na 1\n", b"# HELP a\na 1\n",
        b"# TYPE a \na 1\n", b"# HELP a \na 1\n", b"# HELP a  \na 1\n", b"# TYPE a counter\na 1\n", b"# TYPE a gauge\na 1\n",
        b"# TYPE a untyped\na 1\n", b"# TYPE a unknown\na 1\n", b"# TYPE a info\na 1\n", b"# TYPE a stateset\na 1\n",
        b"# TYPE a gaugehistogram\na 1\n", b"# TYPE a Counter\na 1\n", b"# TYPE a  counter\na 1\n", b"# TYPE a counter \na 1\n",
        b"# TYPE a counter\r\na 1\n", b"# TYPE a\tcounter\na 1\n", b"#\tTYPE\ta\tcounter\na 1\n", b"#  TYPE  a counter\na 1\n",
        b" # TYPE a counter\na 1\n", b"# TYPEX a counter\na 1\n", b"# TYPE 1a counter\na 1\n", b"# TYPE a-b counter\na 1\n",
        b'# TYPE "my.metric" counter\n{"my.metric"} 1\n', b'# TYPE "my.metric counter\na 1\n', b'# TYPE "" counter\na 1\n',
        b'# HELP "my.metric" x\n{"my.metric"} 1\n', b'# TYPE "a" counter\na 1\n', b"# HELP a x y  z\na 1\n",
        b"# HELP a x\\ny\\\\z\\\"q\\t\na 1\n", b"# HELP a \xc3\xa4\na 1\n", b"# HELP a \xff\na 1\n", b"# HELP a x\x00y\na 1\n",
        b"# HELP a x\r\na 1\n", b"# HELP a x", b"# TYPE a counter", b"# HELP a x\n# TYPE a gauge\na 1\n",
        b"# TYPE a gauge\n# HELP a x\na 1\n", b"# HELP a x\n# HELP a y\na 1\n", b"# TYPE a gauge\n# TYPE a counter\na 1\n",
        b"# HELP a x\na 1\n# HELP a y\nb 1\n", b"# HELP a x\n# TYPE b gauge\na 1\nb 1\n", b"# TYPE a_total counter\na_total 1\n",
        b'# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\nh_max 1\n',
        b'# TYPE s summary\ns{quantile="1"} 1\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\n',
        b'# TYPE g gauge\ng{le="1",quantile="1"} 1\n', b'# TYPE h histogram\nx{le="1"} 1\n', b'h_bucket{le="1"} 1\n',
        b'# TYPE h histogram\nh_bucket{le="1e6"} 1\nh_bucket{le="x"} 1\nh_bucket{le="1.0"} 2\nh_bucket{le="0"} 1\nh_bucket{le=""} 1\n',
        b'# TYPE h histogram\nh_bucket{le="NaN"} 1\nh_bucket{le="-Inf"} 1\nh_bucket{le="inf"} 1\nh_bucket{le="0x1p1"} 1\n',
        b'# TYPE h histogram\nh_bucket{le="1000000"} 1\nh_bucket{le="123456789"} 1\nh_bucket{le="0.00001"} 1\nh_bucket{le="-0"} 1\n',
        b'# TYPE h histogram\nh_bucket{le="1e400"} 1\nh_bucket{le="1_0"} 1\nh_bucket{le=" 1"} 1\n',
        b'# TYPE s summary\n# HELP x y\ns{quantile="1"} 1\n', b'# TYPE s summary\n# TYPE g gauge\ns{quantile="1"} 1\n',
        *(b'# TYPE h histogram\nh_bucket{le="' + bound + b'"} 1\n' for bound in BOUNDS),
        b'a{b="x\\\ny"} 1\n', b'a{b="x\\\\\ny"} 1\n', b'{"a","b\\\nc"="d"} 1\n', b'{"a\\\nb"} 1\n',
        b"# TYPE a gauge\na 1\n# HELP a x\na{b=\"c\"} 1\n", b"# HELP a x\nb 1\n# TYPE a gauge\na 1\n",
        b"# HELP a x\n# TYPE a gauge\na 1\n# TYPE a counter\na{b=\"c\"} 1\n",
        b'b 1\n{"a",__name__=""} 1\n', b'a{__name__=""} 1\n',
        b'a{exported="1",le="2"} 1\n', b"a{" + b",".join(b'l%d="x"' % i for i in range(100)) + b"} 1\n",
        b'a{b="' + b"x" * 5000 + b'"} 1\n', b"a" * 3000 + b" 1\n", b"a " + b"0" * 1000 + b"1\n", b"a 0." + b"3" * 1000 + b"\n",
    ]


def openmetrics_cases():
    eof = b"# EOF\n"
    yield from (b"a " + number + b"\n" + eof for number in NUMBERS)
    yield from (b"a" + labels + b" 1\n" + eof for labels in LABELS)
    yield from (name + b" 1\n" + eof for name in NAMES)
    yield from (page + b"\n" + eof for page in QUOTED)
    yield from (page + eof for page in FAMILIES)
    yield from (b"a 1 # {" + labels + b"} 1\n" + eof for labels in (
        b'b="\x00"', b'b="c",d="e\x00f"', b'"b\x00"="c"', b'b="\\\x00"'))
    yield from (b"a 1 # " + labels + b" 1\n" + eof for labels in LABELS)
    for number in b"0 1 1.5 -1.5 1e3 1600000000.1234 1.9999 -0.0019 0.0005 NaN Inf -Inf 1e400 x 0x1p2 1_0 +1 . 1e".split():
        yield b"a 1 " + number + b"\n" + eof
        yield b"a 1 # {} 1 " + number + b"\n" + eof
        yield b"a 1 # {} " + number + b"\n" + eof
    yield from [
        b"", b"\n", b"# EOF", b"# EOF\n", b"# EOF\n\n", b"# EOF ", b"# EOFx", b"#EOF\n", b"#  EOF\n", b"# eof\n", b" # EOF\n",
        b"# EOF\r\n", b"# EOF\na 1\n", b"# EOF\n# EOF\n", b"# EOF# EOF\n", b"a 1\n", b"a 1", b"a 1\n# EO", b"a 1\n#", b"a 1# EOF\n",
        b"a 1 # EOF\n", b"\n# EOF\n", b"a 1\n\n# EOF\n", b" a 1\n# EOF\n", b"a  1\n# EOF\n", b"a\t1\n# EOF\n", b"a 1 \n# EOF\n",
        b"a 1\t\n# EOF\n", b"a 1\r\n# EOF\n", b"a\n# EOF\n", b"a \n# EOF\n", b'a {b="c"} 1\n# EOF\n', b'a{b="c"}1\n# EOF\n',
        b'a{b="c"}  1\n# EOF\n', b'a{b="c"}{d="e"} 1\n# EOF\n', b"a 1 2\n# EOF\n", b"a 1  2\n# EOF\n", b"a 1 2 \n# EOF\n",
        b"a 1 2 3\n# EOF\n", b"a 1 1600000000000\n# EOF\n", b"a 1 1e300\n# EOF\n", b"a 1 -1e300\n# EOF\n", b"a 1 9223372036854775.8\n# EOF\n",
        b"a 1 1\na 2 2\n# EOF\n", b"a 1\na 2\n# EOF\n", b"a 1\x00\n# EOF\n", b"a\x00 1\n# EOF\n", b'a{b="\x00"} 1\n# EOF\n',
        b"\x00# EOF\n", b"# EOF\n\x00", b"# EOF\x00", b"# HELP a x\x00y\na 1\n# EOF\n", b"#\n# EOF\n", b"# \n# EOF\n", b"# comment\n# EOF\n",
        b"#comment\n# EOF\n", b"# TYPE\n# EOF\n", b"# TYPE \n# EOF\n", b"# TYPE a\n# EOF\n", b"# TYPE a \n# EOF\n", b"# HELP a\n# EOF\n",
        b"# HELP a \na 1\n# EOF\n", b"# HELP a  x \na 1\n# EOF\n", b"#  HELP a x\n# EOF\n", b"# HELP  a x\n# EOF\n", b"# HELP\ta x\n# EOF\n",
        b"# HELP a x\\ny\\\\z\\\"q\\t\na 1\n# EOF\n", b"# HELP a \xc3\xa4\na 1\n# EOF\n", b"# HELP a \xff\na 1\n# EOF\n", b"# HELP a x",
        b"# HELP 1a x\n# EOF\n", b"# HELP a.b x\n# EOF\n", b'# HELP "a.b" x\n{"a.b"} 1\n# EOF\n', b'# HELP "a.b x\n# EOF\n',
        b'# HELP "a\nb" x\n{"a\nb"} 1\n# EOF\n', b'# HELP "" x\n# EOF\n', b'# TYPE "a.b"  gauge\n# EOF\n', b"# TYPE a counter\na_total 1\n# EOF\n",
        b"# TYPE a counter\na 1\n# EOF\n", b"# TYPE a_total counter\na_total 1\n# EOF\n", b"# TYPE a gauge\na 1\n# EOF\n",
        b"# TYPE a unknown\na 1\n# EOF\n", b"# TYPE a untyped\na 1\n# EOF\n", b"# TYPE a info\na_info{b=\"c\"} 1\n# EOF\n",
        b'# TYPE a stateset\na{a="x"} 1\na{a="y"} 0\n# EOF\n', b"# TYPE a  gauge\n# EOF\n", b"# TYPE a gauge \n# EOF\n", b"# TYPE a Gauge\n# EOF\n",
        b'# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\nh_created 1.5\n# EOF\n',
        b'# TYPE h gaugehistogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_gsum 1\nh_gcount 1\n# EOF\n',
        b'# TYPE s summary\ns{quantile="1"} 1\ns_sum 1\ns_count 1\ns_created 1.5\n# EOF\n', b"# TYPE a counter\na_total 1\na_created 1.5\n# EOF\n",
        b"# UNIT a_s s\na_s 1\n# EOF\n", b"# UNIT a_s x\n# EOF\n", b"# UNIT s s\n# EOF\n", b"# UNIT as s\n# EOF\n", b"# UNIT _s s\n# EOF\n",
        b"# UNIT a \na 1\n# EOF\n", b"# UNIT a\n# EOF\n", b"# UNIT a_s  s\n# EOF\n", b'# UNIT "a.b_s" s\n{"a.b_s"} 1\n# EOF\n',
        b"# TYPE a_s counter\n# UNIT a_s s\n# HELP a_s x\na_s_total 1\n# EOF\n", b"# TYPE a gauge\n# TYPE a counter\na 1\n# EOF\n",
        b"a_total 1 # {id=\"x\"} 0.5 1600000000.5\n# EOF\n", b"a 1 # {id=\"x\"}\n# EOF\n", b"a 1 #{id=\"x\"} 1\n# EOF\n", b"a 1 # id=\"x\" 1\n# EOF\n",
        b"a 1  # {id=\"x\"} 1\n# EOF\n", b"a 1 #  {id=\"x\"} 1\n# EOF\n", b"a 1 # {id=\"x\"}  1\n# EOF\n", b"a 1 # {id=\"x\"} 1 \n# EOF\n",
        b"a 1 # {id=\"x\"} 1 2 3\n# EOF\n", b"a 1 # {id=\"x\"} 1 # {id=\"y\"} 1\n# EOF\n", b"a 1 2 # {id=\"x\"} 1\n# EOF\n",
        b"a 1 # {id=\"x\"} 1\nb 1 # {id=\"y\"} 2\n# EOF\n", b"a 1 # {id=\"" + b"x" * 126 + b"\"} 1\n# EOF\n",
        b"a 1 # {id=\"" + b"x" * 127 + b"\"} 1\n# EOF\n", b"a 1 # {id=\"" + b"\xc3\xa4" * 126 + b"\"} 1\n# EOF\n", b"a 1 # {b=\"2\",a=\"1\"} 1\n# EOF\n",
        b'# TYPE h histogram\nh_bucket{le="1"} 1 # {id="x"} 0.5\nh_bucket{le="+Inf"} 2 # {id="y"} 1.5 1600000000\nh_sum 1\nh_count 2\n# EOF\n',
        b'# TYPE h histogram\nh_bucket{le="1e6"} 1\nh_bucket{le="x"} 1\nh_bucket{le="0"} 1\n# EOF\n', b'# TYPE s summary\ns{quantile="1"} 1\n# TYPE g gauge\ng{quantile="1"} 1\n# EOF\n',
        b"a{" + b",".join(b'l%d="x"' % i for i in range(100)) + b"} 1\n# EOF\n", b"a 1 # {" + b",".join(b'l%d=""' % i for i in range(20)) + b"} 1\n# EOF\n",
    ]


def openmetrics_rules():
    """Pages that break a rule of the OpenMetrics specification each, which Prometheus may not mind."""
    good_histogram = 'h_bucket{le="1.0"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n'
    pages = [
        # counters
        *(f"# TYPE a counter\na_total {value}\n" for value in ("NaN", "-1", "-Inf", "+Inf", "1.5")),
        "# TYPE a counter\na_total 1\na_created NaN\n", "# TYPE a counter\na_total 1\na_created -1\n",
        "# TYPE a counter\na_created 1.5\na_total 1\n", "# TYPE a counter\na_sum 1\n", "# TYPE a counter\na_total{} 1\n",
        # gauges
        "# TYPE a gauge\na_total 1\n", "# TYPE a gauge\na_created 1\n", 'a{b="c"} 1\na{b="c"} 1\n',
        # histograms
        f"# TYPE h histogram\n{good_histogram}", 'h_bucket{le="+Inf"} 1\n',
        *(f"# TYPE h histogram\nh_bucket{{le=\"{bound}\"}} 1\n" for bound in ("a", "", "NaN", "-Inf", "+INF", "1e", "01.50")),
        "# TYPE h histogram\nh_bucket 1\n", '# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\n',
        '# TYPE h histogram\nh_bucket{le="2"} 1\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 3\n',
        '# TYPE h histogram\nh_bucket{le="+Inf"} NaN\n', '# TYPE h histogram\nh_bucket{le="+Inf"} -1\n',
        '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 2\n', '# TYPE h histogram\nh_bucket{le="-1"} 1\nh_bucket{le="+Inf"} 2\nh_sum -1\n',
        "# TYPE h histogram\nh_sum 1\n", "# TYPE h histogram\nh_count NaN\n", "# TYPE h histogram\nh 1\n",
        '# TYPE h histogram\nh_bucket{a="x",le="+Inf"} 1\nh_bucket{a="y",le="+Inf"} 1\nh_bucket{a="x",le="1"} 1\n',
        '# TYPE h gaugehistogram\nh_bucket{le="+Inf"} -1\nh_gsum -2\nh_gcount 1\n', '# TYPE h gaugehistogram\nh_sum 1\nh_count 1\n',
        '# TYPE h gaugehistogram\nh_bucket{le="1"} 2\nh_gcount 1\nh_gsum NaN\nh_created 1.5\n',
        # summaries
        *(f"# TYPE s summary\ns{{quantile=\"{value}\"}} 1\n" for value in ("a", "", "-1", "1.5", "NaN", "+Inf", "0.50")),
        "# TYPE s summary\ns 1\n", '# TYPE s summary\ns{quantile="0.5"} -1\n', "# TYPE s summary\ns_count NaN\n", "# TYPE s summary\ns_count -1\n",
        "# TYPE s summary\ns_sum NaN\ns_count 1\n", '# TYPE s summary\ns{quantile="0.5",a="x"} 1\ns_bucket 1\n',
        # info, stateset
        *(f'# TYPE a info\na_info{{b="c"}} {value}\n' for value in ("2", "0", "1.0", "NaN")), "# TYPE a info\na 1\n", "# TYPE a info\n# UNIT a x\na_info 1\n",
        *(f'# TYPE a stateset\na{{a="x"}} {value}\n' for value in ("2", "0.5", "NaN", "1.0")), "# TYPE a stateset\na 1\n", '# TYPE a stateset\na{b="x"} 1\n',
        # metadata
        "# HELP a x\n# HELP a y\na 1\n", "# TYPE a gauge\n# TYPE a gauge\na 1\n", "# UNIT a_s s\n# UNIT a_s s\na_s 1\n",
        "a 1\n# TYPE a gauge\n", "a 1\n# HELP a x\na 2 3\n", "# TYPE a meh\na 1\n", "# TYPE a counter gauge\n", "# meh a x\n", "# HELP\n",
        "# UNIT a_seconds seconds\n# TYPE a_seconds stateset\n", "# TYPE a_total gauge\na_total 1\n", "# TYPE a_total counter\na_total_total 1\n",
        "# TYPE a counter\n# TYPE a_total gauge\na_total 1\n", "# TYPE a gauge\n# HELP b x\na 1\nb 1\n", "# HELP a x\nb 1\na 1\n",
        # grouping and order
        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na 2 3\n", 'a{x="1"} 1\na{x="2"} 1\na{x="1"} 2 3\n', "# TYPE a gauge\na 1 2\na 2 1\n",
        "a 1 2\na 2\n", "a 1\na 2 2\n", "a 1 1\na 1 1\n", 'h_bucket{le="1"} 1\nh_sum 1\nh_bucket{le="+Inf"} 1\n',
        # exemplars where none belong, and broken ones
        '# TYPE a gauge\na 1 # {b="c"} 1\n', '# TYPE a info\na_info 1 # {b="c"} 1\n', '# TYPE s summary\ns{quantile="0.5"} 1 # {b="c"} 1\n',
        '# TYPE h histogram\nh_count 1 # {b="c"} 1\nh_sum 1 # {b="c"} 1\n', '# TYPE h gaugehistogram\nh_bucket{le="+Inf"} 1 # {b="c"} 1\n',
        *(f"# TYPE a counter\na_total 1 {rest}\n" for rest in ("#", "# ", "# {", '# {b="c"', '# {b="c"}', '# {b="c"} ', "# {b='c'} 1", '# {b="c"} 1 NaN',
                                                                 '# {b="c"} 1 +Inf', '# {b="c"} 1 -Inf', '# {b="c"} NaN', '# {b="c"} 1x', '# {b=c} 1', '# {b="c",b="d"} 1',
                                                                 '1 # {b="c"} 1 1', '1 2 # {b="c"} 1', '# {b="\xe4\u20ac"} 1', '# x {b="c"} 1')),
    ]
    for page in pages:
        yield page.encode() + b"# EOF\n"


def unique(pages):
    return list(dict.fromkeys(pages))


PROTOBUF = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)


def recent(pages):
    """Without times of their own: of a histogram's there would be no trace."""
    return [page for page in pages if number(6, 1600000000000) not in page]


NHCB = {"convert_classic_histograms_to_nhcb": True}

FORMATS = {
    "text": {
        "content_type": "text/plain; version=0.0.4; charset=utf-8",
        "cases": unique(text_cases()),
    },
    "openmetrics": {
        "content_type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "cases": unique([*openmetrics_cases(), *openmetrics_rules()]),
    },
    "protobuf": {
        "content_type": PROTOBUF,
        "cases": unique([*plain_cases(), *histogram_cases()]),
    },
    "protobuf_both": {
        "content_type": PROTOBUF,
        "cases": unique(histogram_cases()),
        "job": {"always_scrape_classic_histograms": True},
    },
    "protobuf_factor": {
        "content_type": PROTOBUF,
        "cases": unique(native_cases()),
        "job": {"native_histogram_min_bucket_factor": 1.1},
    },
    "protobuf_limit": {
        "content_type": PROTOBUF,
        "cases": unique(native_cases()),
        "job": {"native_histogram_min_bucket_factor": 2.1, "native_histogram_bucket_limit": 6},
    },
    "text_nhcb": {
        "content_type": "text/plain; version=0.0.4; charset=utf-8",
        "cases": unique(exposition_nhcb.text_cases(*exposition_nhcb.repeated())),
        "job": NHCB,
    },
    "text_nhcb_both": {
        "content_type": "text/plain; version=0.0.4; charset=utf-8",
        "cases": unique(exposition_nhcb.text_cases())[:180],
        "job": {**NHCB, "always_scrape_classic_histograms": True},
    },
    "text_nhcb_limit": {
        "content_type": "text/plain; version=0.0.4; charset=utf-8",
        "cases": unique(exposition_nhcb.text_cases())[:100],
        "job": {**NHCB, "native_histogram_bucket_limit": 2, "native_histogram_min_bucket_factor": 2},
    },
    "openmetrics_nhcb": {
        "content_type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "cases": unique(
            exposition_nhcb.openmetrics_cases(
                *exposition_nhcb.repeated(), *exposition_nhcb.created()
            )
        ),
        "job": NHCB,
    },
    "openmetrics_nhcb_both": {
        "content_type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "cases": unique(exposition_nhcb.openmetrics_cases())[:150],
        "job": {**NHCB, "always_scrape_classic_histograms": True},
    },
    "protobuf_nhcb": {
        "content_type": PROTOBUF,
        "cases": recent(unique(histogram_cases())),
        "job": NHCB,
    },
    "protobuf_nhcb_both": {
        "content_type": PROTOBUF,
        "cases": recent(unique(histogram_cases())),
        "job": {**NHCB, "always_scrape_classic_histograms": True},
    },
}
