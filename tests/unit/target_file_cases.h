/* SPDX-License-Identifier: Apache-2.0 */
/* Files of targets, and what is read from them: "a:1 b:1{env=prod,n=1} | c:1" or "! " and the
 * reason. */
#ifndef EDGEMETER_TESTS_TARGET_FILE_CASES_H
#define EDGEMETER_TESTS_TARGET_FILE_CASES_H

#include "base/text.h"

struct target_file_case {
    struct text bytes;
    const char *read;
};

#define CASE(bytes, read) \
    {                     \
        TEXT(bytes), read \
    }

static const struct target_file_case yaml_cases[] = {
    CASE("", ""),
    CASE("# nothing\n", ""),
    CASE("null\n", ""),
    CASE("[]\n", ""),
    CASE("- targets: [a:1]\n", "a:1"),
    CASE("- targets: ['a:1', \"[::1]:2\"]\n  labels: {env: prod, n: 1, t: true}\n"
         "- targets:\n  - c\n  labels:\n",
         "a:1 [::1]:2{env=prod,n=1,t=true} | c"),
    CASE("- labels: {a: b}\n", "{a=b}"),
    CASE("- targets:\n", ""),
    CASE("- {}\n", ""),
    CASE("- targets: [a]\n  labels: {empty: '', none: ~}\n", "a"),
    CASE("- targets: [~, 9100]\n", " 9100"), /* an empty target is refused when it is synced */
    CASE("- targets: [a/b]\n", "a/b"),
    CASE("- targets: [a]\n  labels: {\"la bel\": x, __meta_x: y}\n", "a{la bel=x,__meta_x=y}"),
    CASE("- &g\n  targets: [a]\n- *g\n", "a | a"),
    CASE("-\n", "! 1:2: a group must be a mapping with targets and labels"),
    CASE("a: b\n", "! 1:1: must be a list of groups of targets"),
    CASE("x\n", "! 1:1: must be a list of groups of targets"),
    CASE("- targets: a:1\n", "! 1:12: targets must be a list"),
    CASE("- targets: [{a: b}]\n", "! 1:13: a target must be text"),
    CASE("- targets: [a]\n  labels: [b]\n", "! 2:11: labels must be a mapping"),
    CASE("- targets: [a]\n  labels: {a: [b]}\n", "! 2:15: a label's value must be text"),
    CASE("- targets: [a]\n  labels: {'': b}\n", "! 2:12: not a valid label name"),
    CASE("- target: [a]\n", "! 1:3: unknown key; targets and labels are known"),
    CASE("- targets: [a]\n  targets: [b]\n",
         "! 2:3: \"targets\" is given twice, in line 1 and in line 2; the one in line 2 is used"),
    CASE("- targets: [a\n", "! 2:1: not valid YAML: did not find expected ',' or ']' while parsing "
                            "a flow sequence begun "
                            "in line 1"),
    CASE("- targets: [\xff]\n",
         "! 1:13: the file is not plain UTF-8 text: invalid leading UTF-8 octet"),
};

static const struct target_file_case json_cases[] = {
    CASE("[]", ""),
    CASE("null", ""),
    CASE("[{\"targets\": [\"a:1\", \"b:1\"], \"labels\": {\"env\": \"prod\"}}, {\"targets\": "
         "[\"c\"]}]\n",
         "a:1 b:1{env=prod} | c"),
    CASE("[{\"Targets\": [\"a\"], \"LABELS\": {\"a\": \"\\u00e4\\n\"}}]", "a{a=\xc3\xa4\n}"),
    CASE("[{\"targets\": null, \"labels\": null}]", ""),
    CASE("[{\"targets\": [null], \"labels\": {\"a\": null}}]", ""),
    CASE("[{\"targets\": [\"a\"], \"targets\": [\"b\"]}]", "b"),
    CASE("", "! 1:0: not valid JSON: unexpected token near end of file"),
    CASE("{}", "! must be a list of groups of targets"),
    CASE("\"x\"", "! must be a list of groups of targets"),
    CASE("[null]", "! [0] must be an object with targets and labels"),
    CASE("[{\"targets\": \"a\"}]", "! [0].targets must be a list"),
    CASE("[{}, {\"targets\": [\"a\", 1]}]", "! [1].targets[1] must be text"),
    CASE("[{\"labels\": [1]}]", "! [0].labels must be an object"),
    CASE("[{\"labels\": {\"a\": 1}}]", "! [0].labels: \"a\" must be text"),
    CASE("[{\"labels\": {\"\": \"1\"}}]", "! [0].labels: \"\" is not a valid label name"),
    CASE("[{\"target\": [\"a\"]}]", "! [0]: unknown key \"target\"; targets and labels are known"),
    CASE("[{\"targets\": [\"a\"]}] x", "! 1:22: not valid JSON: end of file expected near 'x'"),
    CASE("[{\"targets\": [\"a\\u0000\"]}]",
         "! 1:23: not valid JSON: \\u0000 is not allowed without JSON_ALLOW_NUL "
         "near '\"a\\u0000\"'"),
    CASE("[\n{\"targets\": [}]", "! 2:14: not valid JSON: unexpected token near '}'"),
};

#endif
