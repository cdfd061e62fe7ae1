#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what `promtool check config --agent --syntax-only` says of configurations.

tests/recorded/config.txt has every case of config_cases.py, in blocks of

  = NAME
  |a line of the file
  VERSION accepted            one line for each version
  VERSION refused REASON
  edgemeter VERDICT: WHY      where we decide otherwise than the newest version

tests/recorded/config_shapes.txt has every key and value of config_shapes.py by the newest version, in blocks of

  = KEY
  |the file, with @ for the value
  accepted<TAB>VALUE<TAB>VALUE...
  refused<TAB>VALUE...
  edgemeter VERDICT<TAB>VALUE...<TAB>WHY

tests/unit/test_config_recorded.c holds edgemeter to both.

  tests/recorded/record_config.py [PROMTOOL...]     default: versions 2 and 3 of tests/peers/fetch
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

from config_cases import CASES  # noqa: E402
from config_shapes import OURS, SHAPES, VALUES  # noqa: E402


def fetch(program):
    script = os.path.join(HERE, "..", "peers", "fetch")
    return subprocess.run([script, program], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def version(promtool):
    said = subprocess.run([promtool, "--version"], check=True, capture_output=True, text=True)
    return re.search(r"version (\S+)", said.stdout + said.stderr).group(1).split("+")[0]


def verdict(promtool, path):
    run = subprocess.run(
        [promtool, "check", "config", "--agent", "--syntax-only", path], capture_output=True, text=True
    )
    if run.returncode == 0:
        return "accepted"
    said = (run.stdout + run.stderr).replace(path, "FILE")
    reason = re.search(r"FAILED:?\s*(.*)", said, re.DOTALL)
    return "refused " + " ".join((reason.group(1) if reason else said).split())


def write(name, lines):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def record_cases(promtools, versions, folder):
    out = [
        f"# {len(CASES)} configurations, judged by promtool {' and '.join(versions)} through",
        "# tests/recorded/record_config.py, which says how to read this. Not edited by hand.",
    ]
    path = os.path.join(folder, "prometheus.yml")
    for name, text, *ours in CASES:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        out += ["", f"= {name}", *("|" + line for line in text.splitlines())]
        out += [f"{v} {verdict(p, path)}" for v, p in zip(versions, promtools)]
        if ours:
            out.append(f"edgemeter {ours[0]}: {ours[1]}")
    write("config.txt", out)


def accepted_files(promtool, paths):
    run = subprocess.run(
        [promtool, "check", "config", "--agent", "--syntax-only", *paths], capture_output=True, text=True
    )
    return set(re.findall(r"SUCCESS: (\S+) is valid", run.stdout))


def record_shapes(promtool, version, folder):
    """All in one run of promtool, which takes any number of files."""
    paths = {}
    for key, template in SHAPES.items():
        for value in VALUES:
            path = paths[key, value] = os.path.join(folder, f"{len(paths)}.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(template.replace("@", value) + "\n")
    accepted = accepted_files(promtool, paths.values())
    out = [
        f"# {len(SHAPES)} keys with {len(VALUES)} values each, judged by promtool {version} through",
        "# tests/recorded/record_config.py, which says how to read this. Not edited by hand.",
    ]
    for key, template in SHAPES.items():
        out += ["", f"= {key}", f"|{template}"]
        good = [value for value in VALUES if paths[key, value] in accepted]
        out.append("\t".join(["accepted", *good]))
        out.append("\t".join(["refused", *(value for value in VALUES if value not in good)]))
        for pattern, values, ours, why in OURS:
            differ = [v for v in values if (v in good) != (ours == "accepted")]
            if differ and re.fullmatch(pattern, key):
                out.append("\t".join([f"edgemeter {ours}", *differ, why]))
    write("config_shapes.txt", out)


def main():
    promtools = sys.argv[1:] or [fetch("promtool-2"), fetch("promtool-3")]
    versions = [version(promtool) for promtool in promtools]
    with tempfile.TemporaryDirectory() as folder:
        record_shapes(promtools[-1], versions[-1], folder)
        record_cases(promtools, versions, folder)


main()
