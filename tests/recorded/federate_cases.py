# SPDX-License-Identifier: Apache-2.0
"""What is asked of /federate: lists of match[]. The samples that they are asked of are in
record_federate.py. None has an @ behind a selector: Prometheus calls that by a number of its own."""

UTF8 = [  # of which 2.42 scrapes nothing
    '{"my.metric"}', "{'my.metric'}", "{`my.metric`}", '{"my.metric","la bel"="x y"}', '{"la bel"!=""}',
    '{"la bel"=~"x.*"}', "{'la bel'='x y'}", '{__name__="my.metric"}', '{__name__=~".*\\\\..*"}',
    '{"job"="web"}', '{"cpu_seconds_total",mode="idle"}', '{"my.metric",}', '{"cpu_seconds_total"}',
    '{"mem_bytes","job"=~"w.*"}', '{"µ.größe"}', '{"\\u00b5.gr\\u00f6\\u00dfe"}', '{""}', '{"my.metric","my.metric"}',
    '{"my.metric","mem_bytes"}', '{"my.metric" ="x"}', '{""="x"}', '{""=""}', 'mem_bytes{"job"="web"}', 'mem_bytes{"x"}',
]

EQUALITY = [
    "up", "mem_bytes", "nothing", "job:mem:sum", ":x", "a:b:c", "cpu_seconds_total",
    '{job="web"}', "{job='web'}", "{job=`web`}", '{job!=""}', '{job=""}', '{job!="web"}', '{}', '{ }', '{,}',
    'mem_bytes{}', 'mem_bytes{job="web"}', 'mem_bytes {job="web"}', 'mem_bytes\n{job="web"}', ' mem_bytes ',
    '\tmem_bytes\r\n', 'mem_bytes{job="web",}', 'mem_bytes{job="web",instance="a:1"}', 'mem_bytes{job="web" , instance="a:1" , }',
    'mem_bytes{job = "web"}', 'mem_bytes{job="web",job="db"}', 'mem_bytes{job="web",job!="db"}', 'mem_bytes{missing=""}',
    'mem_bytes{missing!=""}', 'mem_bytes{missing="x"}', 'mem_bytes{missing!="x"}', '{__name__="mem_bytes"}', '{__name__!="mem_bytes",job="web"}',
    'mem_bytes{__name__="mem_bytes"}', 'mem_bytes{__name__="up"}', '{cluster="own"}', '{cluster=""}', '{cluster!=""}', '{cluster="other"}',
    '{cluster!="own"}', '{replica="r1"}', '{replica=""}', '{instance=""}', '{instance!=""}', 'noinstance', 'mem_bytes{job="WEB"}', 'MEM_BYTES',
    '{job="web"}#comment', '{job="web"} # comment', '{job=#comment\n"web"}', '#only', 'mem_bytes#x', '{job="w\\u0065b"}', '{job="\\x77eb"}',
    '{job="\\167eb"}', '{job="\\U00000077eb"}', '{path="/a\\"b"}', "{path='/a\"b'}", '{path=`/a"b`}', '{path="c:\\\\d"}', '{path=`c:\\d`}',
    '{path="new\\nline"}', '{path=`new\nline`}', '{path="täg"}', '{path="t\\u00e4g"}', '{path="t\\xc3\\xa4g"}', "{path='it\\'s'}", '{path="it\'s"}',
    '{le="0.5"}', '{le=".5"}', '{le="+Inf"}', 'hist_bucket{le=~"0.*|1.*"}',
    # words of the language as names
    "sum", "by", "offset", "and", "or", "unless", "without", "start", "end", "count_values", "topk", "SUM", "min{job=\"web\"}", "bool", "on", "ignoring",
    "group_left", "group_right", "atan2", "inf", "nan", "Inf", "limitk", 'inside{by="x",offset="1"}', 'inside{sum="2"}', 'inside{bool!=""}',
]

REGEX = [
    '{__name__=~"job:.*"}', '{__name__=~"mem.*"}', '{__name__=~"mem"}', '{__name__=~".+_bytes|up"}', '{__name__!~"mem.*",job="web"}',
    '{job=~"web|db"}', '{job=~"web"}', '{job=~"we"}', '{job=~"w.*"}', '{job=~".*b"}', '{job=~".+"}', '{job=~".*"}', '{job=~""}', '{job!~""}',
    '{job!~".+"}', '{job!~"web|db"}', '{job=~"(?i)WEB"}', '{job=~"(?i:w)eb"}', '{job=~"[a-w]eb"}', '{job=~"[^d].*"}', '{job=~"w(e|x)b"}', '{job=~"w(?:e|x)b"}',
    '{job=~"w{1}eb"}', '{job=~"\\\\w+"}', '{job=~`\\w+`}', '{job=~"^web$"}', '{job=~"^we"}', '{job=~"web\\\\b"}', '{job=~"\\\\Aweb\\\\z"}',
    '{missing=~""}', '{missing=~".*",job="web"}', '{missing=~".+"}', '{missing!~".+",job="db"}', '{missing!~""}', '{path=~"new.line"}', '{path=~"t.g"}',
    '{path=~"\\\\pL+"}', '{path=~"/a.b"}', '{cluster=~"own"}', '{cluster=~"own|"}', '{cluster!~"own"}', '{instance=~"a:.*"}', '{instance=~"(a|b):1"}',
    'mem_bytes{instance=~"a:1|b:1"}', 'mem_bytes{instance!~"a:1|b:1"}', '{job=~"a{2}"}', '{le=~"[0-9.]+"}', '{job=~"web|"}', '{job=~"|web"}',
    '{job=~"("}', '{job=~"a{2,1}"}', '{job=~"["}', '{job=~"*"}', '{job=~"a**"}', '{job=~"(?=x)"}', '{job=~"\\\\1"}', '{job=~"(?P<n"}', '{job=~"a{1001}"}',
    '{job=~"\\\\"}', '{job=~"[z-a]"}', '{job=~"\\\\p{Nope}"}', '{job=~")"}', '{job!~"("}', '{job="web",instance=~"("}', '{job=~"(?<n>x)"}', '{job=~"(?x)y"}',
]

ERRORS = [
    "", " ", "\n", "{", "}", "{job", "{job=", "{job=web}", '{job="web"', '{job="web', '{job="web\n"}', "{job='web", "{job=`web", '{"job', '{job="web" instance="a"}',
    '{job="web",,instance="a"}', '{,job="web"}', '{job=="web"}', '{job~"web"}', '{job=~web}', '{job!"web"}', '{job>"web"}', '{=“web”}', '{="web"}', '{job="web"}}', '{{job="web"}}',
    '{1job="web"}', '{job-x="web"}', '{job:x="web"}', '{a.b="web"}', '{job="web"} {job="db"}', '{job="web"}[5m]', '{job="web"} offset 5m',
    'mem_bytes[5m]', 'mem_bytes offset 5m', 'mem_bytes + 1', 'mem_bytes - up', 'mem_bytes * 2', 'mem_bytes / 2', 'mem_bytes % 2', 'mem_bytes ^ 2', 'mem_bytes == 1', 'mem_bytes != 1',
    'mem_bytes <= 1', 'mem_bytes < 1', 'mem_bytes >= 1', 'mem_bytes > 1', 'mem_bytes = 1', 'mem_bytes =~ "x"', 'mem_bytes !~ "x"', 'mem_bytes ! 1', 'mem_bytes and up', 'mem_bytes or up', 'mem_bytes unless up',
    'mem_bytes atan2 up', 'mem_bytes by (x)', 'sum(mem_bytes)', 'sum by (x) (mem_bytes)', 'rate(mem_bytes[5m])', '(mem_bytes)', '(', ')', '[', ']', '-mem_bytes', '+1', '1', '1.5', '0x1f', '.5', '5m', '1h30m', '5mx', '1e5', '5 m',
    '"mem_bytes"', "'x'", '`x`', '"a long string that is cut"', '"a\\qb"', 'mem_bytes up', 'mem_bytes 5', 'mem_bytes 1h', 'mem_bytes "x"', 'mem_bytes "a longer string"', 'mem_bytes a:b', 'mem_bytes,', ',mem_bytes', 'mem_bytes;', ';',
    'mem_bytes$', '$', '?', 'mem_bytes.x', 'my.metric', '{job="\\q"}', '{job="\\xzz"}', '{job="\\x1"}', '{job="\\u12"}', '{job="\\ud800"}', '{job="\\U00110000"}', '{job="\\400"}', '{job="\\8"}', '{job="\\', '{job="\\x', "{job='\\\"'}",
    '{job="web"}\n\n  x', 'mem_bytes{\n  job="web"\n  instance="a"\n}', 'ämem', 'mem_bytes ä', '{ä="x"}', '{job=ä}', '{job="x"}ä', '{job=5}', '{job=up}', '{"job"=5}', '{5="x"}', '{job="x",5}', '{job="x" 5}', '{job="x"=5}', '{"x" "y"}', '{"x"=~"("}',
    '{job!5}', '{job!ä}', '{job="x"}!x', '{job="x"}=~"y"', '{job="x"}:', ':', '::', 'a:', '{job="a","b}', '{@="x"}', 'mem_bytes{job="web"}.', 'nan(', 'on{', 'bool{x="y"}', 'inf{x="y"}', 'a-b', 'a b c',
]

MANY = [
    ["up", "mem_bytes"], ["mem_bytes", "mem_bytes"], ['{job="web"}', 'mem_bytes'], ['{job="web"}', '{job="db"}'], ['{job="web"}', '{job!="web"}'],
    ["nothing", "mem_bytes"], ["mem_bytes", "("], ["(", ")"], ["mem_bytes", ""], [], ['{__name__=~"job:.*"}', '{job!=""}'],
]

BODIES = [  # whole answers: (match[], Accept)
    (['{job!=""}'], None),
    (["mem_bytes", "noinstance", "clustered"], None),
    (['{__name__=~".+"}'], "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"),
    (['{__name__=~".+"}'], "text/plain;version=0.0.4;escaping=underscores"),
    (['{__name__=~".+"}'], "text/plain;version=0.0.4;escaping=dots"),
    (['{__name__=~".+"}'], "text/plain;version=0.0.4;escaping=values"),
    (["mem_bytes"], "text/plain;version=1.0.0"),
    (["mem_bytes"], "application/json"),
    (["nothing"], None),
]

CASES = [[selector] for selector in EQUALITY + REGEX + ERRORS + UTF8] + MANY
