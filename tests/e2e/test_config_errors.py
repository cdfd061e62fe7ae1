#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A wrong configuration: file:line, what is wrong, exit 2; the same from check-config and at start."""

import os
import re
import subprocess
import tempfile

from checks import equal, run, true
from cluster import EDGEMETER

REMOTE = "remote_write:\n  - url: http://127.0.0.1:1/api/v1/write\n"

# what, the file, the line of the error, a word that its message has
WRONG = [
    ("a typo in a key", "global:\n  scrape_intervall: 15s\n", 2, "scrape_intervall"),
    ("a typo at the top", REMOTE + "http_metric: {}\n", 3, "http_metric"),
    ("a bad duration", "http_metrics:\n  interval: 15 parsecs\n", 2, "15 parsecs"),
    ("a tab", "global:\n\tscrape_interval: 15s\n", 2, "tab|token|character"),
    ("an empty file", "", 1, "empty"),
    ("a wrong type", "scrape_configs: 7\n", 1, "scrape_configs|list|sequence"),
    ("a key not built yet", "rule_files: [a.yml]\n", 1, "rule_files"),
    ("no url", "remote_write:\n  - name: global\n", 2, "url"),
]


def edgemeter(*arguments):
    done = subprocess.run(
        [EDGEMETER, *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_wrong_files():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "edgemeter.yml")
        for what, text, line, word in WRONG:
            with open(path, "w") as file:
                file.write(text)
            for arguments in (["check-config", path], [f"--config.file={path}"]):
                status, output = edgemeter(*arguments)
                equal(f"exit for {what}", status, 2)
                message = re.search(rf"{re.escape(path)}:(\d+):.*", output)
                true(f"a place in: {output.strip()}", message)
                equal("line", int(message.group(1)), line)
                true(f"the message says {word}", re.search(word, message.group(0), re.I))


def test_missing_file():
    for arguments in (["check-config", "/nowhere/a.yml"], ["--config.file=/nowhere/a.yml"]):
        status, output = edgemeter(*arguments)
        equal("exit for a missing file", status, 2)
        true(f"name and reason: {output.strip()}", "/nowhere/a.yml:" in output)
        true("the reason", re.search("no such file", output, re.I))


def test_wrong_usage():
    for arguments in (["--no-such-flag"], ["no-such-command"], ["check-config"]):
        status, output = edgemeter(*arguments)
        equal(f"exit for {arguments}", status, 2)
        true("says what is wrong", output.strip())


def test_good_file():
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write("http_metrics: {}\n" + REMOTE)
        file.flush()
        status, output = edgemeter("check-config", file.name)
        equal(f"exit for a good file ({output.strip()})", status, 0)


if __name__ == "__main__":
    run(test_wrong_files, test_missing_file, test_wrong_usage, test_good_file, metered=False)
