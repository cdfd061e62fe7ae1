#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of a recording, exposition_text say, or its configurations, into a folder, a file for
each: the fuzzers begin with them.

  tests/recorded/write_pages.py RECORDING FOLDER
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def unescape(text):
    def byte(match):
        escape = match.group(1)
        return {"n": b"\n", "\\": b"\\"}.get(escape) or bytes([int(escape[1:], 16)])

    parts = re.split(r"\\(n|\\|x[0-9a-f]{2})", text)
    out = b""
    for i, part in enumerate(parts):
        out += part.encode() if i % 2 == 0 else byte(re.fullmatch(r"(.*)", part))
    return out


def main():
    recording, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(HERE, recording + ".txt")) as file:
        lines = file.read().split("\n")
    pages = [unescape(line[5:]) for line in lines if line.startswith("page ")]
    configs = re.findall(r"^= .*((?:\n\|.*)+)", "\n".join(lines), re.MULTILINE)
    pages += [config.replace("\n|", "\n").encode()[1:] + b"\n" for config in configs]
    for i, page in enumerate(pages):
        with open(os.path.join(folder, f"{i:03d}"), "wb") as file:
            file.write(page)


if __name__ == "__main__":
    main()
