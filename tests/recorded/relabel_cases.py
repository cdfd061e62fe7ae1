# SPDX-License-Identifier: Apache-2.0
"""What record_relabel.py asks a real Prometheus: (labels, rules) and, where we do otherwise, (labels,
rules, what we do, why)."""

LABELS = {"a": "x", "b": "y", "c": "x", "n": "node-12.example:9100", "empty": ""}


def rule(**keys):
    """source_labels as one text: "a b"."""
    if isinstance(keys.get("source_labels"), str):
        keys["source_labels"] = keys["source_labels"].split()
    return keys


def labels(*rules, **more):
    return ({**LABELS, **more}, list(rules))


def match(regex, value, replacement="<$0>"):
    """The regex on a value: label r is the replacement."""
    return ({"v": value}, [rule(source_labels="v", regex=regex, target_label="r", replacement=replacement)])


def replace(**keys):
    return labels(rule(**keys))


REPLACE = [
    replace(source_labels="a", target_label="r"),
    replace(source_labels="a b", target_label="r"),
    replace(source_labels="a missing b", target_label="r"),
    replace(source_labels="a b", separator="", target_label="r"),
    replace(source_labels="a b", separator="--", target_label="r"),
    replace(source_labels="a b", separator=None, target_label="r"),
    replace(source_labels="a b", separator="\n", target_label="r"),
    replace(source_labels="a b", regex="(.*);(.*)", replacement="$2$1", target_label="r"),
    replace(source_labels="a b", regex="(.*);(.*)", replacement="${2}_${1}", target_label="r"),
    replace(source_labels="a a a", regex="x;x;x", replacement="all", target_label="r"),
    replace(source_labels="missing", target_label="r"),
    replace(source_labels="missing", target_label="a"),
    replace(source_labels="missing", replacement="fixed", target_label="r"),
    replace(source_labels=[], replacement="fixed", target_label="r"),
    replace(replacement="fixed", target_label="r"),
    replace(target_label="a"),
    replace(target_label="a", replacement=""),
    replace(target_label="a", replacement=None),
    replace(source_labels="a", regex="", target_label="r", replacement="empty"),
    replace(source_labels="empty", regex="", target_label="r", replacement="empty"),
    replace(source_labels="a", regex=None, target_label="r", replacement="null"),
    replace(source_labels="missing", regex=None, target_label="r", replacement="null"),
    replace(source_labels="a", regex="(.+)", target_label="a", replacement="$1$1"),
    replace(source_labels="a", regex="y", target_label="r"),
    replace(source_labels="a", regex="x|y", target_label="r", replacement="either"),
    replace(source_labels="a", regex="(x)|(y)", target_label="r", replacement="[$1][$2]"),
    replace(source_labels="a", target_label="r_$1"),
    replace(source_labels="a", target_label="r_${1}_s"),
    replace(source_labels="a", target_label="${1}"),
    replace(source_labels="a", regex="(.)(?P<n>.*)", target_label="r_$1", replacement="$n"),
    replace(source_labels="a", regex="(y)?x", target_label="$1", replacement="no name"),
    replace(source_labels="n", target_label="r_$1"),
    replace(source_labels="n", target_label="$1"),
    replace(source_labels="n", regex="(.*):(\\d+)", target_label="port", replacement="$2"),
    replace(source_labels="n", regex="([^.:]+).*", target_label="instance"),
    replace(source_labels="a", target_label="job"),
    replace(source_labels="a", target_label="instance", replacement=""),
    replace(source_labels="a", target_label="job", replacement=""),
    replace(source_labels="__address__", target_label="r"),
    replace(source_labels="__address__", regex="(.*):.*", replacement="$1:2", target_label="__address__"),
    replace(source_labels="job", target_label="__metrics_path__", replacement="/probe"),
    replace(source_labels="a", target_label="__metrics_path__", replacement="no slash"),
    replace(target_label="__metrics_path__", replacement=""),
    replace(target_label="__scheme__", replacement=""),
    *(replace(target_label="__address__", replacement=address) for address in (
        "user@h:1", "user:word@h", "a b:1", "\u00e4:1", "h%41:1", "h?x=1", "h#x", "[fe80::1%eth0]:1", "h|^`{}\\:1", "h<>\"!$$&'()*+,;=:1", "-_.~")),
    replace(source_labels="a", target_label="__metrics_path__", replacement=""),
    replace(source_labels="a", target_label="__param_target"),
    replace(source_labels="n", target_label="__param_target", replacement="a b&c=$1"),
    replace(target_label="__scheme__", replacement="https"),
    replace(target_label="__scrape_interval__", replacement="20s"),
    replace(target_label="__tmp_a", replacement="t"),
    replace(target_label="__tmp_a", replacement="$$"),
    replace(target_label="r", replacement="$$1"),
    replace(target_label="r", replacement="a$"),
    replace(target_label="r", replacement="$$$"),
    replace(source_labels="a", target_label="r", replacement="$2"),
    replace(source_labels="a", target_label="r", replacement="$1a"),
    replace(source_labels="a", target_label="r", replacement="$1-"),
    replace(source_labels="a", target_label="r", replacement="${1"),
    replace(source_labels="a", target_label="r", replacement="${1}a"),
    replace(source_labels="a", target_label="r", replacement="${}$1"),
    replace(source_labels="a", target_label="r", replacement="${1 }$1"),
    replace(source_labels="a", target_label="r", replacement="$01.$1"),
    replace(source_labels="a", target_label="r", replacement="$0.$00.$1"),
    replace(source_labels="a", target_label="r", replacement="$1\u00e4.${1}\u00e4"),
    replace(source_labels="a", target_label="r", replacement="$1\u0663.$1\u2460.$1"),
    replace(source_labels="a", target_label="r", replacement="$99999999999.$1"),
    replace(source_labels="a", target_label="r", replacement="$100000000.$1"),
    replace(source_labels="a", target_label="r", replacement="\u00fc\n\t\"\\$1"),
    replace(source_labels="a", regex="(?P<n>.)", target_label="r", replacement="$n.${n}.$m.$n_.$N"),
    replace(source_labels="a", regex="(?P<_>.)", target_label="r", replacement="$_.${_}"),
    replace(source_labels="a", regex="(?P<1>.)", target_label="r", replacement="${1}"),
    replace(source_labels="a", regex="(?P<n>y)?(?P<n>x)", target_label="r", replacement="$n"),
    replace(source_labels="a", regex="(?P<n>x)(?P<n>y)?", target_label="r", replacement="$n"),
    replace(source_labels="a", target_label="r", action="Replace"),
    replace(source_labels="a", target_label="r", action="REPLACE"),
    replace(source_labels="a", target_label="r", modulus=5),
    # one after the other
    labels(rule(target_label="r", replacement="1"), rule(source_labels="r", target_label="s", replacement="${1}2")),
    labels(rule(source_labels="a", target_label="b"), rule(source_labels="b", target_label="c", replacement="$1$1")),
    labels(rule(action="drop", source_labels="a", regex="y"), rule(action="keep", source_labels="b", regex="y")),
    labels(rule(action="keep", source_labels="a", regex="y"), rule(target_label="r", replacement="late")),
    labels(rule(target_label="a", replacement=""), rule(action="keep", source_labels="a", regex="")),
    labels(rule(target_label="__address__", replacement="")),
    labels(rule(target_label="__address__", replacement="a/b")),
    labels(rule(target_label="__address__", replacement="[::1]:9")),
    labels(rule(target_label="__scrape_interval__", replacement="0s")),
    labels(rule(target_label="__scrape_interval__", replacement="soon")),
    labels(rule(target_label="__scrape_interval__", replacement="")),
    labels(rule(target_label="__scrape_timeout__", replacement="2y")),
    labels(rule(target_label="__scrape_timeout__", replacement="0")),
    labels(rule(target_label="__scrape_timeout__", replacement="1.5s")),
    labels(rule(target_label="__meta_a", replacement="m"), rule(source_labels="__meta_a", target_label="r")),
]

KEEP_DROP = [
    replace(action="keep", source_labels="a", regex="x"),
    replace(action="keep", source_labels="a", regex="y"),
    replace(action="keep", source_labels="a"),
    replace(action="keep", source_labels="missing"),
    replace(action="keep", source_labels="missing", regex=".+"),
    replace(action="keep", source_labels="a", regex=".x?"),
    replace(action="keep", source_labels="n", regex="node"),
    replace(action="keep", source_labels="n", regex="node.*"),
    replace(action="keep", regex="x"),
    replace(action="keep"),
    replace(action="Keep", source_labels="a b", regex="x;y"),
    replace(action="keep", source_labels="a b", regex="x y", separator=" "),
    replace(action="keep", source_labels="a", target_label="b", replacement="c", regex="x", modulus=3),
    replace(action="drop", source_labels="a", regex="x"),
    replace(action="drop", source_labels="a", regex="y"),
    replace(action="drop", source_labels="a"),
    replace(action="drop", source_labels="missing", regex=""),
    replace(action="drop", source_labels="a b", regex="(x|y);(x|y)"),
    replace(action="drop"),
    replace(action="keepequal", source_labels="a", target_label="c"),
    replace(action="keepequal", source_labels="a", target_label="b"),
    replace(action="keepequal", source_labels="a b", target_label="c"),
    replace(action="keepequal", source_labels="missing", target_label="absent"),
    replace(action="keepequal", target_label="absent"),
    replace(action="keepequal", target_label="a"),
    replace(action="dropequal", source_labels="a", target_label="c"),
    replace(action="dropequal", source_labels="a", target_label="b"),
    replace(action="dropequal", source_labels="missing", target_label="absent"),
    replace(action="DropEqual", source_labels="a b", target_label="c"),
    replace(action="keepequal", source_labels="a", target_label="c", replacement="$1", separator=";"),
]

HASHMOD = [
    replace(action="hashmod", source_labels="a", target_label="r", modulus=modulus)
    for modulus in (1, 2, 7, 1000, 4294967296, 18446744073709551615)
] + [
    replace(action="hashmod", source_labels="a b", target_label="r", modulus=1000000),
    replace(action="hashmod", source_labels="a b", separator="", target_label="r", modulus=1000000),
    replace(action="hashmod", source_labels="missing", target_label="r", modulus=1000000),
    replace(action="hashmod", target_label="r", modulus=1000000),
    replace(action="hashmod", source_labels="n", target_label="n", modulus=1000000, regex="never"),
    replace(action="hashmod", source_labels="a", target_label="r", modulus=10, replacement="unused"),
    labels(rule(action="hashmod", source_labels="u", target_label="r", modulus=99991), u="\u00fc\u20ac"),
    labels(rule(action="hashmod", source_labels="__address__", target_label="__tmp_hash", modulus=2),
           rule(action="keep", source_labels="__tmp_hash", regex="0")),
    labels(rule(action="hashmod", source_labels="__address__", target_label="__tmp_hash", modulus=2),
           rule(action="keep", source_labels="__tmp_hash", regex="1")),
]

NAMES = {"__meta_kubernetes_pod_label_app": "shop", "__meta_kubernetes_pod_label_tier": "front", "k1": "1", "k2": "2"}


def names(*rules):
    return (NAMES, list(rules))


# Two labels that were discovered are never mapped to one name here: which wins is random in Prometheus 3.
BY_NAME = [
    names(rule(action="labelmap", regex="__meta_kubernetes_pod_label_(.+)")),
    names(rule(action="labelmap", regex="__meta_kubernetes_pod_label_(.+)", replacement="pod_$1")),
    names(rule(action="labelmap", regex="__meta_kubernetes_pod_label_(.+)", replacement="${1}_of_pod")),
    names(rule(action="labelmap", regex="k1", replacement="k2"), rule(action="labelmap", regex="k2", replacement="k1")),
    names(rule(target_label="k0", replacement="0"), rule(action="labelmap", regex="k(.)", replacement="same")),
    names(rule(target_label="k1", replacement=""), rule(target_label="k1", replacement="again"),
          rule(action="labelmap", regex="k(.)", replacement="same")),
    names(rule(target_label="k3", replacement="3"), rule(target_label="k0", replacement="0"),
          rule(target_label="k3", replacement="4"), rule(action="labelmap", regex="k(.)", replacement="same")),
    names(rule(action="labelmap", regex="(k)(.)", replacement="$1_$2")),
    names(rule(action="labelmap", regex="(job)", replacement="x_$1")),
    names(rule(action="labelmap", regex="nothing(.*)")),
    names(rule(action="labelmap", source_labels="k1", regex="k(.)", replacement="m$1")),
    names(rule(action="labelmap", regex="k(.)", replacement="m$1", target_label="unused", separator="-", modulus=4)),
    names(rule(action="labelmap", regex="__meta_kubernetes_pod_label_app", replacement="__param_app")),
    names(rule(action="labelmap", regex="__address__", replacement="instance")),
    names(rule(action="labelmap")),
    names(rule(action="labeldrop", regex="k.")),
    names(rule(action="labeldrop", regex="k")),
    names(rule(action="labeldrop", regex="job|k1")),
    names(rule(action="labeldrop", regex="__meta.*"), rule(source_labels=["__meta_kubernetes_pod_label_app"],
                                                           target_label="r", replacement="app: $1")),
    names(rule(action="labeldrop", regex="__metrics_path__")),
    names(rule(action="labeldrop", regex="__scrape_interval__")),
    names(rule(action="labeldrop", regex="__address__")),
    names(rule(action="labeldrop", regex="nothing")),
    names(rule(action="labeldrop", regex="")),
    names(rule(action="LabelDrop", regex="k1")),
    names(rule(action="labelkeep", regex="__.*|k1")),
    names(rule(action="labelkeep", regex="__.*")),
    names(rule(action="labelkeep", regex="k.")),
    names(rule(action="labelkeep")),
    names(rule(action="labeldrop", regex="k.", source_labels=None)),
    names(rule(action="labeldrop", regex="k.", target_label="", separator=";", replacement="$1", modulus=0)),
]

LETTERS = "a\u00e4\u00df\u00e9 Z\u00d6 \u0130\u0131 \u01c4\u01c5\u01c6 \u03c3\u03c2\u03a3 \u1e9e\u212a\u017f \u10d0 \u0436\u0416 \ufb01 1_-"
CASE = [
    labels(rule(action="lowercase", source_labels="u", target_label="r"), u=LETTERS),
    labels(rule(action="uppercase", source_labels="u", target_label="r"), u=LETTERS),
    replace(action="lowercase", source_labels="a b", target_label="a"),
    replace(action="uppercase", source_labels="a b", separator="-", target_label="a"),
    replace(action="uppercase", source_labels="missing", target_label="a"),
    replace(action="Uppercase", source_labels="n", target_label="n", regex="never"),
    replace(action="lowercase", target_label="r"),
    replace(action="uppercase", source_labels="a", target_label="r", replacement="$1", modulus=3),
]

REJECTED = [
    replace(action="renew", target_label="r"),
    replace(action="", target_label="r"),
    replace(action=None, target_label="r"),
    replace(source_labels="a"),
    replace(source_labels="a", target_label=""),
    replace(source_labels="a", target_label=None),
    replace(),
    labels(rule(source_labels="a", target_label="r"), None),
    replace(source_labels="a", action="hashmod", target_label="r"),
    replace(source_labels="a", action="hashmod", target_label="r", modulus=0),
    replace(source_labels="a", action="hashmod", target_label="r", modulus=None),
    replace(source_labels="a", action="hashmod", modulus=5),
    replace(source_labels="a", action="hashmod", target_label="r", modulus=-1),
    replace(source_labels="a", action="hashmod", target_label="r", modulus="5"),
    replace(source_labels="a", action="hashmod", target_label="r", modulus="many"),
    replace(source_labels="a", action="hashmod", target_label="r", modulus=18446744073709551616)
    + ("rejected", "beyond 64 bits; Prometheus takes another number"),
    replace(action="lowercase", source_labels="a"),
    replace(action="uppercase", source_labels="a"),
    replace(action="lowercase", source_labels="a", target_label="r", replacement="x"),
    replace(action="uppercase", source_labels="a", target_label="r", replacement=""),
    replace(action="keepequal", source_labels="a"),
    replace(action="dropequal", source_labels="a"),
    replace(action="keepequal", source_labels="a", target_label="c", regex="(.*)"),
    replace(action="keepequal", source_labels="a", target_label="c", separator="-"),
    replace(action="dropequal", source_labels="a", target_label="c", modulus=1),
    replace(action="dropequal", source_labels="a", target_label="c", replacement="r"),
    replace(action="labelmap", regex="(.*)", replacement=""),
    replace(action="labelmap", regex="(.*)", replacement=None),
    replace(action="labeldrop", regex="a", source_labels="a"),
    replace(action="labeldrop", regex="a", source_labels=[]),
    replace(action="labeldrop", regex="a", target_label="r"),
    replace(action="labelkeep", regex="a", separator="-"),
    replace(action="labelkeep", regex="a", replacement="r"),
    replace(action="labelkeep", regex="a", modulus=1),
    replace(source_labels="a", target_label="r", regexp="a"),
    ({"a": "x"}, [{"source_labels": "a", "target_label": "r"}]),
    ({"a": "x"}, [{"source_labels": ["a", ["b"]], "target_label": "r"}]),
    ({"a": "x"}, [{"source_labels": [""], "target_label": "r"}]),
    ({"a": "x"}, [{"source_labels": ["a"], "target_label": ["r"]}]),
    ({"a": "x"}, [{"source_labels": ["a"], "target_label": "r", "regex": ["a"]}]),
    ({"a": "x"}, ["drop"]),
    ({"a": "x"}, {"action": "drop"}),
    # names of any characters: Prometheus 3
    replace(source_labels="a", target_label="a-b"),
    replace(source_labels="a", target_label="a.b"),
    replace(source_labels="a", target_label="0"),
    replace(source_labels="a", target_label="\u00e4"),
    replace(source_labels="a", target_label="a-$1"),
    replace(source_labels="a", target_label="a$"),
    replace(source_labels=["a-b"], target_label="r"),
    replace(action="lowercase", source_labels="a", target_label="a-b"),
    replace(action="hashmod", source_labels="a", target_label="a-b", modulus=5),
    replace(action="keepequal", source_labels="a", target_label="a-b"),
    replace(action="labelmap", regex="(a)", replacement="x-$1"),
    replace(action="labelmap", regex="(a)", replacement="x.y"),
]

REGEX = [
    match("a", "a"), match("a", "ab"), match("a", "ba"), match("a|ab", "ab"), match("(a|ab)(c|bcd)(d*)", "abcd", "$1,$2,$3"),
    match("(a+)(b+)?", "aaa", "$1,$2"), match("(a*?)(a*)", "aaa", "$1,$2"), match("(a??)(a*)", "aaa", "$1,$2"),
    match("(a{2})(a*)", "aaaaa", "$1,$2"), match("(a{2,})(a*)", "aaaaa", "$1,$2"), match("(a{2,3})(a*)", "aaaaa", "$1,$2"),
    match("(a{2,3}?)(a*)", "aaaaa", "$1,$2"), match("(?:a|b)*c", "ababc"), match("(a|b)*c", "ababc", "$1"),
    match("((a)|(b))*c", "ababc", "$1,$2,$3"), match("((a)|b)*c", "abbc", "$1,$2"), match("(a|b|)*c", "abc", "[$1]"),
    match("(a*)*", "aaa", "[$1]"), match("(a*)+", "aaa", "[$1]"), match("(a*)+", "b", "[$1]"), match("(a*)*b", "b", "[$1]"),
    match("(a|b*)*c", "abbc", "[$1]"), match("(|a)*", "aa", "[$1]"), match("(|a)+", "aa", "[$1]"), match("(a|)+", "aa", "[$1]"),
    match("(a?)*b", "aab", "[$1]"), match("(a?)+b", "aab", "[$1]"), match("(a?){3}b", "aab", "[$1]"), match("(a*){2,}b", "aab", "[$1]"),
    match("(?:(a)|b)*", "ab", "[$1]"), match("(?:(a)|(b))*", "ab", "[$1][$2]"), match("(a*?)*?b", "aab", "[$1]"),
    match("(?:(a*)(b*))*", "aabba", "[$1][$2]"), match("((a*)b*)*c", "abaabc", "[$1][$2]"), match("(?:()|a)*b", "aab", "[$1]"),
    match("(a){0}b", "b", "[$1]"), match("(a){0,1}b", "ab", "[$1]"),
    match("^a$", "a"), match("^a$|^b$", "b"), match("a^b", "ab"), match("a$b", "ab"), match("a$", "a\n"), match("\\Aa\\z", "a"),
    match("(?m)^a$\n^b$", "a\nb"), match("(?m)a$.*", "a\nb"), match("(?ms)a$.*", "a\nb"), match("(?s).*(?m)^", "a\n"),
    match("a.b", "a\nb"), match("(?s)a.b", "a\nb"), match("(?-s)a.b", "a\nb"), match("(?s:a.)b.", "a\nb\n"), match("[^a]b", "\nb"),
    match("(?i)abc", "aBC"), match("(?i:a)bc", "Abc"), match("(?i:a)bc", "ABC"), match("a(?i)b(?-i)c", "aBc"), match("a(?i)b(?-i)c", "aBC"),
    match("(?i)[a-c]+", "ABCabc"), match("(?i)[^a]", "A"), match("(?i)k", "\u212a"), match("(?i)\u017f", "S"), match("(?i)[k-s]", "\u212a"),
    match("(?i)\u00df", "\u1e9e"), match("(?i)\u03c3", "\u03c2"), match("(?i)\\w", "\u017f"), match("(?i)\\W", "\u017f"), match("(?i)[[:lower:]]", "A"),
    match("(?i)[[:^lower:]]", "A"), match("(?i)[^[:lower:]]", "A"), match("(?i)[^[:^lower:]]", "A"), match("(?i)\u0130", "i"), match("(?i)\u01c4", "\u01c5"),
    match("(?i)\\pL", "\u0345"), match("(?i)\\PL", "\u0345"), match("(?i)\\p{Greek}", "\u00b5"), match("(?i)[^\\p{Greek}]", "\u00b5"),
    match("(?i)\\p{Lu}", "a", "<$0>") + ("rejected", "the sets of upper and lower case under (?i) are refused by name"),
    match("(?i)(?-i:\\p{Lu})", "A"),
    match("(?U)(a+)(a*)", "aaa", "$1,$2"), match("(?U)(a+?)(a*)", "aaa", "$1,$2"), match("(?U:(a+))(a*)", "aaa", "$1,$2"), match("(?Us-i)a.+", "a\n"),
    match("a(?i)*", "aaa"), match("a(?i)*", "AAA"), match("(?i)(?-i)a", "A"), match("(a*(?i)*)", "aaa", "$1"), match("(?:)*a", "a"),
    match("\\d+", "123"), match("\\d", "\u0663"), match("\\D+", "a\u0663"), match("\\w+", "aZ_9"), match("\\w", "\u00e4"), match("\\W", "\u00e4"),
    match("\\s+", "\t\n\f\r "), match("\\s", "\v"), match("\\s", "\u00a0"), match("\\S+", "a\u00a0\v"),
    match("[\\d\\s]+", "1 2"), match("[^\\d\\s]+", "ab"), match("[\\D]", "1"), match("[^\\D]", "1"), match("[\\W\\d]+", "1-"), match("[^\\W\\d]+", "a_"),
    match("[[:alnum:]]+", "aZ9"), match("[[:alpha:]]+", "aZ"), match("[[:ascii:]]+", "a~\u007f"), match("[[:ascii:]]", "\u0080"), match("[[:blank:]]+", " \t"),
    match("[[:cntrl:]]+", "\u0001\u007f"), match("[[:digit:]]+", "09"), match("[[:graph:]]+", "!~a"), match("[[:graph:]]", " "), match("[[:lower:]]+", "az"),
    match("[[:print:]]+", " ~"), match("[[:punct:]]+", "!/:@[`{~"), match("[[:space:]]+", "\t\v\f "), match("[[:upper:]]+", "AZ"), match("[[:word:]]+", "a_9"),
    match("[[:xdigit:]]+", "afAF09"), match("[[:^alpha:]]+", "1_"), match("[[:alpha:][:digit:]_]+", "a1_"), match("[^[:alpha:]]+", "1_"), match("[:alpha:]+", "alpha:"),
    match("[[:]+", "[:"), match("[[:alpha]+", "[:alph"), match("[a[:digit:]-]+", "a1-"),
    match("\\pN", "\u00b2"), match("\\p{N}", "5"), match("\\PN", "a"), match("\\p{^N}", "a"), match("\\P{^N}", "5"), match("\\p{Lu}\\p{Ll}", "\u00c4\u00e4"),
    match("\\p{Greek}+", "\u03b1\u03c9"), match("\\p{Latin}", "\u03b1"), match("\\p{Han}", "\u4e2d"), match("\\p{Cyrillic}", "\u0436"), match("\\p{Common}", "1"),
    match("\\p{Devanagari}", "\u0964"), match("\\p{Any}", "\u4e2d"), match("[\\p{Lu}\\d]+", "A1"), match("[^\\pL]+", "12"), match("[\\PL]", "1"), match("\\pZ", " "),
    match("\\p{Sc}\\p{Pd}\\p{Nd}", "\u20ac-\u0663"), match("\\p{Co}", "\ue000"), match("\\p{Old_Italic}", "\U00010300"),
    match("[a-c]+", "abc"), match("[^a-c]+", "def"), match("[]a]+", "]a"), match("[^]a]+", "bc"), match("[a-]+", "a-"), match("[-a]+", "a-"), match("[a-c-e]+", "a-e"),
    match("[a\\-c]+", "a-c"), match("[\\]\\[]+", "[]"), match("[\\^a]+", "^a"), match("[a^]+", "^a"), match("[.]", "a"), match("[$()*+.?{|]+", "$()*+.?{|"),
    match("[\\n\\t]+", "\n\t"), match("[\\x41-\\x43]+", "ABC"), match("[\u00e4-\u00fc]+", "\u00f6"), match("[\\x{1F600}-\\x{1F64F}]", "\U0001f601"), match("[+--]+", "+,-"),
    match("[ -~]+", "abc ~"), match("[^\\x00-\\x{10FFFF}]*", ""), match("[\\101]", "A"), match("[a-\\x63]", "b"), match("[&&]", "&"), match("[a~~b]+", "~"),
    match("\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\^\\$\\\\", ".*+?()[]{}|^$\\"), match("\\-\\_\\/\\@\\#\\ \\\"\\'", "-_/@# \"'"), match("\\a", "\u0007"), match("\\f\\n\\r\\t\\v", "\f\n\r\t\v"),
    match("\\x41\\x{42}\\x{0043}", "ABC"), match("\\101\\060", "A0"), match("\\07", "\u0007"), match("\\012", "\n"), match("\\x{1F600}", "\U0001f600"), match("\\x4g", "4g"),
    match("\\Qa.b\\E.", "a.bc"), match("\\Qa.b\\Ec*", "a.bcc"), match("\\Q\\E", ""), match("\\Q.\\E+", "..."), match("\\Qa\\", "a\\"), match("\\Qab", "ab"),
    match("\\bfoo\\b", "foo"), match("a\\b-\\bb", "a-b"), match("a\\Bb", "ab"), match("a\\bb", "ab"), match("\\b*a", "a"), match("\u00e4\\ba", "\u00e4a"),
    match("a{,2}", "a{,2}"), match("a{", "a{"), match("a{1", "a{1"), match("a{1,b}", "a{1,b}"), match("a{01}", "a{01}"), match("{", "{"), match("}", "}"), match("]", "]"),
    match("a{0}", ""), match("a{0,0}b", "b"), match("a{1}", "a"), match("(?:a{3}){2}", "aaaaaa"), match("(?:a{10}){100}", "a"), match("a{1000}", "a"),
    match("(?P<name>a)(b)", "ab", "$name,$2"), match("(?P<a1>.)(?P<a2>.)", "ab", "$a2$a1"), match("(((a)b)c)", "abc", "$1,$2,$3"), match("()(a)", "a", "[$1]$2"),
    match("(?<name>a)", "a", "$name"), match("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "abcdefghijk", "$11$10$1"), match("|a", "a"), match("a||b", ""), match("(|a)b", "ab", "[$1]"),
    match("(a)|b", "b", "[$1]"), match("\u00e4+", "\u00e4\u00e4"), match(".", "\U0001f600"), match("..", "\u00e4"), match("#.*", "# a"), match("a b", "ab"),
    match("(?i)stra\u00dfe", "STRASSE"), match("https?://[^/]+(/.*)?", "https://a.b/c", "$1"), match("(.+?)(?::\\d+)?;(\\d+)", "h:1;2", "$1:$2"),
    match("(\\d+);(([A-Fa-f0-9]{1,4}::?){1,7}[A-Fa-f0-9]{1,4})", "80;2001:db8::1", "[$2]:$1"), match("(\\d+);((([0-9]+?)(\\.|$)){4})", "80;10.1.2.3", "$2:$1"),
    match("([^:]+)(?::\\d+)?;(\\d+)", "h;2", "$1:$2"), match("(.*)_(.*)_(.*)", "a_b_c_d", "$1-$2-$3"), match("(?:x+x+)+y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    match("(?:a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), match("", "x"), match("", ""), match(".*", ""),
]

# Of these PCRE2 alone would give up many.
HOSTILE = [
    match(regex, text, "[$1][$2][$3]")
    for regex, text in (
        ("(a+)+", "a" * 40 + "c"), ("(a+)+c", "a" * 40 + "c"), ("(a|aa)+[bc]?d?", "a" * 50 + "e"), ("(a|aa)+", "a" * 50),
        ("(?:(a)|(b)|a(c))*\\z(?:a*a*)*\\b", "abac" * 9), ("(?i)(?:(.)+\\d?)+-(\\pL+)(?m:$)", "a" * 30 + "-\u00e4\u00c4"), ("(?:[^x]*[^x]*)*", "a" * 50 + "x"),
        ("(\\w*_)*(\\w*)*", "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q_r_s_t_u_v_w_x_y_z!"), ("(\\w*_)*(\\w*)*", "a_b_c_d_e_f"), ("(?:(a{1,3}){2,}){2}(?:(a)?){3}(b{0})", "a" * 10),
        ("(?:(a{1,3}){2,}){2}(?:(a)?){3}(b{0})", "a" * 40), ("((?P<n>^{2}?(.??\\S{0,2})+?){2}..+?\\.)1+?", "a111ba1-1.a-0Zb.1"), ("(?:([-\\S]\\S*? {0,2})*k(?i:_{1,2}1b??B)*s){2}", "sB1  k__1BsKaa s111k__1bB__1Bs"),
        ("(?:([-\\S]\\S*? {0,2})*k(?i:_{1,2}1b??B)*s){2}", "sB1  ksKaa s111k__1bB__1Bs"), ("(?:x|(x)|x(x))*(y?)", "x" * 40 + "z"), ("(?:x|(x)|x(x))*(y?)", "x" * 40), ("(([a-z0-9]+)-?)+;(\\d+)", "abcdefghijklmnopqrstuvwxyz0123456789;x"),
        ("(([a-z0-9]+)-?)+;(\\d+)", "abcdefghijklmnopqrstuvwxyz-0123456789;1"), ("(?:(\\s*)(\\S+)?)*;", "a b c d e f g h i j k l m n o p q r s t u v w x y z"), ("(.*)(.*)(.*)(?:.*.*.*.*.*)*\\d", "abcdefghijklmnopqrstuvwxyz"), ("(.*?,){11}P", "1,2,3,4,5,6,7,8,9,10,11,12"),
        ("(?:(a?){20})(a{20})", "a" * 20), ("(?:a?){30}(a{30})", "a" * 30), ("(a??)*?(a{5,}?)(a*)$", "a" * 30), ("((?:a*)*)*(b|$)", "a" * 30 + "!"), ("(?:xb(?:b*|.+?)+|y).(.y??z|0)*", "xb_ Kzkyz"), ("(?U)((?:a*)*)*(b|$)", "a" * 30),
    )
]

REGEX_REJECTED = [
    match(regex, "a") for regex in (
        "(", ")", "a(", "a)", "(a", "((a)", "[", "[a", "[]", "[^]", "[a-", "a\\", "*", "+", "?", "*a", "a|*", "(*)", "(?i)*", "^*a**", "a**", "a++", "a?+", "a*?*", "a{2}{3}", "a{2}*",
        "{2}", "(|{2})", "a{1001}", "a{2,1001}", "a{1001,}", "a{5,2}", "a{99999999999}", "(a{100}){11}", "((a{10}){10}){11}", "(?:(?:a{1,500}){2}){2}",
        "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(?>a)", "(?|a)", "(?#c)a", "(?(1)a)", "(a)(?1)", "(?R)", "(?&n)", "(?P>n)", "(?P=n)", "(?C)", "(?x)a", "(?J)a", "(?'n'a)", "(?",
        "(?i", "(?-)", "(?-:a)", "(?i-)", "(?i-:a)", "(?--i)", "(?P<n>a", "(?P<n", "(?P<>a)", "(?P<a b>a)", "(?P<a-b>a)", "(?P<\u00e4>a)", "(?Pn)", "(?<>a)",
        "(a)\\1", "\\8", "\\k<n>", "\\g1", "a\\Z", "\\G", "\\K", "\\C", "\\R", "\\X", "\\h", "\\N", "\\e", "\\cA", "\\u0041", "\\o{101}", "\\E", "\\y", "\\L", "\\\u00e4",
        "\\x", "\\x4", "\\xzz", "\\x{", "\\x{}", "\\x{110000}", "\\x{4g}", "[b-a]", "[a-\\d]", "[\\b]", "[\\A]", "[[:foo:]]", "[[:^foo:]]", "[[:Alpha:]]", "[\\1]", "[\\Q]",
        "\\p", "\\p{", "\\p{}", "\\p{Foo}", "\\pX", "\\p{^}", "[\\p{Foo}]", "\\p{L", "(?i)(?z)", "a{2}+", "(?P<n>a)(?P=n)", "\\z*+",
    )
]

CASES = REPLACE + KEEP_DROP + HASHMOD + BY_NAME + CASE + REJECTED + REGEX + HOSTILE + REGEX_REJECTED
